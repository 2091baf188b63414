"""What the tests of whole processes stand on: the command line, the recording tool and the receiver, as processes."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.waiting import until

PATIENCE = 60
"""Seconds until a process of a test is given up: ten times what any of them takes on two busy cores."""


def shipper(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "shipper", *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def start(*arguments: str, **environ: str) -> "subprocess.Popen[bytes]":
    """Start `python -m ...` and leave it running; its stdout is a pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", *arguments], env={**os.environ, **environ}, stdout=subprocess.PIPE, cwd=ROOT
    )


ROOT = Path(__file__).parents[2]


def record(first: int, count: int, ending: str = "", **environ: str) -> list[int]:
    """Record numbers in a process of their own and return those that were promised."""
    with start("tests.whole.tool", str(first), str(count), ending, **environ) as tool:
        return promised(tool)


def promised(tool: "subprocess.Popen[bytes]") -> list[int]:
    """The numbers that a tool promised, once it has ended."""
    out, _ = tool.communicate(timeout=PATIENCE)
    return [int(number) for number in out.split()]


def free_port() -> int:
    """A port of loopback on which nothing listens now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


class Receiver:
    """The project's own receiver: comes and goes at one address, with one store."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"

    @contextmanager
    def up(self) -> Iterator["subprocess.Popen[bytes]"]:
        """The receiver listens within this block."""
        with start("shipper", "collect", "--listen", self.address, "--data", str(self.data)) as process:
            try:
                until(lambda: self._listens() or process.poll() is not None, what="the receiver listens")
                yield process
            finally:
                process.terminate()

    def _listens(self) -> bool:
        host, _, port = self.address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            return False
        return True

    def numbers(self) -> list[int]:
        """The numbers of all events that the receiver holds, with their repetitions, sorted."""
        if not (self.data / "events.sqlite").exists():
            return []
        with closing(sqlite3.connect(f"file:{self.data}/events.sqlite?mode=ro", uri=True)) as store:
            if not store.execute("SELECT 1 FROM sqlite_master WHERE name = 'events'").fetchall():
                return []  # it is being made
            return sorted(json.loads(fields)["number"] for (fields,) in store.execute("SELECT fields FROM events"))
