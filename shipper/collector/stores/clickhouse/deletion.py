"""The deletion of people: their shares are put down before anything of them goes; see rule 5 of the package."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from shipper.collector.stores.clickhouse.counts import SEEN, shapes_of
from shipper.collector.stores.clickhouse.dialect import dates, people_literal, text, texts
from shipper.collector.stores.clickhouse.engine import Engine, Shard
from shipper.collector.stores.clickhouse.schema import PERSONAL
from shipper.collector.stores.dimensions import LOSSES

#: The name under which all events of a share are counted: of two shares of a person and day the one of more events stays.
_WHOLE = "shipper.whole"


def delete_people(engine: Engine, people: Sequence[str]) -> Counter[str]:
    """Delete what is kept of people who are among the forgotten already, and return how many events of each went.

    It may be interrupted anywhere, run again, and run by several receivers at once.
    """
    deleted: Counter[str] = Counter()
    for shard in engine.shards():
        shard.catch_up("events", "lives")
        for app, days in days_of(shard, people).items():
            theirs = f"app = {text(app)} AND day IN ({dates(days)}) AND person IN ({texts(people)})"
            events = shard.query(f"SELECT person, count() FROM events FINAL WHERE {theirs} GROUP BY person")
            deleted.update({person: int(count) for person, count in events})
            if events:
                shard.do(_withdraw(app, theirs))
    for table, column in PERSONAL.items():
        given = texts(people) if column == "person" else people_literal(people)
        engine.delete(table, f"{column} IN ({given})")
    return deleted


def days_of(shard: Shard, people: Sequence[str]) -> Mapping[str, list[int]]:
    """The days, since 1970, on which a shard has events of some people, by app.

    `lives` would say it at less cost, but not of an event whose insert died before its views.
    """
    found: dict[str, list[int]] = defaultdict(list)
    for app, day in shard.query(f"SELECT DISTINCT app, toUInt32(day) FROM events WHERE person IN ({texts(people)})"):
        found[app].append(int(day))
    return found


def _withdraw(app: str, theirs: str) -> str:
    """The statement that puts down the shares of people in the sums of days."""
    seen = (
        f"SELECT day, person, toString(version) AS version, toUInt8(0) AS ci, '{SEEN}' AS shape, toUInt64(1) AS n"
        f" FROM events WHERE {theirs} AND name != '{LOSSES}' GROUP BY day, person, version"
    )
    whole = (
        f"SELECT day, person, '' AS version, toUInt8(0) AS ci, '{_WHOLE}' AS shape, count() AS n"
        f" FROM events FINAL WHERE {theirs} GROUP BY day, person"
    )
    counted = f"shape NOT IN ('{SEEN}', '{_WHOLE}')"
    return (
        "INSERT INTO withdrawn (app, day, person, events, versions, cis, shapes, times, seen_versions)"
        f" SELECT {text(app)} AS app, day, person, sumIf(n, shape = '{_WHOLE}') AS events,"
        f" groupArrayIf(version, {counted}), groupArrayIf(ci, {counted}), groupArrayIf(shape, {counted}),"
        f" groupArrayIf(n, {counted}), groupArrayIf(version, shape = '{SEEN}')"
        f" FROM ({shapes_of(theirs, 'day, person')} UNION ALL {seen} UNION ALL {whole}) GROUP BY day, person"
    )
