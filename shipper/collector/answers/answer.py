"""All answers about a window, as values: the page, the terminal and scripts show the same."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace

from shipper.collector.answers import census
from shipper.collector.answers.commands import COMMAND, runs_of
from shipper.collector.answers.declared import Declared, learned
from shipper.collector.answers.declared_questions import seconds_of
from shipper.collector.answers.numbers import quantile
from shipper.collector.answers.question import (
    COUNT,
    IDS,
    MILLISECONDS,
    NONE,
    SECONDS,
    SHARE,
    UNKNOWN,
    Asked,
    Cell,
    Once,
    Question,
    Rows,
)
from shipper.collector.answers.questions import Feature, questions_of
from shipper.collector.stores.dimensions import LOSSES, RECOVERED
from shipper.collector.stores.store import Answers, StoreUnavailable, View, Window


@dataclass(frozen=True, slots=True)
class Answer:
    """One question and its rows."""

    question: Question
    rows: Rows
    failed: bool = False
    """Whether the store could not answer this question, so that `rows` says nothing."""
    note: str = ""
    """What a reader must know about just these rows."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that stands above all answers, beside the same of the period before."""

    name: str
    value: Cell
    kind: str
    before: Cell = UNKNOWN
    sense: int = 0
    """1 where more is better, -1 where it is worse, 0 where neither is."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What one window has to say about an app."""

    window: Window
    today: int
    """Days since 1970; this day is under way."""
    declared: Declared
    figures: Sequence[Figure]
    answers: Sequence[Answer]
    as_of: int | None = None
    """See View.as_of."""


def ask(
    store: Answers,
    window: Window,
    today: int,
    declared: Declared | None = None,
    feature: Feature | None = None,
    wanted: Callable[[Question], bool] = lambda _: True,
) -> Report:
    """Ask a store everything that `declared` allows, else what came in. `feature`: who still uses it?

    An answer that fails costs itself alone; raises StoreUnavailable when all of them fail.
    """
    asked = asked_of(store, window, today, declared)
    answers, failures = [], []
    for question in filter(wanted, questions_of(asked.declared, feature, _levels(asked))):
        try:
            answers.append(Answer(question, question.rows(asked), note=_note(asked, question)))
        except Exception as error:  # whatever is stored and whatever a question makes of it
            failures.append(error)
            answers.append(Answer(question, [], failed=True))
    if failures and len(failures) == len(answers):
        first = failures[0]
        raise first if isinstance(first, StoreUnavailable) else StoreUnavailable(f"no answer could be made: {first!r}")
    return Report(window, today, asked.declared, figures_of(asked), answers, asked.now.as_of())


def asked_of(store: Answers, window: Window, today: int, declared: Declared | None = None) -> Asked:
    """A window of a store, and the same number of days before it."""
    now = Once(store.view(window))
    days = window.until - window.since + 1
    before = replace(window, since=window.since - days, until=window.since - 1)
    if declared is None:
        try:
            declared = learned(window.app, now.values())
        except Exception:  # what fails here fails again in every question, which says so
            declared = Declared(window.app, known=False)
    return Asked(now, Once(store.view(before)), window, today, declared)


def _levels(asked: Asked) -> frozenset[str]:
    try:
        return asked.levels
    except Exception:  # what fails here fails again in every question, which says so
        return frozenset({IDS})


def _note(asked: Asked, question: Question) -> str:
    notes = []
    if question.counts_installations and asked.without_id:
        notes.append(f"{without_id(asked.without_id)} (CI, containers): counted for no installation.")
    if question.counts_installations and asked.unlinked:
        notes.append(f"{asked.unlinked:,} events of the level none: their installations are those of the census.")
    return " ".join(notes)


def without_id(events: int) -> str:
    """Say how many events came without an id, wherever installations are counted."""
    return f"{events:,} event{'s' if events > 1 else ''} without an id"


def figures_of(asked: Asked) -> list[Figure]:
    """The few numbers that a team looks at first."""
    declared, levels = asked.declared, _levels(asked)
    figures = _installation_figures(asked, levels)
    if declared.has(COMMAND, "command"):
        figures.append(_figure(asked, "Commands run", COUNT, _commands, 1))
    else:
        figures.append(_figure(asked, "Events", COUNT, _events, 1))
    if declared.has(COMMAND, "outcome"):
        figures.append(_figure(asked, "Commands failed", SHARE, _failed, -1))
    if declared.has(COMMAND, "duration_ms"):
        figures.append(_figure(asked, "90 % of runs within", MILLISECONDS, _slowest, -1))
    for question in declared.questions:
        if question.pair and IDS in levels:
            values = [_median(asked, seconds_of, question, before) for before in (False, True)]
            figures.append(Figure(f"{question.name}, median", values[0], SECONDS, values[1], -1))
    figures.append(_figure(asked, "Events lost", COUNT, _lost, -1))
    return figures


def _installation_figures(asked: Asked, levels: Container[str]) -> list[Figure]:
    """Installations with ids, and those of the census: each counted in its own way, and never added up."""
    figures = []
    if IDS in levels:
        new = _safe(lambda: sum(asked.now.newcomers().values()))
        note = f"{new:,} new" if isinstance(new, int) else ""
        if asked_without := _safe(lambda: asked.without_id):
            note += f"; {without_id(int(asked_without))}" if asked_without != UNKNOWN else ""
        figures.append(_figure(asked, "Installations", COUNT, _installations, 1, note))
    if NONE in levels:
        now, before = (_safe(lambda at=at: census.last_two(asked)[at]) for at in (0, 1))  # type: ignore[misc]
        figures.append(
            Figure("Installations a week", now, COUNT, before, 1, "by the census, in the last week that is over")
        )
    return figures


def _figure(asked: Asked, name: str, kind: str, value: Callable[[View], Cell], sense: int, note: str = "") -> Figure:
    now, before = (_safe(lambda view=view: value(view)) for view in (asked.now, asked.before))  # type: ignore[misc]
    return Figure(name, now, kind, before, sense, note)


def _safe(value: Callable[[], Cell]) -> Cell:
    """A value, or UNKNOWN where the store cannot say it: its card says what is wrong."""
    try:
        return value()
    except Exception:
        return UNKNOWN


def _installations(view: View) -> Cell:
    return view.installations("", "").get(("", "", ""), 0)


def _events(view: View) -> Cell:
    return sum(count for (_, field, _), count in view.values().items() if not field)


def _commands(view: View) -> Cell:
    return view.values().get((COMMAND, "", ""), 0)


def _failed(view: View) -> Cell:
    return runs_of(view)[()].share_failed if runs_of(view) else UNKNOWN


def _slowest(view: View) -> Cell:
    return runs_of(view)[()].within(0.9) if runs_of(view) else UNKNOWN


def _lost(view: View) -> Cell:
    """What was counted as lost, less what came after all; a window may see the second without the first."""
    reasons = view.crossed(LOSSES, "reason")
    return max(0, sum(reasons.values()) - 2 * reasons.get((RECOVERED,), 0))


def _median(asked: Asked, seconds: Callable[..., Sequence[int]], *of: object) -> Cell:
    return _safe(lambda: quantile(seconds(asked, *of), 0.5) if seconds(asked, *of) else UNKNOWN)
