"""The ground that the daemon's tests stand on: an app in a process of its own, a daemon, and a manager that listens."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from shipper.choices.saving import save_choice
from shipper.recording.due import read_due, write_due
from shipper.recording.folder import open_app, open_config, open_state
from shipper.wakeup.doorbell import listening
from tests.waiting import until

APP = """
import sys
from shipper import App, Event, integer
from shipper.choices.saving import save_choice
name, endpoint, interval, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
app = App(name, version="1.0", endpoint=endpoint, flush_interval=interval,
          events=[Event("step", "Which step was taken.", number=integer(0, 100000))])
kept = [app.record("step", number=number) for number in range(count)]
print(all(kept))
"""


def record(
    endpoint: str,
    app: str = "demo",
    interval: int = 900,
    count: int = 1,
    spawn: bool = False,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Record from a process of its own, as a CLI does; with `spawn` it may start a flusher."""
    environment = {**os.environ, **(environ or {})} | ({"SHIPPER_SPAWN": ""} if spawn else {})
    command = [sys.executable, "-c", APP, app, endpoint, str(interval), str(count)]
    assert subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60).stdout == b"True\n"


def choose(mode: str, app: str = "_all") -> None:
    with open_config(os.environ, create=True) as config:
        save_choice(config, app, mode, "test", 1_790_000_000_000)


def due(app: str = "demo") -> tuple[int, int]:
    with open_state(os.environ) as state, open_app(state, app) as folder:
        return read_due(folder)


def set_due(when: int, not_before: int = 0, app: str = "demo") -> None:
    with open_state(os.environ) as state, open_app(state, app) as folder:
        write_due(folder, not_before, when)


def spool(home: Path, app: str = "demo") -> Path:
    return home / "state" / "shipper" / "apps" / app


def pending(home: Path, app: str = "demo") -> list[Path]:
    """The files of a spool that hold events."""
    return [
        path for path in spool(home, app).rglob("*.ndjson") if path.stat().st_size and path.name != "history.ndjson"
    ]


def living(process: int) -> bool:
    """Whether a process runs or is stopped; one that is dead and not yet waited for has no command line any more."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes() != b""
    except OSError:
        return False


def answering() -> bool:
    try:
        with open_state(os.environ) as state:
            return listening(state)
    except FileNotFoundError:
        return False


@contextmanager
def daemon(*options: str, **environ: str) -> "Iterator[subprocess.Popen[str]]":
    """`shipper run` as a process of its own, serving when this returns; ended with SIGTERM."""
    command = [sys.executable, "-m", "shipper", "run", *options]
    with subprocess.Popen(command, env={**os.environ, **environ}, stderr=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: answering() or process.poll() is not None, what="the daemon listens")
            yield process
        finally:
            process.terminate()
            process.wait(10)


def children(process: int) -> list[int]:
    """The living children of a process."""
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return [
        child for child in found if "Z" not in Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
    ]


def resident(process: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def flushers(home: Path) -> list[int]:
    """The living flushers of this home, by process id."""
    mark, found = f"SHIPPER_HOME={home}".encode(), []
    for path in Path("/proc").iterdir():
        try:
            if (
                path.name.isdigit()
                and b"--implicit" in (path / "cmdline").read_bytes()
                and mark in (path / "environ").read_bytes()
                and (path / "stat").read_text().rpartition(") ")[2][0] not in "ZX"
            ):
                found.append(int(path.name))
        except OSError:
            continue
    return found


def finished(home: Path) -> bool:
    return not flushers(home)


def end(home: Path) -> None:
    """End the flushers of this home."""
    for process in flushers(home):
        os.kill(process, signal.SIGKILL)
    until(lambda: finished(home))


class Manager:
    """The manager's end of sd_notify: a datagram socket, by path or in the abstract namespace (`@name`)."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.said: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)

    def __enter__(self) -> "Manager":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def heard(self, word: str) -> int:
        """How many of the datagrams so far have this line in them."""
        try:
            while True:
                self.said.append(self._socket.recv(4096).decode())
        except BlockingIOError:
            return sum(any(line.startswith(word) for line in one.splitlines()) for one in self.said)
