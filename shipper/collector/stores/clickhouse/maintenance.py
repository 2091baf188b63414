"""What is seldom done: sums of a month are worked out again, old months dropped, deleted rows taken off the disk."""

from shipper.collector.stores.clickhouse.days import month_number
from shipper.collector.stores.clickhouse.engine import Engine, Shard
from shipper.collector.stores.clickhouse.schema import TABLES, VIEWS, view_select
from shipper.collector.stores.dimensions import FIRST_DAY

#: Seconds for which deleted rows may stay on the disk after no answer counts them any more, on engines that mark them.
MARKED_FOR = 24 * 3600
MINUTES = 1440


def rebuild_month(shard: Shard, month: int) -> None:
    """Give a month's events, as in 202611, to the views again, and have its days worked out anew.

    It mends the sums of events whose insert died between the table and the views and that never came again, or that
    somebody copied into `events` by hand. It may be interrupted and run again: what is there already does not change.
    """
    shard.catch_up("events")
    for view, (table, _) in VIEWS.items():
        shard.do(f"INSERT INTO {table} {view_select(view, f'toYYYYMM(day) = {month}')}")


def months_before(shard: Shard, day: int) -> list[int]:
    """The months of events that were over before a day, in days since 1970; not the one where broken clocks are kept."""
    last, first = month_number(day), month_number(FIRST_DAY)
    # A refresh that was under way may have brought a day of a dropped month back.
    rows = shard.query(
        "SELECT toYYYYMM(day) AS m FROM touched GROUP BY m UNION ALL SELECT toYYYYMM(day) AS m FROM daily GROUP BY m"
    )
    return sorted({int(month) for (month,) in rows if first <= int(month) < last})


def drop_months(engine: Engine, day: int) -> list[int]:
    """Delete the months that were over before a day, with their sums, and return them.

    First runs of commands are kept for the installations that were seen in a month that is left.
    """
    dropped: set[int] = set()
    for shard in engine.shards():
        months = months_before(shard, day)
        dropped.update(months)
        for month in months:
            for name, table in TABLES.items():
                if table.partition:
                    shard.do(f"ALTER TABLE {name} DROP PARTITION {month}")
    if dropped:
        engine.delete("firsts", "who NOT IN (SELECT who FROM lives)")
    return sorted(dropped)


def drop_broken_clocks(engine: Engine, day: int) -> int:
    """Delete the events that happened on no real day and were received before a day, and return how many.

    Who is left with none of them did not live on that day; the day's sums are worked out anew.
    """
    old = f"day = toDate(0) AND received < {day * MINUTES}"
    counts = [int(shard.query(f"SELECT count() FROM events WHERE {old}")[0][0]) for shard in engine.shards()]
    if not sum(counts):
        return 0
    engine.delete("events", old)
    left = "SELECT toFixedString(unhex(person), 16) FROM events WHERE day = toDate(0) AND person != ''"
    for table in ("uses", "lives"):
        engine.delete(table, f"month = 197001 AND who NOT IN ({left})")
    engine.delete("firsts", "who NOT IN (SELECT who FROM lives)")
    for shard in engine.shards():
        of_no_day = "SELECT app, day, toUInt64(1) AS rows FROM touched WHERE day = toDate(0) GROUP BY app, day"
        shard.do(f"INSERT INTO touched {of_no_day}")
    return sum(counts)


def purge(shard: Shard) -> None:
    """Take rows off the disk that are only marked as deleted, once the first of them has been for MARKED_FOR."""
    marked = (
        "SELECT table FROM system.parts WHERE active AND has_lightweight_delete AND database = currentDatabase()"
        f" GROUP BY table HAVING min(modification_time) < now() - {MARKED_FOR}"
    )
    for (table,) in shard.query(marked):
        shard.do(f"ALTER TABLE {table} APPLY DELETED MASK")
