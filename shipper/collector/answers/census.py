"""Questions that the census answers: installations that no id tells apart, each counted once a week by its own word."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from shipper.collector.answers.numbers import most_first, ratio
from shipper.collector.answers.question import (
    BARS,
    COUNT,
    NONE,
    SHARE,
    STEPS,
    TABLE,
    TEXT,
    UNKNOWN,
    Asked,
    Cell,
    Chart,
    Question,
    Rows,
)
from shipper.collector.stores.dimensions import PLATFORM, USES, date_of, monday_of
from shipper.collector.stores.store import View

#: The heading beneath which these stand.
GROUP = "Installations, by the census"
#: The steps of an installation's age, in their order, and words for them.
AGES = {
    "first-week": "first week", "to-4-weeks": "up to 4 weeks", "to-24-weeks": "up to 24 weeks", "older": "older",
}  # fmt: skip

Census = Mapping[tuple[int, str, str, str], int]


def week_text(week: int) -> str:
    """Name a week as ISO 8601 does, like 2026-W48."""
    year, number, _ = date_of(monday_of(week)).isocalendar()
    return f"{year}-W{number:02}"


def weekly(view: View) -> dict[int, int]:
    """Installations by week, in the weeks' order."""
    counted: Counter[int] = Counter()
    for (week, _, field, _), people in view.census().items():
        if not field:
            counted[week] += people
    return dict(sorted(counted.items()))


def last_week(asked: Asked) -> int | None:
    """The last week of the window that is over and has a census; one that is under way where there is no other."""
    weeks = list(weekly(asked.now))
    over = [week for week in weeks if monday_of(week + 1) <= asked.today]
    return max(over or weeks, default=None)


def of_week(census: Census, week: int, field: str) -> Counter[str]:
    """Installations of one week by the labels of a field; by version for "@version"."""
    counted: Counter[str] = Counter()
    for (when, version, name, label), people in census.items():
        if when == week and name == ("" if field == "@version" else field):
            counted[version if field == "@version" else label] += people
    return counted


def weeks(asked: Asked) -> Rows:
    """Per week: installations, and the share of each age."""
    census = asked.now.census()
    rows: Rows = []
    for week, people in weekly(asked.now).items():
        ages = of_week(census, week, "age")
        words = f"{week_text(week)}, under way" if monday_of(week + 1) > asked.today else week_text(week)
        rows.append((words, people, *(ratio(ages[age], people) for age in AGES)))
    return rows


def shares(field: str, written: Callable[[str], str] = str) -> Callable[[Asked], Rows]:
    """Per label of a field, in the last week that is over: installations, their share, and that of the week before."""

    def rows(asked: Asked) -> Rows:
        week, census = last_week(asked), _two_windows(asked)
        if week is None:
            return []
        now, before = of_week(census, week, field), of_week(census, week - 1, field)
        every, past = (of_week(census, when, "").total() for when in (week, week - 1))
        return most_first(
            (written(label), people, ratio(people, every), ratio(before[label], past)) for label, people in now.items()
        )

    return rows


def ages(asked: Asked) -> Rows:
    """Per age, the youngest first: installations of the last week that is over, their share, and that of the week before."""
    counted = {str(row[0]): row for row in shares("age")(asked)}
    return [(words, *counted[age][1:]) for age, words in AGES.items() if age in counted]


def uses(asked: Asked) -> Rows:
    """Per event: how many of the last week's installations used it, and their share of those that could say."""
    week, census = last_week(asked), _two_windows(asked)
    if week is None:
        return []
    said = {field for when, _, field, _ in census if when == week and field.startswith(USES)}
    rows = []
    for field in said:
        now, before = of_week(census, week, field), of_week(census, week - 1, field)
        now_share, past_share = (ratio(counted["true"], counted.total()) for counted in (now, before))
        rows.append((field.removeprefix(USES), now["true"], now_share, past_share))
    return most_first(rows)


def agents(asked: Asked) -> Rows:
    """Per week: installations, and the share of them that an agent drove first."""
    census = asked.now.census()
    counted = ((week, people, of_week(census, week, "agent")) for week, people in weekly(asked.now).items())
    return [(week_text(week), people, ratio(said["true"], people)) for week, people, said in counted]


def last_two(asked: Asked) -> tuple[Cell, Cell]:
    """The installations of the last week, and of the week before it; UNKNOWN where there is no census of them."""
    week = last_week(asked)
    if week is None:
        return UNKNOWN, UNKNOWN
    now, before = (of_week(_two_windows(asked), when, "").total() for when in (week, week - 1))
    return now, before or UNKNOWN


def _two_windows(asked: Asked) -> Census:
    """The census of the window and of the period before: the week before the window's first is there as well."""
    return {**asked.before.census(), **asked.now.census()}


NOBODY = "No installation was counted in a week that begins in this period."
_SHARES = (("Installations", COUNT), ("Share", SHARE), ("Week before", SHARE))
LAST = "Installations that were counted in the last week of this period that is over"


def _shares_question(key: str, title: str, what: str, rows: Callable[[Asked], Rows]) -> Question:
    about = f"{LAST}, {what}."
    name = key.removeprefix("census:").rstrip("s").capitalize()
    return Question(f"census:{key}", title, about, ((name, TEXT), *_SHARES), Chart(BARS), NOBODY, rows, GROUP, NONE)


WEEKS = Question(
    "census",
    "How many installations are there?",
    "Each says once a week that it is there, with the week's first event, and about how long it has been. Weeks begin on"
    " Monday, in UTC. The count is exact, no id is needed for it, and installations of other levels are not in it.",
    (("Week", TEXT), ("Installations", COUNT), *((words, SHARE) for words in AGES.values())),
    Chart(STEPS),
    NOBODY,
    weeks,
    GROUP,
    NONE,
)
USED = Question(
    "census:uses",
    "Which share of installations uses what?",
    f"{LAST}, by whether they used each event in the week before in which they were counted. Who was counted for the first"
    " time says nothing of it and is not among them.",
    (("Event", TEXT), *_SHARES),
    Chart(BARS),
    "No installation has been counted twice yet: each says what it used when it is counted the next time.",
    uses,
    GROUP,
    NONE,
)
OLD = replace(
    _shares_question("ages", "How long have they been here?", "by the weeks since each was counted first", ages),
    chart=Chart(STEPS),
)
VERSIONS = _shares_question("versions", "Which versions are in use, by the census?", "by version", shares("@version"))
RUNTIMES = _shares_question(
    "runtimes",
    "Which runtimes must stay supported, by the census?",
    "by runtime",
    shares("runtime", lambda said: said.replace("-", " ")),
)
PLATFORMS = _shares_question(
    "platforms", "Which platforms must stay supported, by the census?", "by system and processor", shares(PLATFORM)
)
AGENTS = Question(
    "census:agents",
    "Which share of installations do agents drive?",
    "Of the installations of each week, those whose first event of the week came from an agent.",
    (("Week", TEXT), ("Installations", COUNT), ("By an agent", SHARE)),
    Chart(TABLE, (0,), 2),
    NOBODY,
    agents,
    GROUP,
    NONE,
)
QUESTIONS = (WEEKS, USED, OLD, VERSIONS, RUNTIMES, PLATFORMS, AGENTS)
