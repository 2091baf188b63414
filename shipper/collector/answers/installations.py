"""Questions about installations: how many there are, which are new, which came back, and what they run on."""

from collections import Counter
from collections.abc import Callable

from shipper.collector.answers.numbers import change, most_first, ratio
from shipper.collector.answers.question import (
    BARS,
    CHANGE,
    COUNT,
    DAYS,
    HEAT,
    IDS,
    SHARE,
    TABLE,
    TEXT,
    UNKNOWN,
    Asked,
    Cell,
    Chart,
    Question,
    Rows,
)
from shipper.collector.stores.dimensions import cohort_weeks, day_text, monday_of
from shipper.recording.value_names import version_order

#: The heading beneath which these stand.
GROUP = "Installations"
NOBODY = "No installation was seen in this period."
#: The part of a day's installations at which a release has arrived.
HALF = 0.5


def active(asked: Asked) -> Rows:
    """Per day and version: installations."""
    rows = sorted(asked.now.active().items(), key=lambda item: (item[0][0], version_order(item[0][1])))
    return [(day_text(day), version, people) for (day, version), people in rows]


def returning(asked: Asked) -> Rows:
    """New and returning installations, now and in the period before."""
    now, before = asked.installations, asked.before.installations("", "").get(("", "", ""), 0)
    new, new_before = sum(asked.now.newcomers().values()), sum(asked.before.newcomers().values())
    counted = (("new", new, new_before), ("seen before", now - new, before - new_before))
    return [(name, count, past, change(count, past)) for name, count, past in counted] if now or before else []


def retention(asked: Asked) -> Rows:
    """Per week of first use: installations, and the share of them that was seen in each week after."""
    weeks = cohort_weeks(asked.window.since, asked.window.until)
    seen = asked.now.cohorts()
    rows: Rows = []
    for born in weeks:
        size = seen.get((born, born), 0)
        later = [ratio(seen.get((born, week), 0), size) for week in range(born + 1, weeks.stop)]
        if size:
            rows.append((day_text(monday_of(born)), size, *later, *[""] * (WEEKS_AFTER - len(later))))
    return rows


#: Columns of `retention` after the week of first use.
WEEKS_AFTER = 8


def uptake(asked: Asked) -> Rows:
    """Per version, newest first: its share of the last whole day, its first day, and days until half of all had it."""
    totals: Counter[int] = Counter()
    shares: dict[str, dict[int, int]] = {}
    for (day, version), people in asked.now.active().items():
        if day < asked.today:
            totals[day] += people
            shares.setdefault(version, {})[day] = people
    if not totals:
        return []
    start, end = min(totals), max(totals)
    rows: Rows = []
    for version in sorted(shares, key=version_order, reverse=True):
        by_day = shares[version]
        first = min(by_day)
        half = next((day - first for day in sorted(by_day) if by_day[day] >= HALF * totals[day]), None)
        born = first > start  # what was there on the window's first day may be older
        arrived: Cell = UNKNOWN if half is None or not born else half
        since = day_text(first) if born else f"before {day_text(start)}"
        rows.append((version, ratio(by_day.get(end, 0), totals[end]), since, arrived))
    return rows


def lived_on(field: str) -> Callable[[Asked], Rows]:
    """Per runtime, platform or version: installations, and their share of all."""

    def rows(asked: Asked) -> Rows:
        return most_first(
            (label, people, ratio(people, asked.installations))
            for (_, _, label), people in asked.now.installations("", field).items()
        )

    return rows


def versions(asked: Asked) -> Rows:
    """Per version: installations, their share, and the last day on which one was seen."""
    last: dict[str, int] = {}
    for day, version in asked.now.active():
        last[version] = max(day, last.get(version, day))
    return [(*row, day_text(last[str(row[0])])) for row in lived_on("version")(asked) if str(row[0]) in last]


_LIVED = (("Installations", COUNT), ("Share", SHARE))

ACTIVE = Question(
    "active",
    "How many installations are active?",
    "Installations seen each day, by version; one that was updated that day counts for both versions.",
    (("Day", TEXT), ("Version", TEXT), ("Installations", COUNT)),
    Chart(DAYS, (0, 1), 2),
    NOBODY,
    active,
    level=IDS,
)
RETURNING = Question(
    "returning",
    "How many are new, how many came back?",
    "New is an installation whose first event ever happened in this period.",
    (("Installations", TEXT), ("This period", COUNT), ("Before", COUNT), ("Change", CHANGE)),
    Chart(BARS),
    NOBODY,
    returning,
    GROUP,
    IDS,
)
RETENTION = Question(
    "retention",
    "Do they stay?",
    "Of the installations first seen in each week, the share that was seen again 1, 2, ... weeks later. The last share of"
    " each row may be of a week that is not over.",
    (
        ("First week", TEXT),
        ("Installations", COUNT),
        *((f"+{week}", SHARE) for week in range(1, WEEKS_AFTER + 1)),
    ),
    Chart(HEAT),
    "No installation was first seen in a week that begins in this period. Choose a longer one.",
    retention,
    GROUP,
    IDS,
)
UPTAKE = Question(
    "uptake",
    "How fast does a release arrive?",
    "Each version's share of the last whole day's installations, and how many days it took to reach half of a day's.",
    (("Version", TEXT), ("Share now", SHARE), ("First seen", TEXT), ("Days to half", COUNT)),
    Chart(TABLE, (0,), 1),
    "No whole day of this period has an installation.",
    uptake,
    GROUP,
    IDS,
)
VERSIONS = Question(
    "versions",
    "Which versions are in use?",
    "Installations that used each version in this period, and when last.",
    (("Version", TEXT), *_LIVED, ("Last seen", TEXT)),
    Chart(BARS),
    NOBODY,
    versions,
    GROUP,
    IDS,
)
RUNTIMES = Question(
    "runtimes",
    "Which runtimes must stay supported?",
    "Installations that ran on each runtime in this period.",
    (("Runtime", TEXT), *_LIVED),
    Chart(BARS),
    NOBODY,
    lived_on("runtime"),
    GROUP,
    IDS,
)
PLATFORMS = Question(
    "platforms",
    "Which platforms must stay supported?",
    "Installations that ran on each platform in this period.",
    (("Platform", TEXT), *_LIVED),
    Chart(BARS),
    NOBODY,
    lived_on("platform"),
    GROUP,
    IDS,
)
