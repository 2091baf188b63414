"""All answers about a window, as values: the page, the terminal and scripts show the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shipper.collector.answers.answer_rows import COMMAND, Cell, Rows, quantile
from shipper.collector.answers.questions import COUNT, QUESTIONS, SECONDS, SHARE, Once, Question
from shipper.collector.stores.dimensions import LOSSES, day_text
from shipper.collector.stores.store import Answers, View, Window


@dataclass(frozen=True, slots=True)
class Answer:
    """One question, in words that fit the window, and its rows."""

    question: Question
    about: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that stands above all answers."""

    name: str
    value: Cell
    kind: str


def ask(store: Answers, window: Window, wanted: Sequence[Question] = QUESTIONS) -> tuple[list[Figure], list[Answer]]:
    """Ask a store everything. Raises StoreUnavailable."""
    view = Once(store.view(window))
    begin, end = window.setup
    answers = [
        Answer(question, question.about.format(begin=begin, end=end), question.rows(view)) for question in wanted
    ]
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
    outcomes = view.crossed(COMMAND, "outcome")
    runs = sum(outcomes.values())
    setups = next((setup.seconds for setup in view.setups() if not setup.version), ())
    values: tuple[Cell, ...] = (
        view.installations("", "").get(("", "", ""), 0),
        sum(count for (_, field, _), count in view.values().items() if not field),
        runs,
        outcomes.get(("error",), 0) / runs if runs else UNKNOWN,
        quantile(setups, 0.5) if setups else UNKNOWN,
        sum(view.crossed(LOSSES, "reason").values()),
    )
    return [Figure(name, value, kind) for (name, kind), value in zip(FIGURES.items(), values, strict=True)]


def as_json(window: Window, figures: Sequence[Figure], answers: Sequence[Answer]) -> dict[str, Any]:
    """The answers for scripts: every row in full, shares of 1, seconds and counts as numbers."""
    return {
        "window": {
            "app": window.app,
            "since": day_text(window.since),
            "until": day_text(window.until),
            "versions": list(window.versions),
            "ci": window.ci,
            "setup": list(window.setup),
        },
        "figures": {figure.name: figure.value for figure in figures},
        "answers": [
            {
                "key": answer.question.key,
                "title": answer.question.title,
                "about": answer.about,
                "columns": [{"title": title, "kind": kind} for title, kind in answer.question.columns],
                "rows": [list(row) for row in answer.rows],
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
            Answer(known[said["key"]], said["about"], [tuple(row) for row in said["rows"]])
            for said in document["answers"]
            if said["key"] in known
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no answers of a receiver: {error}") from None
    return figures, answers
