"""All answers about a window, as values: the page, the terminal and scripts show the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shipper.collector.answers.answer_rows import COMMAND, Cell, Rows, quantile
from shipper.collector.answers.questions import COUNT, QUESTIONS, SECONDS, SHARE, Once, Question
from shipper.collector.stores.dimensions import LOSSES, RECOVERED, day_text
from shipper.collector.stores.store import Answers, StoreUnavailable, View, Window


@dataclass(frozen=True, slots=True)
class Answer:
    """One question, in words that fit the window, and its rows."""

    question: Question
    about: str
    rows: Rows
    failed: bool = False
    """Whether the store could not answer this question, so that `rows` says nothing."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that stands above all answers."""

    name: str
    value: Cell
    kind: str


def ask(store: Answers, window: Window, wanted: Sequence[Question] = QUESTIONS) -> tuple[list[Figure], list[Answer]]:
    """Ask a store everything. An answer that fails costs itself alone; raises StoreUnavailable when all of them fail."""
    view = Once(store.view(window))
    answers, failures = [], []
    for question in wanted:
        try:
            answers.append(Answer(question, question.about, question.rows(view)))
        except Exception as error:  # whatever is stored and whatever a question makes of it
            failures.append(error)
            answers.append(Answer(question, question.about, [], failed=True))
    if failures and len(failures) == len(answers):
        first = failures[0]
        raise first if isinstance(first, StoreUnavailable) else StoreUnavailable(f"no answer could be made: {first!r}")
    return headline(view), answers


#: The few numbers that a team looks at first, and what they hold.
FIGURES = {
    "Installations": COUNT,
    "Events": COUNT,
    "Commands run": COUNT,
    "Commands failed": SHARE,
    "Set up, median": SECONDS,
    "Events lost": COUNT,
}
#: What stands where nothing is known.
UNKNOWN = "-"


def headline(view: View) -> list[Figure]:
    """Work out FIGURES."""
    return [Figure(name, _value(view, name), kind) for name, kind in FIGURES.items()]


def _value(view: View, name: str) -> Cell:
    """One of FIGURES, or UNKNOWN where the store cannot say it."""
    try:
        return _VALUES[name](view)
    except Exception:  # its card says what is wrong
        return UNKNOWN


def _failed(view: View) -> Cell:
    outcomes = view.crossed(COMMAND, "outcome")
    runs = sum(outcomes.values())
    return outcomes.get(("error",), 0) / runs if runs else UNKNOWN


def _median_setup(view: View) -> Cell:
    setups = next((setup.seconds for setup in view.elapsed("init", "up") if not setup.version), ())
    return quantile(setups, 0.5) if setups else UNKNOWN


def _lost(view: View) -> int:
    """What was counted as lost, less what came after all; a window may see the second without the first."""
    reasons = view.crossed(LOSSES, "reason")
    return max(0, sum(reasons.values()) - 2 * reasons.get((RECOVERED,), 0))


_VALUES: Mapping[str, Callable[[View], Cell]] = {
    "Installations": lambda view: view.installations("", "").get(("", "", ""), 0),
    "Events": lambda view: sum(count for (_, field, _), count in view.values().items() if not field),
    "Commands run": lambda view: sum(view.crossed(COMMAND, "outcome").values()),
    "Commands failed": _failed,
    "Set up, median": _median_setup,
    "Events lost": _lost,
}


def as_json(window: Window, figures: Sequence[Figure], answers: Sequence[Answer]) -> dict[str, Any]:
    """The answers for scripts: every row in full, shares of 1, seconds and counts as numbers."""
    return {
        "window": {
            "app": window.app,
            "since": day_text(window.since),
            "until": day_text(window.until),
            "versions": list(window.versions),
            "ci": window.ci,
        },
        "figures": {figure.name: figure.value for figure in figures},
        "answers": [
            {
                "key": answer.question.key,
                "title": answer.question.title,
                "about": answer.about,
                "columns": [{"title": title, "kind": kind} for title, kind in answer.question.columns],
                "rows": [list(row) for row in answer.rows],
                **({"failed": True} if answer.failed else {}),
            }
            for answer in answers
        ],
    }


def from_json(document: Mapping[str, Any]) -> tuple[list[Figure], list[Answer]]:
    """Read what a receiver said with `as_json`. Raises ValueError when it is something else."""
    known = {question.key: question for question in QUESTIONS}
    try:
        figures = [Figure(name, value, FIGURES.get(name, COUNT)) for name, value in document["figures"].items()]
        answers = [
            Answer(known[said["key"]], said["about"], [tuple(row) for row in said["rows"]], said.get("failed") is True)
            for said in document["answers"]
            if said["key"] in known
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no answers of a receiver: {error}") from None
    return figures, answers
