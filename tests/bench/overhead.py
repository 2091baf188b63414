"""What recording costs a CLI: pairs of processes, with shipper and without, one after the other, many times.

    python -m tests.bench.overhead [--python INTERPRETER] [--pairs N] [--only WORD ...] [--checkout] [--check]

Measured is the wheel, installed into an environment of that interpreter; with --checkout the sources in its place.
Everything is byte-compiled first, since a machine may forbid Python to do that by itself. Each row is one program in one
situation. Medians and quartiles are of wall time from the start of the process to its end; the ratio is the median over
the pairs, which are run back to back in changing order, so that what else the machine does falls on both. Targets: 1.10
for a bare interpreter, 1.035 for a program built on click, 1.5 ms more for an invocation that starts a flusher. With --check
the exit code is 1 when a target is missed. Run it on a quiet machine: the spread says whether it was one.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench.stage import PROGRAMS, SITUATIONS, SPAWNS, USUAL, Situation, Stage, prepared

BARE_TARGET, CLICK_TARGET = 1.10, 1.035
SPAWN_TARGET = 1.5
"""Milliseconds that starting a flusher may add to the one invocation that does it."""


@dataclass(frozen=True)
class Row:
    """One program in one situation: seconds without and with, pair by pair."""

    program: str
    situation: Situation
    without: list[float]
    with_shipper: list[float]

    @property
    def ratio(self) -> float:
        """The median over the pairs."""
        return statistics.median(b / a for a, b in zip(self.without, self.with_shipper, strict=True))

    @property
    def more(self) -> float:
        """The median over the pairs of the milliseconds that shipper adds."""
        return statistics.median(b - a for a, b in zip(self.without, self.with_shipper, strict=True)) * 1000

    def words(self) -> str:
        """The row as it is printed."""
        ratios = statistics.quantiles(b / a for a, b in zip(self.without, self.with_shipper, strict=True))
        return (
            f"{self.program:9}{self.situation.name:27}{_times(self.without)}{_times(self.with_shipper)}"
            f"{self.more:+9.2f}{self.ratio:9.3f}  {ratios[0]:.2f}-{ratios[2]:.2f}"
        )


def _times(seconds: list[float]) -> str:
    low, middle, high = (value * 1000 for value in statistics.quantiles(seconds))
    return f"{middle:8.2f} ({low:.1f}-{high:.1f})".ljust(24)


def measure(stage: Stage, program: str, situation: Situation, pairs: int) -> Row:
    """Run the pairs, in changing order; the first three warm the caches and do not count."""
    times: dict[int, list[float]] = {0: [], 1: []}
    for number in range(pairs + 3):
        # A bare interpreter is no host that comes in sizes. The golden ratio spreads any number of pairs evenly.
        objects = 0 if program == "bare" else int(number * 0.618034 % 1 * stage.period)
        for which in (0, 1) if number % 2 else (1, 0):
            situation.before(stage)
            times[which].append(stage.run(program, which, objects))
            situation.after(stage)
    return Row(program, situation, times[0][3:], times[1][3:])


def verdicts(rows: list[Row]) -> dict[str, bool]:
    """What was promised, and whether these rows keep it."""
    found = {(row.program, row.situation.name): row for row in rows}
    said = {}
    for program, target in (("bare", BARE_TARGET), ("click", CLICK_TARGET)):
        row = found.get((program, USUAL))
        if row:
            said[f"{program}: {row.ratio:.3f} x, at most {target:.3f}"] = row.ratio <= target
    usual, due = found.get(("bare", USUAL)), found.get(("bare", SPAWNS))
    if usual and due:
        more = due.more - usual.more  # of pairs: between two rows minutes pass, in which the machine changes
        said[f"starting a flusher: {more:.2f} ms, at most {SPAWN_TARGET:.1f}"] = more <= SPAWN_TARGET
    return said


def main() -> int:
    """Measure, print the table and the verdicts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--python", default=sys.executable, help="the interpreter to measure with")
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument(
        "--only", nargs="*", default=[], help="only rows whose program or situation has one of these words"
    )
    parser.add_argument("--checkout", action="store_true", help="measure the sources instead of the wheel")
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    args = parser.parse_args()
    rows = []
    print("times in ms: median (quartiles); ratio: median of the pairs, quartiles")
    print(f"{'program':9}{'situation':27}{'without':24}{'with':24}{'more':>9}{'ratio':>9}")
    with tempfile.TemporaryDirectory(prefix=".overhead-", dir=Path.home()) as folder:
        stage = Stage(Path(folder), args.python, args.checkout)
        stage.build(PROGRAMS, "click", "typer")
        for situation in SITUATIONS:
            only = args.only or [situation.name]
            wanted = [name for name in situation.programs if any(word in (name, situation.name) for word in only)]
            try:
                with prepared(stage, situation):
                    for program in wanted:
                        rows.append(measure(stage, program, situation, args.pairs))
                        print(rows[-1].words(), flush=True)
            except subprocess.CalledProcessError as error:
                print(f"         {situation.name}: not possible here: {error.stderr.decode().strip()}")
    said = verdicts(rows)
    for words, kept in said.items():
        print(f"{'kept  ' if kept else 'MISSED'} {words}")
    return int(args.check and not all(said.values()))


if __name__ == "__main__":
    sys.exit(main())
