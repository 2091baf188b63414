"""The stage of the story: it starts real processes in a home of its own, prints what they said, and keeps score."""

import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from shipper.errors import ShipperError

PATIENCE = 20.0
"""Seconds until a process of the story that neither ends nor answers is given up: ten times what any of them takes."""

WIDTH = 110
"""Columns of the widest line: an event still reads as one, and most terminals hold it."""

TOOL = """#!{python}
import sys
from shipper.demo.wunderctl import main
sys.exit(main())
"""


class Ran(NamedTuple):
    """A process that has ended: its exit code, what it printed on stdout and stderr, and how many seconds it took."""

    code: int
    out: str
    err: str
    seconds: float


class Stage:
    """A folder with a home, a `wunderctl` on the PATH and a project, and the record of what held and what did not."""

    def __init__(self, folder: str, environ: Mapping[str, str], receiver: str) -> None:
        self.folder = folder
        self.project = os.path.join(folder, "project")
        self.failed: list[str] = []
        self.held = 0
        self._coloured = sys.stdout.isatty() and not environ.get("NO_COLOR")
        self._width = min(WIDTH, shutil.get_terminal_size().columns)
        self.environ = self._furnish(environ, receiver)

    def _furnish(self, environ: Mapping[str, str], receiver: str) -> dict[str, str]:
        programs = os.path.join(self.folder, "bin")
        for name in (programs, self.project):
            os.mkdir(name, 0o700)
        tool = os.path.join(programs, "wunderctl")
        with open(tool, "w", encoding="utf-8") as file:
            file.write(TOOL.format(python=sys.executable))
        os.chmod(tool, 0o700)
        # Of the real environment only what Python needs to start: CI, DO_NOT_TRACK or a proxy would tell another story.
        kept = {name: environ[name] for name in ("LANG", "LC_ALL", "PYTHONPATH", "SYSTEMROOT") if name in environ}
        return kept | {
            "PATH": programs + os.pathsep + environ.get("PATH", os.defpath),
            "HOME": self.folder,
            "SHIPPER_HOME": os.path.join(self.folder, "home"),
            "SHIPPER_SPAWN": "0",  # every flush of the story is one that it shows
            "WUNDERCTL_RECEIVER": receiver,
            "COLUMNS": str(self._width - 4),  # what is printed stands indented
        }

    def act(self, title: str) -> None:
        """Begin a part of the story."""
        print(f"\n{self._ink('1', title)}", flush=True)

    def note(self, text: str) -> None:
        """Say something that has been measured."""
        print(f"  {text}", flush=True)

    def check(self, claim: str, expected: object, found: object) -> None:
        """Print whether a promise held, with both figures when it did not, and remember."""
        if expected == found:
            self.held += 1
            print(f"  {self._ink('32', '✓')} {claim}", flush=True)
        else:
            self.failed.append(claim)
            print(f"  {self._ink('31', '✗')} {claim}: expected {expected}, found {found}", flush=True)

    def shipper(self, *arguments: str, shown: "Callable[[str], str] | None" = None) -> Ran:
        """Run a `shipper` command before the audience: what it prints, or what `shown` makes of that."""
        ran = self.run(self.command_line(*arguments))
        self.command(" ".join(("shipper", *arguments)))
        for line in (shown(ran.out) if shown else ran.out).splitlines() + ran.err.splitlines():
            self.output(line)
        return ran

    def command_line(self, *arguments: str) -> list[str]:
        """A `shipper` command as this interpreter starts it, wherever it is installed."""
        return [sys.executable, "-m", "shipper", *arguments]

    def command(self, text: str) -> None:
        """Print a command line as a person would type it."""
        print(f"  {self._ink('36', '$ ' + text)}", flush=True)

    def output(self, line: str) -> None:
        """Print a line that a process printed, broken where the terminal ends."""
        shown = line if line.isprintable() else ascii(line)[1:-1]
        for part in self._broken(shown):
            print(f"    {self._ink('2', part)}", flush=True)

    def _broken(self, line: str) -> list[str]:
        width = self._width - 4
        if line.startswith("{"):  # an event has no words to break between
            return [line[start : start + width] for start in range(0, len(line), width)]
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        return textwrap.wrap(line, width, subsequent_indent=indent) or [""]

    def run(self, command: Sequence[str]) -> Ran:
        """Run a process to its end, unseen."""
        begun = time.monotonic()
        try:
            ended = subprocess.run(
                command,
                env=self.environ,
                cwd=self.project,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ShipperError(f"after {PATIENCE:.0f} s still running: {' '.join(command)}") from None
        return Ran(ended.returncode, ended.stdout, ended.stderr, time.monotonic() - begun)

    def run_all(self, commands: Sequence[Sequence[str]], at_once: int = 1) -> list[Ran]:
        """Run processes to their end, `at_once` at a time, unseen."""
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self.run, commands))

    def start(self, command: Sequence[str], stdout: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
        """Start a process and leave it running, unseen."""
        return subprocess.Popen(command, env=self.environ, cwd=self.project, stdout=stdout, stderr=subprocess.DEVNULL)

    def until(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait for a condition. Raises ShipperError, naming it, when patience runs out."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise ShipperError(f"after {PATIENCE:.0f} s still not so: {what}")
            time.sleep(0.01)

    def _ink(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured else text
