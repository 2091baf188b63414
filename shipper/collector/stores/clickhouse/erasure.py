"""What is left of deleted people after a deletion: their shares, and rows of days that name what only they had.

A share makes a deletion cheap, since no day has to be worked out again for it. Some time later its days are, without the
person, and the share goes: after an hour where the days are few enough, and else with all others once in SHARES_FOR, so
that no day is worked out more often than that.
"""

import time

from shipper.collector.stores.clickhouse.counts import BATCH_ROWS, days_to_refresh, refresh_days, refresh_months
from shipper.collector.stores.clickhouse.dialect import texts
from shipper.collector.stores.clickhouse.engine import Engine, Shard
from shipper.collector.stores.dimensions import day_text

#: Seconds for which a share may stand at most.
SHARES_FOR = 30 * 86_400
#: Tables whose replaced rows hold names that only a deleted person may have had.
_REPLACED = ("daily", "monthly", "withdrawn")


def erase_shares(engine: Engine, settled: int, now: int) -> int:
    """Erase the shares of people who were forgotten before the Unix second `settled`, and return how many days they were of.

    It may be interrupted and run again: a share goes only when the rows of all its days leave the person out.
    """
    forgotten = engine.query(f"SELECT person, max(since) FROM {engine.table('forgotten')} GROUP BY person")
    since = {person: int(at) for person, at in forgotten if int(at) < settled}
    erased = 0
    for shard in engine.shards() if since else ():
        shares = [(app, int(day), who) for app, day, who in shard.query(_SHARES) if who in since]
        days = sorted({(app, day) for app, day, _ in shares})
        if not days:
            continue
        late = min(since[who] for _, _, who in shares) < now - SHARES_FOR
        if late or _rows_of(shard, days) <= BATCH_ROWS:
            _erase(engine, shard, days, sorted({who for _, _, who in shares}))
            erased += len(days)
    return erased


def _erase(engine: Engine, shard: Shard, days: list[tuple[str, int]], people: list[str]) -> None:
    again = "".join(f"{app}\t{day_text(day)}\t1\n" for app, day in days)
    shard.do("INSERT INTO touched (app, day, rows) FORMAT TabSeparated", again)
    refresh_days(shard, days_to_refresh(shard), int(time.time()))
    refresh_months(shard)
    counted = (
        f"SELECT DISTINCT person FROM withdrawn WHERE person IN ({texts(people)})"
        " AND (app, day, person) NOT IN (SELECT app, day, arrayJoin(gone) AS person FROM daily FINAL)"
    )
    gone = set(people) - {who for (who,) in shard.query(counted)}
    if gone:
        engine.delete("withdrawn", f"person IN ({texts(sorted(gone))})")
    for table in _REPLACED:
        shard.do(f"OPTIMIZE TABLE {table} FINAL")


def _rows_of(shard: Shard, days: list[tuple[str, int]]) -> int:
    found = shard.query("SELECT app, toUInt32(day), sum(rows) FROM touched GROUP BY app, day")
    return sum(int(rows) for app, day, rows in found if (app, int(day)) in set(days))


_SHARES = "SELECT DISTINCT app, toUInt32(day), person FROM withdrawn"
