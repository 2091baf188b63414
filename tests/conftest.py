"""The fence around every test: loopback only, a home of its own, no real environment, nobody left behind."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from shipper.recording.lock import PATIENCE, set_patience
from shipper.testing import is_loopback
from tests.fixtures.waiting import until

INHERITED = (
    "PATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX",
    "SYSTEMROOT", "SYSTEMDRIVE", "PATHEXT", "COMSPEC", "TEMP", "TMP", "WINDIR",
)  # fmt: skip
"""All that a test and its children see of the real environment. CI, DO_NOT_TRACK, proxies, tokens and XDG folders are
not among it: they change what shipper decides. The last line is what a process of Windows cannot do without."""

DYING = 3.0
"""Seconds that a process which was told to end may take before it counts as left behind."""


class OutsideTheFenceError(BaseException):
    """A test reached for the network. Not an Exception, so that no code under test can take it for a bad line."""


def fence(event: str, arguments: tuple[object, ...]) -> None:
    """The audit hook: see every address that this process is about to reach, before it does."""
    if event in ("socket.connect", "socket.sendto"):
        family, address = getattr(arguments[0], "family", None), arguments[1]
        if family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple) and not is_loopback(address[0]):
            raise OutsideTheFenceError(f"{event} {address}")
    elif event == "socket.getaddrinfo" and not is_loopback(arguments[0]):
        raise OutsideTheFenceError(f"{event} {arguments[0]!r}")


sys.addaudithook(fence)

# How long a machine that others use takes to make up an example says nothing about the code.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")


@pytest.fixture(autouse=True)
def ordinary_signals() -> None:
    """Start each test with no signal ignored or blocked that a person's shell would let through: children inherit both.

    A shell that starts the run in the background has SIGINT ignored; an engine loaded by an earlier test blocks SIGPIPE.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


@pytest.fixture(autouse=True)
def patient() -> None:
    """Start each test as a process that has not yet waited for a lock."""
    set_patience(PATIENCE)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """SHIPPER_HOME of this test, seen by nobody else. Nothing starts a flusher unless the test asks for it."""
    for name in set(os.environ) - set(INHERITED):
        if not name.startswith("PYTEST_"):
            monkeypatch.delenv(name)
    person = tmp_path / "person"
    person.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(person))
    monkeypatch.setenv("SHIPPER_HOME", str(tmp_path / "shipper-home"))
    monkeypatch.setenv("SHIPPER_SPAWN", "0")
    return tmp_path / "shipper-home"


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:  # it ended while we looked, or is not ours to read
        return b""


def left_behind(home: Path) -> dict[int, str]:
    """Living processes that descend from this one or were started with this test's home, by process id."""
    mark = f"SHIPPER_HOME={home}".encode()
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        state = _read(f"/proc/{name}/stat").rpartition(b") ")[2].split()
        if int(name) == os.getpid() or not state or state[0] in (b"Z", b"X"):
            continue
        command = _read(f"/proc/{name}/cmdline").replace(b"\0", b" ").decode("utf-8", "replace").strip()
        if "multiprocessing.resource_tracker" in command or "multiprocessing.forkserver" in command:
            continue  # the interpreter's own, one for the whole run
        if int(state[1]) == os.getpid() or mark in _read(f"/proc/{name}/environ").split(b"\0"):
            found[int(name)] = command
    return found


@pytest.fixture(autouse=True)
def nobody_left_behind(home: Path) -> Iterator[None]:
    """Fail the test whose processes outlive it, and end them, so that the next test starts alone."""
    yield
    if sys.platform != "linux":
        return
    try:
        until(lambda: not left_behind(home), DYING)
    except AssertionError:
        lingering = left_behind(home)
        for process in lingering:
            os.kill(process, signal.SIGKILL)
        pytest.fail(f"processes left behind: {lingering}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two processes that share the tests must name them alike: no name may hold the address of an object."""
    unstable = [item.nodeid for item in items if " object at 0x" in item.nodeid]
    assert unstable == [], "these tests need ids of their own"
