"""From what a store says to the rows of an answer. Pure, and one code for every store."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from shipper.collector.stores.dimensions import LATE, LATENESS, LATEST, day_text
from shipper.collector.stores.store import View
from shipper.recording.event import LOSSES
from shipper.recording.value_names import version_order

Cell = str | int | float
Rows = list[tuple[Cell, ...]]

#: The events whose names have a meaning here. All others are features.
COMMAND, DATASOURCE, INTEGRATION = "command", "datasource", "integration"


def commands(view: View) -> Rows:
    """Per command: times, installations, and the shares that failed and that took over 10 s."""
    people = view.installations(COMMAND, "command")
    times = view.crossed(COMMAND, "command")
    failed, slow = Counter[str](), Counter[str]()
    for (command, outcome), count in view.crossed(COMMAND, "command", "outcome").items():
        failed[command] += count if outcome == "error" else 0
    for (command, step), count in view.crossed(COMMAND, "command", "duration_ms").items():
        slow[command] += count if _low(step) >= 10_000 else 0
    return _most_first(
        (
            command or "(none)",
            count,
            people.get((COMMAND, "command", command), 0),
            failed[command] / count,
            slow[command] / count,
        )
        for (command,), count in times.items()
    )


#: Lower ends in milliseconds. They lie on the steps by which whole numbers are counted.
DURATIONS = (
    (100_000, "over 100 s"),
    (10_000, "10 to 100 s"),
    (1_000, "1 to 10 s"),
    (100, "0.1 to 1 s"),
    (0, "under 0.1 s"),
)


def durations(view: View) -> Rows:
    """Per command: times, and the share of its runs in each of DURATIONS, shortest first."""
    spread: dict[str, Counter[str]] = defaultdict(Counter)
    for (command, step), count in view.crossed(COMMAND, "command", "duration_ms").items():
        if step:
            spread[command or "(none)"][next((words for low, words in DURATIONS if _low(step) >= low), "")] += count
    rows = ((command, counts.total(), counts) for command, counts in spread.items())
    return [
        (command, total, *(counts[words] / total for _, words in reversed(DURATIONS)))
        for command, total, counts in sorted(rows, key=lambda row: (-row[1], row[0]))
    ]


def _low(step: str) -> int:
    """The lower end of a step, as `facts.step_of` names it; -1 where there is none."""
    found = re.match(r"\d+", step)
    return int(found[0]) if found else -1


def everything(view: View) -> Rows:
    """Per event, field and value: times. The field is empty where the event itself is counted."""
    return [(*key, times) for key, times in sorted(view.values().items())]


def features(view: View) -> Rows:
    """Per event without a meaning here, and per value of its fields: times and installations."""
    events = {event for event, _, _ in view.values()} - {COMMAND, DATASOURCE, INTEGRATION}
    return _most_first(row for event in sorted(events) for row in _seen(view, event))


def _seen(view: View, name: str) -> Iterator[tuple[str, int, int]]:
    """One event and each value of its fields: times and installations."""
    people = view.installations(name, None)
    for (event, field, label), count in view.values().items():
        if event == name:
            words = f"{event}: {field}={label}" if field else event
            yield words, count, people.get((event, field, label), 0)


def values_of(name: str) -> Callable[[View], Rows]:
    """Per value of the fields of one event: times and installations."""

    def rows(view: View) -> Rows:
        people = view.installations(name, None)
        return _most_first(
            (label, count, people.get((event, field, label), 0))
            for (event, field, label), count in view.values().items()
            if event == name and field
        )

    return rows


#: Upper ends in seconds, and words.
_SETUPS = (
    (60, "under 1 min"),
    (300, "1 to 5 min"),
    (900, "5 to 15 min"),
    (3600, "15 to 60 min"),
    (4 * 3600, "1 to 4 h"),
    (24 * 3600, "4 to 24 h"),
    (7 * 24 * 3600, "1 to 7 days"),
    (1 << 62, "longer"),
)


def setup(view: View) -> Rows:
    """Per span of time in which setting up ended: installations and their share."""
    everybody = next((setup.seconds for setup in view.elapsed("init", "up") if not setup.version), ())
    if not everybody:
        return []
    spread = Counter(next(words for end, words in _SETUPS if seconds < end) for seconds in everybody)
    return [(words, spread[words], spread[words] / len(everybody)) for _, words in _SETUPS]


def setup_versions(view: View) -> Rows:
    """Per version: median and 90 % quantile in seconds, and installations."""
    rows = sorted(
        (setup for setup in view.elapsed("init", "up") if setup.version), key=lambda setup: version_order(setup.version)
    )
    return [
        (setup.version, quantile(setup.seconds, 0.5), quantile(setup.seconds, 0.9), len(setup.seconds))
        for setup in rows
    ]


def quantile(ascending: Sequence[int], level: float) -> int:
    """The value below which `level` (0 to 1) of the values lie, one of them: the nearest rank, counted from 0."""
    return ascending[min(int(level * len(ascending)), len(ascending) - 1)]


def errors(view: View) -> Rows:
    """Per error, command and version: times."""
    crossed = view.crossed(COMMAND, "error", "command", "@version")
    met = sorted(((-count, where) for where, count in crossed.items() if where[0]))
    return [(*where, -count) for count, where in met]


def lived_on(field: str) -> Callable[[View], Rows]:
    """Per runtime, platform or version: installations and their share of all."""

    def rows(view: View) -> Rows:
        every = view.installations("", "").get(("", "", ""), 0)
        people = view.installations("", field)
        return _most_first((label, count, count / every) for (_, _, label), count in people.items())

    return rows


def versions(view: View) -> Rows:
    """Per version: installations, their share, and the last day on which one was seen."""
    last: dict[str, int] = {}
    for day, version in view.active():
        last[version] = max(day, last.get(version, day))
    return [(*row, day_text(last[str(row[0])])) for row in lived_on("version")(view) if str(row[0]) in last]


def active(view: View) -> Rows:
    """Per day and version: installations."""
    rows = sorted(view.active().items(), key=lambda item: (item[0][0], version_order(item[0][1])))
    return [(day_text(day), version, people) for (day, version), people in rows]


def late(view: View) -> Rows:
    """Per span of lateness: events and their share."""
    counted = view.crossed(LATE, "late")
    every = sum(counted.values())
    order = [words for _, words in LATENESS] + [LATEST]
    return [(words, counted.get((words,), 0), counted.get((words,), 0) / every) for words in order] if every else []


def losses(view: View) -> Rows:
    """Per reason: events."""
    return _most_first((reason, count) for (reason,), count in view.crossed(LOSSES, "reason").items())


def _most_first(rows: Iterable[tuple[Cell, ...]]) -> Rows:
    """Order by the second column, the largest first, then by name."""
    return sorted(rows, key=lambda row: (-float(row[1]), row[0]))
