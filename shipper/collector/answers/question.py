"""What a question is, what its columns hold, how it is drawn, and what it is asked of."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property

from shipper.collector.answers.declared import Declared
from shipper.collector.stores.dimensions import ORIGIN
from shipper.collector.stores.store import View, Window

Cell = str | int | float
Rows = list[tuple[Cell, ...]]

#: What a column holds, which says how it is written and aligned. CHANGE is a share with its sign, MILLISECONDS are read
#: from steps and so about right.
TEXT, COUNT, SHARE, CHANGE, SECONDS, MILLISECONDS = "text", "count", "share", "change", "seconds", "milliseconds"
KINDS = (TEXT, COUNT, SHARE, CHANGE, SECONDS, MILLISECONDS)
#: How the rows are drawn. BARS: a bar per row, longest first. STEPS: a bar per row, in the rows' order. PARTS: a bar per
#: row, cut into its columns' shares. DAYS: a pile per day, one layer per second column. TABLE: as they are, in the open,
#: a bar beneath each name. LIST: the same without bars. HEAT: as they are, each share on its own shade.
BARS, STEPS, PARTS, DAYS, TABLE, LIST, HEAT = "bars", "steps", "parts", "days", "table", "list", "heat"
CHARTS = (BARS, STEPS, PARTS, DAYS, TABLE, LIST, HEAT)
#: Under which level of identity a question is answered: for events with a pseudonymous id, by the census of the level
#: "none", or for every event.
IDS, NONE, EITHER = "pseudonymous", "none", "either"
#: The title of the column that counts what has an id.
INSTALLATIONS = "Installations"
#: What stands where nothing is known.
UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class Chart:
    """How an answer is drawn: by which columns the bars are named, and which column says their size."""

    kind: str
    names: tuple[int, ...] = (0,)
    size: int = 1


class Once:
    """A view that asks its store each thing once, since several questions need the same."""

    def __init__(self, view: View) -> None:
        self.values = cache(view.values)
        self.crossed = cache(view.crossed)
        self.installations = cache(view.installations)
        self.active = cache(view.active)
        self.elapsed = cache(view.elapsed)
        self.funnel = cache(view.funnel)
        self.newcomers = cache(view.newcomers)
        self.cohorts = cache(view.cohorts)
        self.users = cache(view.users)
        self.census = cache(view.census)
        self.as_of = view.as_of


@dataclass(frozen=True)
class Asked:
    """What a question's rows come from: a window of a store, and the same number of days before it."""

    now: View
    before: View
    window: Window
    today: int
    """Days since 1970: this day is under way."""
    declared: Declared

    @cached_property
    def installations(self) -> int:
        """How many installations the window shows."""
        return self.now.installations("", "").get(("", "", ""), 0)

    @cached_property
    def without_id(self) -> int:
        """How many events of the window came without an id, so that they count for no installation."""
        return self.now.crossed(ORIGIN, "id").get(("false",), 0)

    @cached_property
    def unlinked(self) -> int:
        """How many events of the window are of the level "none"."""
        return self.now.crossed(ORIGIN, "id").get(("none",), 0)

    @cached_property
    def levels(self) -> frozenset[str]:
        """The levels of identity, IDS and NONE, that the window's events came under; IDS where there are none."""
        if not self.unlinked:
            return frozenset({IDS})
        every = sum(count for (_, field, _), count in self.now.values().items() if not field)
        return frozenset({NONE, IDS} if every > self.unlinked else {NONE})


def _nothing(_asked: Asked) -> Rows:
    return []


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that the team wants to know. `rows` returns all of them, in the order in which they should be read."""

    key: str
    title: str
    about: str
    """How it is counted, or why the app's author collects it, in one or two sentences."""
    columns: tuple[tuple[str, str], ...]
    """Each column's title and what it holds."""
    chart: Chart
    empty: str
    """What no rows means, and what would bring some."""
    rows: Callable[[Asked], Rows] = _nothing
    group: str = ""
    """The heading beneath which it stands."""
    level: str = EITHER
    """Under which level of identity it is answered: IDS, NONE or EITHER."""

    @property
    def counts_installations(self) -> bool:
        """Whether a reader must know that what has no id is not counted here."""
        return self.level != NONE and any(title == INSTALLATIONS for title, _ in self.columns)

    @property
    def level_words(self) -> str:
        """Say under which level it is answered, for people."""
        if self.level == EITHER and self.counts_installations:
            return "Events of every level; installations by pseudonymous ids."
        return LEVEL_WORDS[self.level]


LEVEL_WORDS = {
    IDS: "By pseudonymous ids.",
    NONE: "By the census, without ids.",
    EITHER: "Events of every level.",
}


def without_installations(question: Question) -> Question:
    """The same question without its column of installations, for where nothing has an id."""
    at = next((number for number, (title, _) in enumerate(question.columns) if title == INSTALLATIONS), None)
    if at is None:
        return question

    def moved(column: int) -> int:
        return column - (column > at)

    chart = question.chart
    size = chart.size + 1 if chart.size == at else chart.size
    return replace(
        question,
        columns=question.columns[:at] + question.columns[at + 1 :],
        chart=replace(chart, names=tuple(map(moved, chart.names)), size=moved(size)),
        rows=lambda asked: [(*row[:at], *row[at + 1 :]) for row in question.rows(asked)],
    )
