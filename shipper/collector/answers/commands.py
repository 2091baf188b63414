"""Questions about commands: how often they run, how they end, how long they take, and what a version made worse."""

from collections import Counter, defaultdict
from typing import NamedTuple

from shipper.collector.answers.formats import written
from shipper.collector.answers.numbers import (
    change,
    low_of,
    most_first,
)
from shipper.collector.answers.question import (
    BARS,
    CHANGE,
    COUNT,
    LIST,
    MILLISECONDS,
    PARTS,
    SHARE,
    TABLE,
    TEXT,
    UNKNOWN,
    Asked,
    Cell,
    Chart,
    Question,
    Rows,
)
from shipper.collector.answers.regressions import FAILS, MIN_RUNS, Runs, regressions
from shipper.collector.stores.store import View
from shipper.recording.value_names import version_order

#: The heading beneath which these stand.
GROUP = "Commands"
#: The event that shipper records itself when a command ends.
COMMAND = "command"
#: What a command that gave no name is called.
NAMELESS = "(none)"
NO_RUNS = Runs(0, 0, {})


def runs_of(view: View, *keys: str) -> dict[tuple[str, ...], Runs]:
    """How commands ran, by `keys` such as command and @version."""
    times: Counter[tuple[str, ...]] = Counter()
    failed: Counter[tuple[str, ...]] = Counter()
    steps: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for (*of, outcome), count in view.crossed(COMMAND, *keys, "outcome").items():
        times[tuple(of)] += count
        failed[tuple(of)] += count if outcome == "error" else 0
    for (*of, step), count in view.crossed(COMMAND, *keys, "duration_ms").items():
        steps[tuple(of)][step] += count if low_of(step) >= 0 else 0
    return {of: Runs(count, failed[of], steps[of]) for of, count in times.items()}


def commands(asked: Asked) -> Rows:
    """Per command: times and their change, the share that failed, median and 90 % of its durations, installations."""
    people = asked.now.installations(COMMAND, None)
    before = runs_of(asked.before, "command")
    return most_first(
        (
            command or NAMELESS,
            runs.times,
            change(runs.times, before[command,].times if (command,) in before else 0),
            runs.share_failed,
            runs.within(0.5),
            runs.within(0.9),
            people.get((COMMAND, "command", command), 0),
        )
        for (command,), runs in runs_of(asked.now, "command").items()
    )


def by_version(asked: Asked) -> Rows:
    """Per command and version, beside the version before: failures and 90 %, what grew first."""
    return [(row.command or NAMELESS, *row.cells) for row in _comparisons(asked)]


def grew(asked: Asked) -> Rows:
    """Per command, version and what grew beyond chance: both sides as words, and the runs."""
    rows: Rows = []
    for row in _comparisons(asked):
        for name, _ in row.worse:
            sides = [
                written(of.share_failed, SHARE) if name == FAILS else written(of.within(0.9), MILLISECONDS)
                for of in (row.base, row.runs)
            ]
            rows.append((row.command or NAMELESS, row.cells[0], name, *sides, row.cells[-1], row.runs.times))
    return rows


def _comparisons(asked: Asked) -> "list[_Compared]":
    rows = []
    by_command: dict[str, dict[str, Runs]] = defaultdict(dict)
    for (command, version), runs in runs_of(asked.now, "command", "@version").items():
        by_command[command][version] = runs
    for command, versions in by_command.items():
        order = sorted(versions, key=version_order)
        for old, new in zip(["", *order], order, strict=False):
            rows.append(_compared(command, new, versions[new], old or UNKNOWN, versions.get(old, NO_RUNS)))
    return sorted(rows, key=lambda row: (-row.sure, row.command, row.version))


class _Compared(NamedTuple):
    """A row of `by_version`, with what it is sorted by."""

    sure: float
    """Standard errors of its worst regression."""
    command: str
    version: tuple[tuple[int, str], ...]
    runs: Runs
    base: Runs
    worse: tuple[tuple[str, float], ...]
    cells: tuple[Cell, ...]


def _compared(command: str, version: str, runs: Runs, old: str, base: Runs) -> _Compared:
    worse = tuple(regressions(runs, base))
    now = (runs.share_failed, base.share_failed, runs.within(0.9), base.within(0.9))
    cells = (version, " and ".join(name for name, _ in worse), runs.times, *now, old)
    sure = max([sure for _, sure in worse], default=0.0)
    return _Compared(sure, command, version_order(version), runs, base, worse, cells)


#: Lower ends in milliseconds. They lie on the steps by which whole numbers are counted.
DURATIONS = (
    (100_000, "over 100 s"),
    (10_000, "10 to 100 s"),
    (1_000, "1 to 10 s"),
    (100, "0.1 to 1 s"),
    (0, "under 0.1 s"),
)


def durations(asked: Asked) -> Rows:
    """Per command: times, and the share of its runs in each of DURATIONS, shortest first."""
    spread: dict[str, Counter[str]] = defaultdict(Counter)
    for (command, step), count in asked.now.crossed(COMMAND, "command", "duration_ms").items():
        if low_of(step) >= 0:
            spread[command or NAMELESS][next(words for low, words in DURATIONS if low_of(step) >= low)] += count
    rows = ((command, counts.total(), counts) for command, counts in spread.items())
    return [
        (command, total, *(counts[words] / total for _, words in reversed(DURATIONS)))
        for command, total, counts in sorted(rows, key=lambda row: (-row[1], row[0]))
    ]


def errors(asked: Asked) -> Rows:
    """Per error, command and version: times."""
    crossed = asked.now.crossed(COMMAND, "error", "command", "@version")
    met = sorted(((-count, where) for where, count in crossed.items() if where[0]))
    return [(*where, -count) for count, where in met]


COMMANDS = Question(
    "commands",
    "Which commands do people use, and where do they fail?",
    "How often each command ran, the share of runs that failed, within how much time half and 90 % of them ended (read"
    " from steps, and so about right), and on how many installations.",
    (
        ("Command", TEXT), ("Times", COUNT), ("Change", CHANGE), ("Failed", SHARE), ("Median", MILLISECONDS),
        ("90 % within", MILLISECONDS), ("Installations", COUNT),
    ),
    Chart(TABLE),
    "No command ran in this period.",
    commands,
)  # fmt: skip
GREW = Question(
    "grew",
    "What did a version make worse?",
    f"Commands that fail more often (by a point or more) or take longer (90 % of runs, by a fifth or more) than with the"
    f" version before, beyond chance and with {MIN_RUNS} runs on both sides.",
    (
        ("Command", TEXT), ("Version", TEXT), ("Worse", TEXT), ("Before", TEXT), ("Now", TEXT), ("Against", TEXT),
        ("Runs", COUNT),
    ),
    Chart(LIST, (0, 1), 6),
    "Nothing: no command fails more often or takes longer with a newer version.",
    grew,
)  # fmt: skip
BY_VERSION = Question(
    "by_version",
    "How does each version do?",
    "Each command by version, beside the version before; what grew beyond chance is marked and stands first.",
    (
        ("Command", TEXT), ("Version", TEXT), ("Worse", TEXT), ("Times", COUNT), ("Failed", SHARE),
        ("Failed before", SHARE), ("90 % within", MILLISECONDS), ("90 % before", MILLISECONDS), ("Against", TEXT),
    ),
    Chart(TABLE, (0, 1), 3),
    "No command ran in this period.",
    by_version,
    GROUP,
)  # fmt: skip
SPREAD = Question(
    "durations",
    "How long do the commands take?",
    "The share of each command's runs by how long they took.",
    (("Command", TEXT), ("Times", COUNT), *((words, SHARE) for _, words in reversed(DURATIONS))),
    Chart(PARTS),
    "No command told how long it took in this period.",
    durations,
    GROUP,
)
ERRORS = Question(
    "errors",
    "Which errors do people meet?",
    "Errors with which commands ended, by command and version.",
    (("Error", TEXT), ("Command", TEXT), ("Version", TEXT), ("Times", COUNT)),
    Chart(BARS, (0,), 3),
    "No command ended with an error in this period.",
    errors,
    GROUP,
)
