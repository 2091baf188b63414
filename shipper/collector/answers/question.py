"""What a question is, what its columns hold, how it is drawn, and what it is asked of."""

from collections.abc import Callable
from dataclasses import dataclass
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

    @property
    def counts_installations(self) -> bool:
        """Whether a reader must know that what has no id is not counted here."""
        return any(title == "Installations" for title, _ in self.columns)
