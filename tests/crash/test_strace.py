"""The same with the kernel's own eyes: a real process, SIGKILL or an errno injected at its real syscalls, by strace."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.crash.figures import note
from tests.crash.operations import OPERATIONS, by_name
from tests.crash.points import TOLD
from tests.crash.receiver import receiving
from tests.crash.sweep import Figures, Operation, Sweep
from tests.crash.workshop import DEEP, promised

#: The syscalls that change something, as a process of ours makes them.
SYSCALLS = ("openat", "write", "rename", "renameat", "unlinkat", "mkdirat", "fcntl", "ftruncate", "fsync", "close")
TRACED = [
    one
    for one in OPERATIONS
    if one.name == "record" or "delete" in one.name or (DEEP and one.name.startswith(("record into", "flush", "first")))
]
#: Errnos by syscall, for a host that records.
ERRNOS = {"write": "ENOSPC", "openat": "EMFILE", "fcntl": "ENOLCK", "fsync": "EIO", "mkdirat": "EROFS"}


@cache
def no_strace() -> str:
    """Why strace cannot be used here, or nothing."""
    if not shutil.which("strace"):
        return "strace is not installed"
    tried = subprocess.run(["strace", "-f", "-o", os.devnull, "true"], capture_output=True, text=True)
    return f"ptrace is not allowed here: {tried.stderr.strip()[:80]}" if tried.returncode else ""


pytestmark = pytest.mark.skipif(bool(no_strace()), reason=no_strace())


class Traced(Sweep):
    """A sweep whose every try is a real process under strace."""

    def sweep(self, inject: str, syscall: str, step: int) -> Figures:
        """Inject at every `step`th of one syscall on the files of the home."""
        number, struck = 1, True
        while struck:
            self._enter("run", "start")
            self.receiver.reset(**self.operation.mood)
            log = self.place / "strace.log"
            code, told = self._trace(f"{syscall}:{inject}:when={number}", syscall, log)
            struck = code == 137 or "INJECTED" in log.read_text()
            self.figures.points += struck
            if code not in (0, 137):
                self.figures.wrong.append(f"{self.operation.name}: {syscall} {number} ends with {code}")
            obliged = self.obliged | promised(told)
            if self._is_new(obliged):
                self._settle(f"{syscall} {number}, {inject}", obliged, self.receiver.memory())
            number += step
        return self.figures

    def _trace(self, inject: str, syscall: str, log: Path) -> tuple[int, bytes]:
        paths = [part for path in self._paths() for part in ("-P", path)]
        strace = ["strace", "-f", "-qq", "-o", str(log), *paths, "-e", f"trace={syscall}", "-e", f"inject={inject}"]
        program = "import sys; from tests.crash.operations import by_name; by_name(sys.argv[1]).work(sys.argv[2])"
        command = [*strace, sys.executable, "-c", program, self.operation.name, self.receiver.url]
        source, sink = os.pipe()
        os.dup2(sink, TOLD)
        os.close(sink)
        try:
            code = subprocess.run(command, pass_fds=(TOLD,), timeout=60).returncode
        finally:
            os.close(TOLD)
        with os.fdopen(source, "rb") as file:
            return (137 if code in (137, -9) else code), file.read()

    def _paths(self) -> list[str]:
        home = self.place / "run"
        return [str(home), *(str(path) for path in home.rglob("*"))]


def swept(operation: Operation, place: Path, patch: pytest.MonkeyPatch, sweep: Callable[[Traced], object]) -> Figures:
    patch.setenv("DEMO_TELEMETRY", "on")
    with receiving() as receiver:
        traced = Traced(operation, receiver, place, patch, DEEP)
        traced.prepare()
        sweep(traced)
    return traced.figures


@pytest.mark.parametrize("operation", TRACED, ids=[operation.name for operation in TRACED])
def test_nothing_promised_is_lost_at_any_syscall(
    operation: Operation, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sweep(traced: Traced) -> None:
        for syscall in SYSCALLS:
            traced.sweep("signal=SIGKILL", syscall, 1 if DEEP else 9)

    figures = swept(operation, place, monkeypatch, sweep)
    note(f"SIGKILL at real syscalls: {operation.name}", points=figures.points)
    assert figures.wrong == []
    assert figures.points > 3


def test_a_failing_syscall_does_not_reach_the_host(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sweep(traced: Traced) -> None:
        for syscall, number in ERRNOS.items():
            traced.sweep(f"error={number}", syscall, 1 if DEEP else 5)

    figures = swept(by_name("record"), place, monkeypatch, sweep)
    note("a failing syscall under a host that records", points=figures.points)
    assert figures.wrong == []
    assert figures.points > 3
