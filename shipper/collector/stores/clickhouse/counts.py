"""The sums of counts: which days are older than their events, and how a day and a month are worked out again."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from shipper.collector.stores.clickhouse.dialect import date_literal, dates, text, texts
from shipper.collector.stores.clickhouse.engine import Shard
from shipper.collector.stores.dimensions import CENSUS, LATE, LOSSES, ORIGIN, PLATFORM, day_text

#: A row's `state` is the rows that it stands for times this, plus the deleted people whom it leaves out.
GONE = 1 << 20
#: Shares that an answer takes away from one day before the day is worked out again without their people.
MAX_SHARES = 1000
#: Rows that one statement works out again, unless a single day has more: some 30 s of one core, and bounded memory.
BATCH_ROWS = 50_000_000
#: Days that one statement works out again: their rows go through the receiver, some 100 KiB for an app of many shapes.
BATCH_DAYS = 62
#: The columns of `daily`, in the order in which its rows are worked out.
DAILY = (
    "app", "day", "state", "at", "gone", "versions", "cis", "shapes", "times", "seen_versions", "seen",
)  # fmt: skip
#: The name under which a day's installations stand among its counts until they get their own column.
SEEN = "shipper.seen"


class Day(NamedTuple):
    """A day of an app whose row is older than its events."""

    app: str
    day: int
    rows: int
    """How many rows came in for it."""
    shares: int
    """How many deleted people have a share in it."""


def days_to_refresh(shard: Shard, where: str = "1") -> list[Day]:
    """The days whose rows are older than their events or leave many shares to answers; `where` names apps and days."""
    zero = "toUInt64(0)"
    statement = (
        "SELECT app, toUInt32(day), sum(came), sum(shares) FROM ("
        f"SELECT app, day, sum(rows) AS came, {zero} AS counted, {zero} AS gone, {zero} AS shares"
        f" FROM touched WHERE {where} GROUP BY app, day UNION ALL "
        f"SELECT app, day, {zero} AS came, intDiv(max(state), {GONE}) AS counted, modulo(max(state), {GONE}) AS gone,"
        f" {zero} AS shares FROM daily WHERE {where} GROUP BY app, day UNION ALL "
        f"SELECT app, day, {zero} AS came, {zero} AS counted, {zero} AS gone, uniqExact(person) AS shares"
        f" FROM withdrawn WHERE {where} GROUP BY app, day"
        f") GROUP BY app, day HAVING sum(came) > sum(counted) OR sum(shares) > sum(gone) + {MAX_SHARES}"
    )
    return [Day(app, int(day), int(rows), int(shares)) for app, day, rows, shares in shard.query(statement)]


def refresh_days(shard: Shard, days: Sequence[Day], at: int) -> None:
    """Work out days again; `at` is the time in Unix seconds. The days must have been read before this is called.

    The rows of days of which somebody is being deleted meanwhile are thrown away: they may lack some of that person's
    events. Whose share is not put down when the events have been read had all of them then.
    """
    if not days:
        return
    shard.catch_up("events", "withdrawn")
    for batch in batches(days):
        gone = gone_from(shard, batch)
        lines = shard.read(refreshed(batch, at, gone)).splitlines(keepends=True)
        shard.catch_up("withdrawn")
        moved = {day_text(day.day) for day in batch} if gone_from(shard, batch) != gone else set()
        steady = [line for line in lines if line.split("\t", 2)[1] not in moved]
        if steady:
            shard.do(f"INSERT INTO daily ({', '.join(DAILY)}) FORMAT TabSeparated", "".join(steady))


def gone_from(shard: Shard, days: Sequence[Day]) -> dict[int, list[str]]:
    """The deleted people who had events on some days of one app, by day."""
    where = f"app = {text(days[0].app)} AND day IN ({dates(day.day for day in days)})"
    gone: dict[int, list[str]] = defaultdict(list)
    for day, person in shard.query(f"SELECT DISTINCT toUInt32(day), person FROM withdrawn WHERE {where}"):
        gone[int(day)].append(person)
    return {day: sorted(people) for day, people in gone.items()}


def batches(days: Iterable[Day]) -> Iterator[list[Day]]:
    """Cut days into batches of one app, of at most BATCH_DAYS, and of at most BATCH_ROWS or one day."""
    batch: list[Day] = []
    for day in sorted(days):
        same = batch and batch[0].app == day.app and len(batch) < BATCH_DAYS
        if batch and (not same or sum(each.rows for each in batch) + day.rows > BATCH_ROWS):
            yield batch
            batch = []
        batch.append(day)
    if batch:
        yield batch


def refreshed(days: Sequence[Day], at: int, gone: Mapping[int, Sequence[str]]) -> str:
    """Select the rows of days of one app, in the columns of DAILY, without the people who are `gone` from each."""
    where = f"app = {text(days[0].app)} AND day IN ({dates(day.day for day in days)})"
    pairs = ",".join(f"({date_literal(day)},{text(person)})" for day, people in gone.items() for person in people)
    if pairs:
        where += f" AND (day, person) NOT IN ({pairs})"
    numbers = ",".join(str(day.day) for day in days)
    states = ",".join(str(day.rows * GONE + min(len(gone.get(day.day, ())), GONE - 1)) for day in days)
    listed = ",".join(f"[{texts(gone.get(day.day, ()))}]" for day in days)
    # A day of which nothing is left has a row too, or it would be worked out for ever.
    empty = (
        f"SELECT arrayJoin([{dates(day.day for day in days)}]) AS day, '' AS version, toUInt8(0) AS ci, '' AS shape,"
        " toUInt64(0) AS n"
    )
    place = f"indexOf([{numbers}], toUInt32(day))"
    return (
        f"SELECT {text(days[0].app)} AS app, day, arrayElement([{states}], {place}) AS state, toUInt32({at}) AS at,"
        f" {f'arrayElement([{listed}], {place})' if pairs else 'emptyArrayString()'} AS gone,"
        f" groupArrayIf(version, {_COUNTED}), groupArrayIf(ci, {_COUNTED}), groupArrayIf(shape, {_COUNTED}),"
        f" groupArrayIf(n, {_COUNTED}), groupArrayIf(version, shape = '{SEEN}'), groupArrayIf(n, shape = '{SEEN}')"
        f" FROM ({empty} UNION ALL {shapes_of(where)} UNION ALL {_seen(where)}) GROUP BY day"
    )


# A census counts among each of its labels alone; see dimensions.shapes_of.
_LABELS = "arraySlice(splitByChar(',', toString(shape)), 2)"
_SAID = "substring(arrayFirst(x -> startsWith(x, '{0}='), " + _LABELS + "), length('{0}=') + 1)"
_CENSUS = (
    f"arrayConcat(['{CENSUS}'], arrayMap(x -> concat('{CENSUS},', x),"
    f" arrayFilter(x -> NOT startsWith(x, 'os=') AND NOT startsWith(x, 'arch='), {_LABELS})),"
    f" [concat('{CENSUS},{PLATFORM}=', {_SAID.format('os')}, ' ', {_SAID.format('arch')})])"
)
#: What one event counts among: its own shape, how late it came, and where from, unless that is the usual place.
_SHAPES = (
    f"arrayConcat(if(name = '{CENSUS}', {_CENSUS}, [toString(shape)]),"
    f" if(late = '', emptyArrayString(), [concat('{LATE},late=', toString(late))]),"
    f" if(name = '{CENSUS}' OR (known AND ci = 0 AND agent = ''),"
    f" emptyArrayString(), [concat('{ORIGIN},event=', toString(name), ',ci=', if(ci = 1, 'true', 'false'),"
    " ',agent=', toString(agent), ',id=', if(unlinked, 'none', if(known, 'true', 'false')))]))"
)
_COUNTED = f"n > 0 AND shape != '{SEEN}'"


def shapes_of(where: str, by: str = "day") -> str:
    """Select what some events add to `daily`: the columns of `by`, then version, ci, shape and n."""
    events = (
        f"SELECT {by}, toString(version) AS version, ci, {_SHAPES} AS shapes, count() AS n"
        f" FROM events FINAL WHERE {where} AND name != '{LOSSES}'"
        f" GROUP BY {by}, version, ci, name, shape, late, agent, person != '' AS known, session = '' AS unlinked"
    )
    losses = (
        f"SELECT {by}, toString(version) AS version, ci, concat('{LOSSES},reason=', key) AS shape,"
        f" toUInt64(sum(number)) AS n FROM events FINAL ARRAY JOIN keys AS key, kinds AS kind, numbers AS number"
        f" WHERE {where} AND name = '{LOSSES}' AND kind = 2 AND number > 0 GROUP BY {by}, version, ci, shape"
    )
    return (
        f"SELECT {by}, version, ci, shape, sum(n) AS n FROM ({events}) ARRAY JOIN shapes AS shape"
        f" GROUP BY {by}, version, ci, shape UNION ALL {losses}"
    )


def _seen(where: str) -> str:
    """Select how many installations were seen, by day and version. That an event stands twice makes no difference."""
    return (
        f"SELECT day, toString(version) AS version, toUInt8(0) AS ci, '{SEEN}' AS shape,"
        f" toUInt64(uniqExact(person)) AS n FROM events WHERE {where} AND person != '' AND name != '{LOSSES}'"
        " GROUP BY day, version"
    )


def refresh_months(shard: Shard) -> None:
    """Add up the months that are over and do not stand for their days any more."""
    for app, month in _months_to_refresh(shard):
        where = f"app = {text(app)} AND toYYYYMM(day) = {month}"
        # The state is read before the rows: should a row be replaced in between, the month is worked out once more.
        ((state,),) = shard.query(f"SELECT sum(state) FROM daily FINAL WHERE {where}")
        shard.do(
            "INSERT INTO monthly (app, month, state, versions, cis, shapes, times)"
            f" SELECT {text(app)} AS app, toUInt32({month}) AS month, toUInt64({state}) AS state,"
            " groupArray(version), groupArray(ci), groupArray(shape), groupArray(n) FROM ("
            "SELECT version, ci, shape, sum(each) AS n FROM daily FINAL"
            f" ARRAY JOIN versions AS version, cis AS ci, shapes AS shape, times AS each WHERE {where}"
            " GROUP BY version, ci, shape)"
        )


def _months_to_refresh(shard: Shard) -> list[tuple[str, str]]:
    """Months that are over and whose row is missing or stands for other rows of `daily`."""
    zero = "toUInt64(0)"
    statement = (
        "SELECT app, m FROM ("
        f"SELECT app, toYYYYMM(day) AS m, sum(state) AS days, {zero} AS months FROM daily FINAL GROUP BY app, m"
        f" UNION ALL SELECT app, month AS m, {zero} AS days, max(state) AS months FROM monthly GROUP BY app, m"
        ") GROUP BY app, m HAVING sum(days) != sum(months)"
        " AND m < (SELECT max(toYYYYMM(day)) FROM daily)"
    )
    return [(app, month) for app, month in shard.query(statement)]
