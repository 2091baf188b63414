"""The product questions: each with its words, its columns, its chart, and how its rows come from a store's view.

A store answers five things (`store.View`), one query per dialect each; a question shapes them into rows
(`shaping`) by one code for every store. So stores that agree on the five agree on every answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from shipper.collector.answers import answer_rows
from shipper.collector.answers.answer_rows import Rows
from shipper.collector.stores.store import View

#: What a column holds, which says how it is written and aligned.
TEXT, COUNT, SHARE, SECONDS = "text", "count", "share", "seconds"
#: How the rows are drawn. BARS: a bar per row, longest first. STEPS: a column per row, in the rows' order. PARTS: a bar
#: per row, cut into its columns' shares. DAYS: a pile per day, one layer per second column.
BARS, STEPS, PARTS, DAYS = "bars", "steps", "parts", "days"


@dataclass(frozen=True, slots=True)
class Chart:
    """How an answer is drawn: by which columns the bars are named, and which column says their size."""

    kind: str
    names: tuple[int, ...] = (0,)
    size: int = 1


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that the team wants to know. `rows` returns all of them, in the order in which they should be read."""

    key: str
    title: str
    about: str
    """How it is counted, in one or two sentences."""
    columns: tuple[tuple[str, str], ...]
    """Each column's title and what it holds."""
    chart: Chart
    empty: str
    """What no rows means, and what would bring some."""
    rows: Callable[[View], Rows]


class Once:
    """A view that asks its store each thing once, since several questions need the same."""

    def __init__(self, view: View) -> None:
        self.values = cache(view.values)
        self.crossed = cache(view.crossed)
        self.installations = cache(view.installations)
        self.active = cache(view.active)
        self.elapsed = cache(view.elapsed)
        self.funnel = view.funnel
        self.newcomers = cache(view.newcomers)
        self.cohorts = cache(view.cohorts)
        self.users = view.users


_VALUE_COLUMNS = (("Times", COUNT), ("Installations", COUNT))

QUESTIONS = (
    Question(
        "active",
        "How many installations are active?",
        "Installations seen each day, by version; one that was updated that day counts for both versions.",
        (("Day", TEXT), ("Version", TEXT), ("Installations", COUNT)),
        Chart(DAYS, (0, 1), 2),
        "No installation was seen in this period.",
        answer_rows.active,
    ),
    Question(
        "commands",
        "Which commands do people use most?",
        "How often each command ran, by how many installations, how often it failed, and how often it took over 10 s.",
        (("Command", TEXT), *_VALUE_COLUMNS, ("Failed", SHARE), ("Over 10 s", SHARE)),
        Chart(BARS),
        "No command ran in this period.",
        answer_rows.commands,
    ),
    Question(
        "durations",
        "How long do the commands take?",
        "The share of each command's runs by how long they took.",
        (("Command", TEXT), ("Times", COUNT), *((words, SHARE) for _, words in reversed(answer_rows.DURATIONS))),
        Chart(PARTS),
        "No command told how long it took in this period.",
        answer_rows.durations,
    ),
    Question(
        "features",
        "Which other features are used?",
        "Every event that is not a command, a data source or an integration, by the values of its fields.",
        (("Feature", TEXT), *_VALUE_COLUMNS),
        Chart(BARS),
        "No other event came in from this period. Each Event that an app declares shows up here.",
        answer_rows.features,
    ),
    Question(
        "setup",
        "How long does it take to set a project up?",
        "From an installation's first init to its first up that ended well, where that end was in this period.",
        (("Took", TEXT), ("Installations", COUNT), ("Share", SHARE)),
        Chart(STEPS),
        "Nobody finished setting up in this period.",
        answer_rows.setup,
    ),
    Question(
        "setup_versions",
        "Does setting up take longer with a newer version?",
        "By the version with which setting up ended: half of the installations were faster than the median.",
        (("Version", TEXT), ("Median", SECONDS), ("90 % within", SECONDS), ("Installations", COUNT)),
        Chart(STEPS),
        "Nobody finished setting up in this period.",
        answer_rows.setup_versions,
    ),
    Question(
        "errors",
        "Which errors do people meet?",
        "Errors with which commands ended, by command and version.",
        (("Error", TEXT), ("Command", TEXT), ("Version", TEXT), ("Times", COUNT)),
        Chart(BARS, (0,), 3),
        "No command ended with an error in this period.",
        answer_rows.errors,
    ),
    Question(
        "datasources",
        "Which data sources do people connect?",
        "Events named datasource, by the values of their fields.",
        (("Data source", TEXT), *_VALUE_COLUMNS),
        Chart(BARS),
        "No event named datasource came in from this period.",
        answer_rows.values_of(answer_rows.DATASOURCE),
    ),
    Question(
        "integrations",
        "Which integrations do people use?",
        "Events named integration, by the values of their fields.",
        (("Integration", TEXT), *_VALUE_COLUMNS),
        Chart(BARS),
        "No event named integration came in from this period.",
        answer_rows.values_of(answer_rows.INTEGRATION),
    ),
    Question(
        "versions",
        "Which versions are in use?",
        "Installations that used each version in this period, and when last.",
        (("Version", TEXT), ("Installations", COUNT), ("Share", SHARE), ("Last seen", TEXT)),
        Chart(BARS),
        "No installation was seen in this period.",
        answer_rows.versions,
    ),
    Question(
        "runtimes",
        "Which runtimes must stay supported?",
        "Installations that ran on each runtime in this period.",
        (("Runtime", TEXT), ("Installations", COUNT), ("Share", SHARE)),
        Chart(BARS),
        "No installation was seen in this period.",
        answer_rows.lived_on("runtime"),
    ),
    Question(
        "platforms",
        "Which platforms must stay supported?",
        "Installations that ran on each platform in this period.",
        (("Platform", TEXT), ("Installations", COUNT), ("Share", SHARE)),
        Chart(BARS),
        "No installation was seen in this period.",
        answer_rows.lived_on("platform"),
    ),
    Question(
        "late",
        "How late do events arrive?",
        "From when an event happened, by its sender's clock, to when it came in.",
        (("Arrived after", TEXT), ("Events", COUNT), ("Share", SHARE)),
        Chart(STEPS),
        "No event came in from this period.",
        answer_rows.late,
    ),
    Question(
        "losses",
        "What was lost on the way?",
        "Events that senders gave up, by their reason; senders report every one.",
        (("Reason", TEXT), ("Events", COUNT)),
        Chart(BARS),
        "Nothing was lost: no sender reported a loss in this period.",
        answer_rows.losses,
    ),
    Question(
        "everything",
        "What came in, value by value?",
        "Every event, and every value of its fields; a whole number by the step on which it lies.",
        (("Event", TEXT), ("Field", TEXT), ("Value", TEXT), ("Times", COUNT)),
        Chart(BARS, (0, 1, 2), 3),
        "No event came in from this period.",
        answer_rows.everything,
    ),
)
