"""What the answers count in an event. Pure, and the same for every store, so that their answers are equal.

An answer never counts raw numbers: a whole number is counted by its step of the series 1, 2, 5, 10, ... so that the
number of different things to count stays small. A name or a flag is counted as it is.
"""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

from shipper.collector.stores.store import Row, Value
from shipper.recording.event import LOSSES as LOSSES

#: The reasons that a loss can have: those of a spool, and one for whatever a sender may call it otherwise.
LOSS_REASONS = ("full", "old", "damaged", "rejected", "too-large", "recovered", "other")
#: The reason that takes losses back: so many events were counted as lost, and came after all.
RECOVERED = "recovered"
#: Events that one losses event can tell of, by reason. A spool of 32 MiB holds some 100,000; with this bound a sum of
#: nine hundred thousand million losses events still fits into 64 bits, which is what every store adds up in.
MAX_LOST = 10_000_000

#: The name under which stores that add up count how late events arrive. No sender can send an event of that name.
LATE = "shipper.late"

#: The name under which stores count events that came without an id, from CI or under an agent. Nor can it be sent.
ORIGIN = "shipper.origin"

#: The event by which an installation of the level "none" says once a week that it is there, and what begins the names of
#: its fields that say whether an event was used.
CENSUS, USES = "shipper.census", "uses."
#: What is counted of a census in the place of its `os` and `arch`.
PLATFORM = "platform"

DAY = 86_400_000
"""Milliseconds."""
FIRST_DAY, LAST_DAY = 18_262, 29_219
"""2020-01-01 and 2049-12-31, in days since 1970: the days on which an event can have happened."""
NO_DAY = 0
"""1970-01-01, for events of a clock that is broken: they are kept and counted, but on no real day."""

#: Upper ends, in seconds, and words for how late an event arrives. A sender's own clock decides, so it may be ahead.
#: Receiving is known to the minute, hence the minute of grace.
LATENESS = (
    (-60, "clock ahead"),
    (15 * 60, "under 15 minutes"),
    (3600, "15 to 60 minutes"),
    (4 * 3600, "1 to 4 hours"),
    (24 * 3600, "4 to 24 hours"),
    (7 * 24 * 3600, "1 to 7 days"),
)
LATEST = "over 7 days"

#: What an installation was seen doing: (event, field, label). An empty event stands for the installation itself.
Feature = tuple[str, str, str]


def day_of(time: int) -> int:
    """The day, in days since 1970, on which an event counts; `time` in Unix milliseconds."""
    day = time // DAY
    return day if FIRST_DAY <= day <= LAST_DAY else NO_DAY


@lru_cache(maxsize=20_000)
def date_of(day: int) -> date:
    """The date of days since 1970."""
    return date(1970, 1, 1) + timedelta(days=day)


@lru_cache(maxsize=20_000)
def day_text(day: int) -> str:
    """Write days since 1970 as a date."""
    return date_of(day).isoformat()


def month_of(day: int) -> int:
    """The month of days since 1970, as a number: years times 12, January is 0."""
    when = date_of(day)
    return when.year * 12 + when.month - 1


@lru_cache(maxsize=4096)
def first_of(month: int) -> int:
    """The first day of a month as `month_of` counts them, in days since 1970."""
    return (date(month // 12, month % 12 + 1, 1) - date(1970, 1, 1)).days


#: Weeks of first use that retention looks at: as many columns as a phone shows.
COHORT_WEEKS = 9


def week_of(day: int) -> int:
    """The number of the week, from Monday, in which a day since 1970 lies; the 1st of January 1970 was a Thursday."""
    return (day + 3) // 7


def monday_of(week: int) -> int:
    """The first day of a week as `week_of` numbers them, in days since 1970."""
    return week * 7 - 3


def cohort_weeks(since: int, until: int) -> range:
    """The weeks that begin within a window, the last COHORT_WEEKS of them; the last one may not be over."""
    first, last = week_of(since + 6), week_of(until)
    return range(max(first, last - COHORT_WEEKS + 1), last + 1)


def _steps() -> tuple[list[int], list[str]]:
    lows = [0, 1, *(low * 10**power for power in range(20) for low in (2, 5, 10))]
    ends = ("0", "1", *(f"{low}-{high - 1}" for low, high in pairwise(lows[2:])))
    return lows[: len(ends)], ["below 0", *ends]


_LOWS, _STEPS = _steps()


def step_of(number: int) -> str:
    """Name the step of the series 1, 2, 5, 10, ... on which a whole number lies: 0, 1, 2-4, 5-9, 10-19, 20-49, ..."""
    return _STEPS[bisect_right(_LOWS, number)]


def label_of(value: Value) -> str:
    """Say a field's value as answers show it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return step_of(value) if isinstance(value, int) else value


def labels_of(fields: Mapping[str, Value]) -> tuple[tuple[str, str], ...]:
    """Say all fields of an event as answers show them, in the sender's order."""
    return tuple([(key, value if type(value) is str else label_of(value)) for key, value in fields.items()])


def features_of(row: Row) -> list[Feature]:
    """List what this event shows about its installation: that it lives, on what it runs, what it uses."""
    if row.name == LOSSES:
        return []
    return [
        ("", "", ""),
        ("", "version", row.version),
        ("", "runtime", short_runtime(row.runtime)),
        ("", "platform", f"{row.os} {row.arch}"),
        (row.name, "", ""),
        *((row.name, key, label_of(value)) for key, value in row.fields.items() if is_countable(row.name, value)),
    ]


def is_countable(event: str, value: Value) -> bool:
    """Whether installations are counted by this value: not by how long their commands take."""
    return event != "command" or isinstance(value, str | bool)


def is_unlinked(row: Row) -> bool:
    """Whether an event is of the level "none": it belongs to no session, to nobody, and its time is a day."""
    return not row.session


def shapes_of(row: Row) -> tuple[tuple[str, tuple[tuple[str, str], ...], int], ...]:
    """List what an event adds to the counts: name, labels, times. A census adds each of its labels alone.

    So the counts of a census are few, whatever is combined in it, and each of them is of installations.
    """
    if row.name == LOSSES:
        return tuple((LOSSES, (("reason", reason),), lost) for reason, lost in losses_of(row))
    if row.name == CENSUS:
        return tuple((CENSUS, (label,) if label else (), 1) for label in (None, *census_labels(row)))
    return ((row.name, labels_of(row.fields), 1),)


def census_labels(row: Row) -> list[tuple[str, str]]:
    """The labels of a census, in which `os` and `arch` are one."""
    platform = f"{row.fields.get('os', '')} {row.fields.get('arch', '')}"
    labels = [(key, label) for key, label in labels_of(row.fields) if key not in ("os", "arch")]
    return [*labels, (PLATFORM, platform)]


@lru_cache(maxsize=1024)
def short_runtime(runtime: str) -> str:
    """Cut "cpython 3.12.1" to "cpython 3.12": what must stay supported is a series, not a patch."""
    name, _, version = runtime.partition(" ")
    return " ".join([name, ".".join(version.split(".")[:2])]) if version else runtime


def origin_of(row: Row) -> tuple[tuple[str, str], ...]:
    """Say where an event came from, for ORIGIN; nothing for the usual one: a person's, outside of CI, by hand.

    `id` says whether it has one; "none" for the level that has no ids.
    """
    if row.name in (LOSSES, CENSUS) or (row.person and not row.ci and not row.agent):
        return ()
    known = "none" if is_unlinked(row) else label_of(bool(row.person))
    return (("event", row.name), ("ci", label_of(row.ci)), ("agent", row.agent), ("id", known))


def late_of(row: Row, received_at: int) -> str:
    """Say how late an event arrived, for LATE; nothing where that is not known: its time is a day, or it tells of losses."""
    return "" if row.name == LOSSES or is_unlinked(row) else lateness(row.time, received_at)


def lateness(time: int, received_at: int) -> str:
    """Say how late an event arrived; `time` in Unix milliseconds, `received_at` in Unix seconds, cut to the minute."""
    late = received_at - time // 1000
    return next((words for end, words in LATENESS if late < end), LATEST)


def losses_of(row: Row) -> list[tuple[str, int]]:
    """List the reasons and counts that a losses event tells; empty for every other event."""
    return list(bounded_losses(row.fields).items()) if row.name == LOSSES else []


def bounded_losses(fields: Mapping[str, Value]) -> dict[str, int]:
    """Read the counts of a losses event, whatever it says: LOSS_REASONS with 1 to MAX_LOST each.

    An unknown reason counts as "other", a count past the bound as the bound, and what is no count not at all.
    """
    counts: dict[str, int] = {}
    for key, value in fields.items():
        if type(value) is int and value > 0:
            reason = key if key in LOSS_REASONS else "other"
            counts[reason] = min(counts.get(reason, 0) + value, MAX_LOST)
    return counts
