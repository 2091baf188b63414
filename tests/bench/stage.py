"""Programs with shipper and without, installed as a user has them, and the situations in which they are measured."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fixtures.wheels import ROOT, build_wheel, make_environment, site_packages

PENDING_EVENTS = 1_000_000
LINES_PER_SEGMENT = 780
"""Lines of 336 bytes in a segment of 256 KiB."""

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
    """An environment with byte-compiled programs, a home, and the variables that a measured process sees.

    shipper is the installed wheel, because that is what users have, or with `checkout` its sources as they lie there. The
    home is a person's and lies in no temporary folder: there the id is not made.
    """

    def __init__(self, folder: Path, python: str, checkout: bool = False) -> None:
        self.folder, self.checkout, self.home = folder, checkout, folder / "home"
        self.python = str(make_environment(os.path.abspath(python), folder / "environment"))
        self.period = collector_period(self.python)
        self.environ = {
            "PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", "SHIPPER_SPAWN": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "CODESPACES": "true",  # where a container's home is kept, the id is made as it is at a person's
        }  # fmt: skip
        self.environ |= {f"VARIABLE_{number}": "x" * 30 for number in range(25)}  # a person's shell has some

    def build(self, programs: "dict[str, tuple[str, str]]", *packages: str) -> None:
        """Install shipper and packages, write the programs beside them, compile everything."""
        library = site_packages(self.python)
        pip = [self.python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        if packages:
            subprocess.run([*pip, *packages], check=True)
        if self.checkout:
            shutil.copytree(ROOT / "shipper", library / "shipper", ignore=shutil.ignore_patterns("__pycache__"))
        else:
            subprocess.run([*pip, "--no-deps", str(build_wheel(self.folder))], check=True)
        for name, texts in programs.items():
            for number, text in enumerate(texts):
                (library / f"{name}_{number}.py").write_text(text)
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        subprocess.run([self.python, "-m", "compileall", "-q", str(library)], check=True, env=environ)
        os.chdir(
            self.folder
        )  # `python -c` looks into the current folder first: in a checkout it would find the sources

    @property
    def spool(self) -> Path:
        """The app's spool."""
        return self.home / ".local" / "state" / "shipper" / "apps" / "bench"

    @property
    def config(self) -> Path:
        """Where the person's choices are."""
        return self.home / ".config" / "shipper"

    def choose(self, mode: str) -> None:
        """Have the person choose for every app."""
        (self.config / "_all.mode").write_text(f"{mode} 2026-11-23T10:00:00.000Z bench\n")

    def fresh_home(self) -> None:
        """A home where the person agreed and the app has recorded before; nothing is due."""
        shutil.rmtree(self.home, ignore_errors=True)
        os.makedirs(self.config, mode=0o700)
        self.choose("on")
        for folder in (self.home, self.config.parent, self.config):
            folder.chmod(0o700)
        self.run("bare", 1)
        self.run("bare", 1)
        self.line = (self.spool / "active.ndjson").read_bytes().splitlines(keepends=True)[0]

    def command(self, program: str, with_shipper: int, objects: int = 0) -> list[str]:
        """The command of a program, whose host holds so many objects of its own."""
        code = f"from {program}_{with_shipper} import main; main()"
        if objects:
            code = f"held = [[] for _ in range({objects})]\n{code}"
        return [self.python, "-c", code]

    def run(self, program: str, with_shipper: int, objects: int = 0) -> float:
        """Seconds that one process takes."""
        command = self.command(program, with_shipper, objects)
        null = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        begun = time.perf_counter()
        child = os.posix_spawn(self.python, command, self.environ, file_actions=null)
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


def chosen_off(stage: Stage) -> Callable[[], None]:
    """A person who said no after some events had been recorded."""
    stage.fresh_home()
    stage.choose("off")
    return lambda: None


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
    bell = stage.home / ".local" / "state" / "shipper" / "doorbell"
    os.mkfifo(bell, 0o600)
    ear = os.open(bell, os.O_RDWR | os.O_NONBLOCK)
    return lambda: os.close(ear)


def flushers_gone(stage: Stage) -> None:
    """Wait for the flusher that the run started, so that it does not run beside the next one."""
    mark = f"HOME={stage.home}".encode()
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
    environ: "dict[str, str]" = field(default_factory=dict)


USUAL = "spool empty"
SPAWNS = "due, a flusher is started"
TWO = ("bare", "click")
SITUATIONS = [
    Situation(USUAL, tuple(PROGRAMS), empty, one_line),
    Situation("1,000,000 events pending", TWO, million, one_line),
    Situation("off", TWO, chosen_off),
    Situation("local", TWO, empty, one_line, environ={"BENCH_TELEMETRY": "local"}),
    Situation("DO_NOT_TRACK", TWO, empty, environ={"DO_NOT_TRACK": "1"}),
    Situation("CI", TWO, empty, one_line, environ={"CI": "true"}),
    Situation("disk full", TWO, lambda stage: mounted(stage, "size=128k", full=True)),
    Situation("home read-only", TWO, lambda stage: mounted(stage, "ro")),
    Situation("due, a daemon listens", TWO, listening, due_now),
    Situation(SPAWNS, TWO, empty, due_now, flushers_gone, spawns=True),
]


@contextmanager
def prepared(stage: Stage, situation: Situation) -> Iterator[None]:
    """Hold a situation."""
    done = situation.prepare(stage)
    if situation.spawns:
        del stage.environ["SHIPPER_SPAWN"]
    stage.environ |= situation.environ
    try:
        if (
            situation.environ
        ):  # the first invocation of a person who has just said so moves what waits: it is no usual one
            stage.run("bare", 1)
        yield
    finally:
        stage.environ["SHIPPER_SPAWN"] = "0"
        for name in situation.environ:
            del stage.environ[name]
        done()
