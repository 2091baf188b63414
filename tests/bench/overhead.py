"""What recording costs a CLI: pairs of processes, with shipper and without, one after the other, many times.

    python tests/bench/overhead.py [--python INTERPRETER] [--pairs N] [--only WORD ...] [--check]

Everything is byte-compiled first, since a machine may forbid Python to do that by itself. Each row is one program in one
situation. Medians and quartiles are of wall time from the start of the process to its end; the ratio is the median over
the pairs, which are run back to back in changing order, so that what else the machine does falls on both. Targets: 1.20
for a bare interpreter, 1.05 for a program built on click, 2 ms more for an invocation that starts a flusher. With --check
the exit code is 1 when a target is missed. Run it on a quiet machine: the spread says whether it was one.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "shipper"
PENDING_EVENTS = 1_000_000
LINES_PER_SEGMENT = 780
"""Lines of 336 bytes in a segment of 256 KiB."""
BARE_TARGET, CLICK_TARGET = 1.20, 1.05
SPAWN_TARGET = 2.0
"""Milliseconds that starting a flusher may add to the one invocation that does it."""

DECLARE = """
from shipper import App, Event, error_class, milliseconds, one_of
telemetry = App("bench", version="1.0", endpoint="http://127.0.0.1:9", policy="opt-out", about="https://example.com",
    max_bytes=1 << 30, max_files=5000, events=[
    Event("command", "Which commands people use, how long they take, how they end.", command=one_of("up", "init"),
          duration_ms=milliseconds(), outcome=one_of("ok", "error", "usage", "interrupted"), error=error_class()),
    Event("datasource", "Which data sources people connect.", kind=one_of("postgres", "mysql", "rest", "graphql")),
])
"""
CLICK = """
import click
@click.group()
def cli(): pass
@cli.command()
@click.option("--force", is_flag=True)
def up(force): click.echo("up")
@cli.command()
def init(): click.echo("init")
def main(): cli(["up"], prog_name="bench")
"""
TYPER = """
import typer
cli = typer.Typer(add_completion=False)
@cli.command()
def up(force: bool = False): typer.echo("up")
@cli.command()
def init(): typer.echo("init")
def main(): cli(["up"], prog_name="bench")
"""
ARGPARSE = """
import argparse
cli = argparse.ArgumentParser("bench")
commands = cli.add_subparsers(dest="command")
commands.add_parser("up").add_argument("--force", action="store_true")
commands.add_parser("init")
def main(): print(cli.parse_args(["up"]).command)
"""
PROGRAMS = {
    "bare": ("def main(): pass\n", DECLARE + "def main(): telemetry.record('datasource', kind='postgres')\n"),
    "click": (CLICK, CLICK + DECLARE + "telemetry.instrument(cli)\n"),
    "typer": (TYPER, TYPER + DECLARE + "telemetry.instrument(cli)\n"),
    "argparse": (ARGPARSE, ARGPARSE + DECLARE + "telemetry.instrument(cli)\n"),
}


def collector_period(python: str) -> int:
    """Objects after which an interpreter's collector runs over its middle generation: 7,700 on 3.11, 22,000 on 3.13.

    One such run takes as long as a sixth of all that recording costs. Whether the few hundred objects of ours bring one more
    depends on how many the host has, so each pair's host holds another number of them, spread evenly over one period.
    """
    ask = "import gc; young, middle, _ = gc.get_threshold(); print(young * (middle + 1))"
    return int(subprocess.run([python, "-c", ask], capture_output=True, check=True).stdout)


class Stage:
    """A folder with byte-compiled programs, a home, and the environment that a measured process sees."""

    def __init__(self, folder: Path, python: str) -> None:
        self.folder, self.python = folder, os.path.abspath(python)
        self.period = collector_period(self.python)
        self.library, self.home = folder / "library", folder / "home"
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(self.library),
            "LANG": "C.UTF-8",
        }
        self.environ |= {"SHIPPER_HOME": str(self.home), "SHIPPER_SPAWN": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        self.environ |= {f"VARIABLE_{number}": "x" * 30 for number in range(25)}  # a person's shell has some

    def build(self) -> None:
        """Write the programs, copy shipper, install click and typer, compile everything."""
        shutil.copytree(PACKAGE, self.library / "shipper", ignore=shutil.ignore_patterns("__pycache__"))
        for name, texts in PROGRAMS.items():
            for number, text in enumerate(texts):
                (self.library / f"{name}_{number}.py").write_text(text)
        install = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]
        subprocess.run([*install, str(self.library), "click", "typer"], check=True, stderr=subprocess.DEVNULL)
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        subprocess.run([self.python, "-m", "compileall", "-q", str(self.library)], check=True, env=environ)
        os.chdir(
            self.folder
        )  # `python -c` looks into the current folder first: in a checkout it would find the sources

    @property
    def spool(self) -> Path:
        """The app's spool."""
        return self.home / "state" / "shipper" / "apps" / "bench"

    def fresh_home(self) -> None:
        """A home where the person agreed and the app has recorded before; nothing is due."""
        shutil.rmtree(self.home, ignore_errors=True)
        config = self.home / "config" / "shipper"
        os.makedirs(config, mode=0o700)
        (config / "_all.mode").write_text("on 2026-11-23T10:00:00.000Z bench\n")
        for folder in (self.home, config.parent, config):
            folder.chmod(0o700)
        self.run("bare", 1)
        self.run("bare", 1)
        self.line = (self.spool / "active.ndjson").read_bytes().splitlines(keepends=True)[0]

    def run(self, program: str, with_shipper: int, objects: int = 0) -> float:
        """Seconds that one process takes, whose host holds so many objects of its own."""
        code = f"from {program}_{with_shipper} import main; main()"
        if objects:
            code = f"held = [[] for _ in range({objects})]\n{code}"
        null = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        begun = time.perf_counter()
        child = os.posix_spawn(self.python, [self.python, "-c", code], self.environ, file_actions=null)
        status = os.waitpid(child, 0)[1]
        seconds = time.perf_counter() - begun
        if status:
            raise SystemExit(f"{program}_{with_shipper} ended with {os.waitstatus_to_exitcode(status)}")
        return seconds


def empty(stage: Stage) -> Callable[[], None]:
    """A spool with a few events, nothing due."""
    stage.fresh_home()
    return lambda: None


def one_line(stage: Stage) -> None:
    """Cut the active file back to one line, so that every run does the usual: append to a file with room."""
    (stage.spool / "active.ndjson").write_bytes(stage.line)  # a flusher may have sealed it


def million(stage: Stage) -> Callable[[], None]:
    """A million pending events, in sealed segments. They are one file under many names: no writer ever opens one."""
    stage.fresh_home()
    sealed = stage.spool / "sealed"
    sealed.mkdir(mode=0o700, exist_ok=True)
    (stage.folder / "segment").write_bytes(stage.line * LINES_PER_SEGMENT)
    for number in range(PENDING_EVENTS // LINES_PER_SEGMENT):
        os.link(stage.folder / "segment", sealed / f"20261123T100000000Z-{number:08x}.ndjson")
    return lambda: None


def due_now(stage: Stage) -> None:
    """Let the next event find a pass due."""
    one_line(stage)
    (stage.spool / "due").write_bytes(b"%011d %011d\n" % (0, 1))


def listening(stage: Stage) -> Callable[[], None]:
    """A daemon that hears the bell."""
    stage.fresh_home()
    bell = stage.home / "state" / "shipper" / "doorbell"
    os.mkfifo(bell, 0o600)
    ear = os.open(bell, os.O_RDWR | os.O_NONBLOCK)
    return lambda: os.close(ear)


def flushers_gone(stage: Stage) -> None:
    """Wait for the flusher that the run started, so that it does not run beside the next one."""
    mark = f"SHIPPER_HOME={stage.home}".encode()
    while any(mark in _environ(name) for name in os.listdir("/proc") if name.isdigit()):
        os.sched_yield()


def _environ(process: str) -> bytes:
    try:
        return Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return b""


def mounted(stage: Stage, options: str, full: bool = False) -> Callable[[], None]:
    """The home on a file system of its own: full, or read-only. Raises CalledProcessError where mounting is forbidden."""
    stage.fresh_home()
    kept = stage.folder / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(stage.home, kept)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k,mode=0700", "tmpfs", stage.home], check=True, capture_output=True
    )
    shutil.copytree(kept, stage.home, dirs_exist_ok=True)
    if full:
        with open(stage.home / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                pass
    subprocess.run(["mount", "-o", f"remount,{options}", stage.home], check=True, capture_output=True)
    return lambda: subprocess.run(["umount", stage.home], check=True).check_returncode()


def as_it_is(stage: Stage) -> None:
    """Nothing to do."""
    del stage


@dataclass(frozen=True)
class Situation:
    """`prepare` is run once and returns what ends it; `before` and `after` each run that is measured."""

    name: str
    programs: tuple[str, ...]
    prepare: "Callable[[Stage], Callable[[], None]]"
    before: "Callable[[Stage], None]" = as_it_is
    after: "Callable[[Stage], None]" = as_it_is
    spawns: bool = False


SITUATIONS = [
    Situation("spool empty", tuple(PROGRAMS), empty, one_line),
    Situation("1,000,000 events pending", ("bare", "click"), million, one_line),
    Situation("due, a daemon listens", ("bare", "click"), listening, due_now),
    Situation("due, a flusher is started", ("bare", "click"), empty, due_now, flushers_gone, spawns=True),
    Situation("disk full", ("bare", "click"), lambda stage: mounted(stage, "size=128k", full=True)),
    Situation("home read-only", ("bare", "click"), lambda stage: mounted(stage, "ro")),
]


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


@contextmanager
def prepared(stage: Stage, situation: Situation) -> Iterator[None]:
    """Hold a situation."""
    done = situation.prepare(stage)
    if situation.spawns:
        del stage.environ["SHIPPER_SPAWN"]
    try:
        yield
    finally:
        stage.environ["SHIPPER_SPAWN"] = "0"
        done()


def verdicts(rows: list[Row]) -> dict[str, bool]:
    """What was promised, and whether these rows keep it."""
    found = {(row.program, row.situation.name): row for row in rows}
    said = {}
    for program, target in (("bare", BARE_TARGET), ("click", CLICK_TARGET)):
        row = found.get((program, "spool empty"))
        if row:
            said[f"{program}: {row.ratio:.3f} x, at most {target:.2f}"] = row.ratio <= target
    usual, due = found.get(("bare", "spool empty")), found.get(("bare", "due, a flusher is started"))
    if usual and due:
        more = due.more - usual.more  # of pairs: between two rows minutes pass, in which the machine changes
        said[f"starting a flusher: {more:.2f} ms, at most {SPAWN_TARGET:.0f}"] = more <= SPAWN_TARGET
    return said


def main() -> int:
    """Measure, print the table and the verdicts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--python", default=sys.executable, help="the interpreter to measure with")
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument(
        "--only", nargs="*", default=[], help="only rows whose program or situation has one of these words"
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    args = parser.parse_args()
    rows = []
    print("times in ms: median (quartiles); ratio: median of the pairs, quartiles")
    print(f"{'program':9}{'situation':27}{'without':24}{'with':24}{'more':>9}{'ratio':>9}")
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        stage = Stage(Path(folder), args.python)
        stage.build()
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
