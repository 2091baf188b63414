"""The power goes, for real: an ext4 image is frozen at each syscall of a writer and mounted again as the disk had it.

What is in the page cache and not yet on the disk is not in the image's file: the copy is what a machine finds when its
power comes back. The journal is replayed by the mount.
"""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.crash.figures import note
from tests.crash.images import make, mounted, no_images
from tests.crash.points import TOLD
from tests.crash.test_strace import no_strace
from tests.crash.workshop import APP, DEEP, numbers_in, opened, promised
from tests.fixtures.waiting import until

#: Every syscall of a writer, or in the gate some of those after which the most is at stake.
EVERY = ("openat", "write", "fsync", "rename", "renameat", "mkdirat", "fcntl", "close", "unlinkat")
SYSCALLS, STEP = (EVERY, 1) if DEEP else (("write", "fsync", "renameat"), 9)


WHY_NOT = no_images() or no_strace()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)

#: A CLI that records until it is cut, for power loss or not, and a pass that syncs what it claims.
WRITER = """
import os, sys
from tests.crash import operations
from tests.crash.workshop import declare, promise
os.environ["SHIPPER_HOME"] = sys.argv[1]
os.environ["DEMO_TELEMETRY"] = "on"
operations.small_segments()
app = declare("http://127.0.0.1:9", durability=sys.argv[2])
for number in range(int(sys.argv[3]), int(sys.argv[4])):
    promise(app, number)
"""


def writer(home: Path, durability: str, first: int, last: int) -> list[str]:
    return [sys.executable, "-c", WRITER, str(home), durability, str(first), str(last)]


def write(home: Path, durability: str, first: int, last: int) -> None:
    """Have a writer record what nobody needs to hear of."""
    nobody = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nobody, TOLD)
    os.close(nobody)
    try:
        subprocess.run(writer(home, durability, first, last), check=True, pass_fds=(TOLD,))
    finally:
        os.close(TOLD)


class Cut:
    """A writer under strace, stopped before one syscall; the disk as it is then."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def stop(self, image: Path, syscall: str, number: int) -> frozenset[int] | None:
        """Cut at that syscall: `crash.img` is what is left. Returns what was promised, None when there was no such call."""
        shutil.copyfile(image, self.place / "run.img")
        with mounted(self.place / "run.img", self.place / "disk") as disk:
            paths = [part for path in (disk, *disk.rglob("*")) for part in ("-P", str(path))]
            strace = ["strace", "-f", "-qq", "-o", os.devnull, *paths, "-e", f"trace={syscall}"]
            inject = ["-e", f"inject={syscall}:signal=SIGSTOP:when={number}"]
            source, sink = os.pipe()
            os.dup2(sink, TOLD)
            os.close(sink)
            command = [*strace, *inject, *writer(disk / "home", "power-loss", 100, 112)]
            with subprocess.Popen(command, pass_fds=(TOLD,), start_new_session=True) as process:
                os.close(TOLD)
                stopped = until(lambda: _stopped(process), 30, "the writer stopped or ended")
                if stopped > 0:
                    shutil.copyfile(self.place / "run.img", self.place / "crash.img")
                    os.kill(stopped, signal.SIGKILL)
            with os.fdopen(source, "rb") as file:
                told = promised(file.read())
        return told if stopped > 0 else None


def _stopped(process: "subprocess.Popen[bytes]") -> int:
    """The process id of the stopped child, -1 when all have ended, 0 while neither is so."""
    if process.poll() is not None:
        return -1
    with suppress(OSError):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for child in children:
            state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
            if state in "tT" and _is_settled(int(child)):
                return int(child)
    return 0


def _is_settled(child: int) -> bool:
    """Whether it stands still for good: strace stops a process for a moment at every call."""
    before = _switches(child)
    for _ in range(20):
        os.sched_yield()
    signal.sigtimedwait([], 0.03)
    state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
    return state in "tT" and before == _switches(child)


def _switches(child: int) -> list[str]:
    return [line for line in Path(f"/proc/{child}/status").read_text().splitlines() if "ctxt" in line]


def survivors(image: Path, at: Path, patch: pytest.MonkeyPatch) -> set[int]:
    """The numbers of all whole events on an image, wherever they lie."""
    with mounted(image, at) as disk:
        patch.setenv("SHIPPER_HOME", str(disk / "home"))
        if not (disk / "home" / "state" / "shipper" / "apps" / APP).exists():
            return set()
        with opened() as spool:
            spool.recover()
            from shipper.reader import checksum_holds

            return set(numbers_in(raw.decode() for raw in spool.pending() if checksum_holds(raw)))


def test_nothing_promised_for_power_loss_is_lost_when_the_power_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, points = tmp_path / "base.img", 0
    make(image)
    for start in ("empty", "used"):
        if start == "used":
            with mounted(image, tmp_path / "disk") as disk:
                write(disk / "home", "power-loss", 0, 3)
        for syscall in SYSCALLS:
            number = 1
            while (told := Cut(tmp_path).stop(image, syscall, number)) is not None:
                points += 1
                lost = told - survivors(tmp_path / "crash.img", tmp_path / "crash", monkeypatch)
                assert not lost, f"{start} home, {syscall} {number}: promised and lost {sorted(lost)}"
                number += STEP
    note("power cut, durability power-loss", points=points)
    assert points > 5


def test_by_default_the_window_is_what_no_pass_has_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tmp_path / "base.img"
    make(image)
    with mounted(image, tmp_path / "disk") as disk:
        home = disk / "home"
        write(home, "process", 0, 7)
        monkeypatch.setenv("SHIPPER_HOME", str(home))
        with opened() as spool:
            spool.seal(1.8e9)
        write(home, "process", 100, 107)
        shutil.copyfile(image, tmp_path / "crash.img")
    found = survivors(tmp_path / "crash.img", tmp_path / "crash", monkeypatch)
    assert found >= set(range(5, 7)), "what a pass sealed is not on the disk"
    assert found <= {*range(7), *range(100, 107)}
