"""Questions about the telemetry itself: where events come from, how late they are, what was lost, and all that came in."""

from collections import Counter

from shipper.collector.answers.commands import COMMAND
from shipper.collector.answers.numbers import most_first
from shipper.collector.answers.question import BARS, COUNT, IDS, SHARE, STEPS, TEXT, Asked, Chart, Question, Rows
from shipper.collector.stores.dimensions import LATE, LATENESS, LATEST, LOSSES, ORIGIN

#: The heading beneath which these stand.
GROUP = "The telemetry itself"


def origin(asked: Asked) -> Rows:
    """Per origin: runs of commands, or events where the app has no commands, and their share."""
    of = COMMAND if COMMAND in asked.declared.events else ""
    every = sum(n for (event, field, _), n in asked.now.values().items() if not field and of in ("", event))
    counted: Counter[str] = Counter()
    for (event, ci, agent, known), count in asked.now.crossed(ORIGIN, "event", "ci", "agent", "id").items():
        if of in ("", event):
            told = "CI" if ci == "true" else f"agent: {agent}" if agent else "people"
            counted[f"{told}, without an id" if known == "false" and ci == "false" else told] += count
    counted["people"] += every - counted.total()
    return most_first((name, count, count / every) for name, count in counted.items() if count) if every else []


def late(asked: Asked) -> Rows:
    """Per span of lateness: events and their share."""
    counted = asked.now.crossed(LATE, "late")
    every = sum(counted.values())
    order = [words for _, words in LATENESS] + [LATEST]
    return [(words, counted.get((words,), 0), counted.get((words,), 0) / every) for words in order] if every else []


def losses(asked: Asked) -> Rows:
    """Per reason: events."""
    return most_first((reason, count) for (reason,), count in asked.now.crossed(LOSSES, "reason").items())


def everything(asked: Asked) -> Rows:
    """Per declared event, field and value: times. The field is empty where the event itself is counted."""
    return [
        (event, field, label, times)
        for (event, field, label), times in sorted(asked.now.values().items())
        if event in asked.declared.events and (not field or asked.declared.has(event, field))
    ]


ORIGINS = Question(
    "origin",
    "Who runs it: people, CI, agents?",
    "Runs by where they came from. CI never counts as an installation, nor does what has no id, as in most containers.",
    (("Where", TEXT), ("Runs", COUNT), ("Share", SHARE)),
    Chart(BARS),
    "Nothing ran in this period.",
    origin,
    GROUP,
)
LATENESSES = Question(
    "late",
    "How late do events arrive?",
    "From when an event happened, by its sender's clock, to when it came in. Events without ids say only their day and are"
    " not among these.",
    (("Arrived after", TEXT), ("Events", COUNT), ("Share", SHARE)),
    Chart(STEPS),
    "No event came in from this period.",
    late,
    GROUP,
    IDS,
)
LOST = Question(
    "losses",
    "What was lost on the way?",
    "Events that senders gave up, by their reason; senders report every one.",
    (("Reason", TEXT), ("Events", COUNT)),
    Chart(BARS),
    "Nothing was lost: no sender reported a loss in this period.",
    losses,
    GROUP,
)
EVERYTHING = Question(
    "everything",
    "What came in, value by value?",
    "Every declared event, and every value of its fields; a whole number by the step on which it lies.",
    (("Event", TEXT), ("Field", TEXT), ("Value", TEXT), ("Times", COUNT)),
    Chart(BARS, (0, 1, 2), 3),
    "No event came in from this period.",
    everything,
    GROUP,
)
