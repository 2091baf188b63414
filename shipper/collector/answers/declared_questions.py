"""Questions that follow from what an app declares: a card for each event and field, its pairs of commands, its funnels."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import pairwise

from shipper.collector.answers.commands import COMMAND
from shipper.collector.answers.declared import FIRST_USE, NUMBERS, SINCE_FIRST, Declared, DeclaredEvent, Field
from shipper.collector.answers.numbers import change, low_of, most_first, quantile, ratio
from shipper.collector.answers.question import (
    BARS,
    CHANGE,
    COUNT,
    IDS,
    SECONDS,
    SHARE,
    STEPS,
    TABLE,
    TEXT,
    Asked,
    Cell,
    Chart,
    Question,
    Rows,
)
from shipper.collector.stores.dimensions import day_text
from shipper.recording.questions import DeclaredQuestion
from shipper.recording.value_names import version_order

#: The headings beneath which these stand.
COMMANDS, EVENTS = "Commands", "Events and their fields"
#: Fields of `command` that have questions of their own.
ANSWERED = ("command", "duration_ms", "error")
_COUNTED = (("Times", COUNT), ("Change", CHANGE), ("Installations", COUNT))


def event_questions(declared: Declared) -> Iterator[Question]:
    """A question for each declared event without fields, and for each declared field."""
    for event in declared.events.values():
        if not event.fields:
            yield _event_question(event)
        fields = [field for field in event.fields.values() if event.name != COMMAND or field.name not in ANSWERED]
        for number, field in enumerate(fields):
            # The event's own reason stands once, before that of its first field.
            reasons = (event.reason, field.reason) if number == 0 else (field.reason or event.reason,)
            yield _field_question(event.name, field, " ".join(filter(None, reasons)))


def _event_question(event: DeclaredEvent) -> Question:
    return Question(
        f"event:{event.name}", event.name, event.reason, (("Event", TEXT), *_COUNTED), Chart(BARS),
        f"No event {event.name} came in from this period.", _event_rows(event.name), EVENTS,
    )  # fmt: skip


def _event_rows(name: str) -> Callable[[Asked], Rows]:
    def rows(asked: Asked) -> Rows:
        key = (name, "", "")
        times, before = asked.now.values().get(key, 0), asked.before.values().get(key, 0)
        people = asked.now.installations(name, None).get(key, 0)
        return [(name, times, change(times, before), people)] if times else []

    return rows


def _field_question(event: str, field: Field, about: str) -> Question:
    return Question(
        f"field:{event}.{field.name}", f"{event}: {field.name}", about, (("Value", TEXT), *_COUNTED),
        Chart(STEPS if field.kind in (*NUMBERS, SINCE_FIRST) else BARS),
        f"No event {event} told its {field.name} in this period.", field_rows(event, field), EVENTS,
    )  # fmt: skip


def field_rows(event: str, field: Field) -> Callable[[Asked], Rows]:
    """Per value of a field: times, change and installations. Numbers in their order, else the most frequent first."""

    def rows(asked: Asked) -> Rows:
        people = asked.now.installations(event, None)
        before = asked.before.values()
        counts = {label: n for (of, name, label), n in asked.now.values().items() if (of, name) == (event, field.name)}
        if not counts:
            return []
        counts = dict.fromkeys(field.members, 0) | counts
        found: Rows = [
            (label, n, change(n, before.get((event, field.name, label), 0)), people.get((event, field.name, label), 0))
            for label, n in counts.items()
        ]
        if field.kind in NUMBERS:
            return sorted(found, key=lambda row: low_of(str(row[0])))
        if field.kind == SINCE_FIRST:
            return found  # in the order of the steps
        return most_first(found)

    return rows


#: Upper ends in seconds, and words.
SPANS = (
    (60, "under 1 min"),
    (300, "1 to 5 min"),
    (900, "5 to 15 min"),
    (3600, "15 to 60 min"),
    (4 * 3600, "1 to 4 h"),
    (24 * 3600, "4 to 24 h"),
    (7 * 24 * 3600, "1 to 7 days"),
    (1 << 62, "longer"),
)


def seconds_of(asked: Asked, question: DeclaredQuestion, before: bool = False) -> tuple[int, ...]:
    """How long each installation took from the first command of a pair to the second, ascending."""
    found = (asked.before if before else asked.now).elapsed(*question.steps)
    return next((some.seconds for some in found if not some.version), ())


def pair_questions(declared: Declared) -> Iterator[Question]:
    """The questions of the author's own, as declared."""
    for question in declared.questions:
        yield from _pair(question) if question.pair else _funnel(question)


def _pair(question: DeclaredQuestion) -> Iterator[Question]:
    begin, end = question.steps
    counted = (
        f"From an installation's first {begin} to its first {end} that ended well, where that end was in this period."
    )
    nobody = f"No installation came from {begin} to {end} in this period."

    def spread(asked: Asked) -> Rows:
        everybody = seconds_of(asked, question)
        ends = [bisect_left(everybody, end) for end, _ in SPANS]
        counts = [end - start for start, end in pairwise([0, *ends])]
        named = zip(SPANS, counts, strict=True)
        return [(words, count, count / len(everybody)) for (_, words), count in named] if everybody else []

    def versions(asked: Asked) -> Rows:
        found = sorted(
            (some for some in asked.now.elapsed(begin, end) if some.version),
            key=lambda some: version_order(some.version),
        )
        return [
            (some.version, quantile(some.seconds, 0.5), quantile(some.seconds, 0.9), len(some.seconds))
            for some in found
        ]

    yield Question(
        f"pair:{question.name}", f"{question.name}: how long from {begin} to {end}?",
        f"{question.reason} {counted}".strip(), (("Took", TEXT), ("Installations", COUNT), ("Share", SHARE)),
        Chart(STEPS), nobody, spread, COMMANDS, IDS,
    )  # fmt: skip
    yield Question(
        f"pair:{question.name}:versions", f"{question.name}: does it take longer with a newer version?",
        f"By the version with which {end} ended well: half of the installations were faster than the median.",
        (("Version", TEXT), ("Median", SECONDS), ("90 % within", SECONDS), ("Installations", COUNT)),
        Chart(TABLE), nobody, versions, COMMANDS, IDS,
    )  # fmt: skip


def _funnel(question: DeclaredQuestion) -> Iterator[Question]:
    def rows(asked: Asked) -> Rows:
        reached = asked.now.funnel(question.steps)
        last = [reached[0], *reached]
        found: list[tuple[Cell, ...]] = [
            (step, count, ratio(count, reached[0]), ratio(count, before))
            for step, count, before in zip(question.steps, reached, last, strict=False)
        ]
        return found if reached[0] else []

    yield Question(
        f"funnel:{question.name}", f"{question.name}: how far do they come?",
        f"{question.reason} Installations whose first {question.steps[0]} lies in this period; each further step is the"
        " first that ended well, no earlier than the step before and at any time. Of all versions.".strip(),
        (("Step", TEXT), ("Installations", COUNT), ("Of all", SHARE), ("Of the step before", SHARE)),
        Chart(STEPS), f"No installation ran its first {question.steps[0]} in this period.", rows, COMMANDS, IDS,
    )  # fmt: skip


def least_used(asked: Asked) -> Rows:
    """Per declared value that is a word or a flag: installations and times, what is used least first."""
    rows = []
    for event in asked.declared.events.values():
        people = asked.now.installations(event.name, None)
        for field in event.fields.values():
            if field.kind in ("one_of", "flag", FIRST_USE):
                members = field.members or ("true", "false") * (field.kind != "one_of")
                times = asked.now.values()
                seen = {label for of, name, label in times if (of, name) == (event.name, field.name)}
                for label in dict.fromkeys((*members, *sorted(seen))):
                    key = (event.name, field.name, label)
                    rows.append((f"{event.name}.{field.name}", label, people.get(key, 0), times.get(key, 0)))
    return sorted(rows, key=lambda row: (row[2], row[3], row[:2]))


LEAST = Question(
    "least",
    "What is hardly used?",
    "Every value that the app declares, the fewest installations first: what could go. Open one to see who still uses it.",
    (("Field", TEXT), ("Value", TEXT), ("Installations", COUNT), ("Times", COUNT)),
    Chart(TABLE, (0, 1), 2),
    "No declared value is a word or a flag.",
    least_used,
    EVENTS,
)


def users_question(event: str, field: str, label: str) -> Question:
    """Who still uses one value, by version: before something goes."""
    words = label if field else event

    def rows(asked: Asked) -> Rows:
        people = asked.now.installations("", "version")
        found = asked.now.users(event, field, label)
        return [
            (version, count, ratio(count, people.get(("", "version", version), 0)), day_text(last))
            for version, (count, last) in sorted(found.items(), key=lambda item: version_order(item[0]), reverse=True)
        ]

    return Question(
        "users",
        f"Who still uses {words}?",
        f"Installations that showed {event}{field and f': {field} = '}{label if field else ''} in this period, by the"
        " version that they used it with, as a share of that version's installations, and the last day.",
        (("Version", TEXT), ("Installations", COUNT), ("Of that version", SHARE), ("Last seen", TEXT)),
        Chart(TABLE, (0,), 1),
        f"No installation used {words} in this period.",
        rows,
        level=IDS,
    )
