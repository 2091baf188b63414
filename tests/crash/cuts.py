"""The power goes before each call of an operation that touches the disk; what the disk has kept must keep every promise.

Three disks: a real ext4, frozen in its image; the strictest one that POSIX allows, which keeps nothing unasked; and one
that keeps every name at once, and of contents only what was synced.
"""

import os
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import shipper.flusher  # noqa: F401 - here, once, and not in each child that recovers
from tests.crash.images import make, mounted
from tests.crash.points import TOLD, Points, changes, install, tell
from tests.crash.receiver import Receiver
from tests.crash.sweep import Figures, Operation, Sweep, anything
from tests.crash.workshop import copied, promised

#: What a child says when its operation is over: an empty line, which promises nothing.
OVER = b"\n\n"


class PowerCut(Sweep, ABC):
    """A sweep of one operation. What is promised meanwhile is an obligation only where `durable`; what was promised
    before is on the disk when it begins.
    """

    #: In the gate the power goes before every so many calls that change something; deep before every call there is.
    thin = 3

    def __init__(
        self,
        operation: Operation,
        receiver: Receiver,
        place: Path,
        patch: pytest.MonkeyPatch,
        deep: bool,
        durable: bool,
    ) -> None:
        super().__init__(operation, receiver, place, patch, deep)
        self.durable = durable
        self.told = place / "told"

    def run(self) -> Figures:
        """Cut before each call, and when the operation is over."""
        self.prepare()
        step = 1 if self.deep else self.thin
        strike, cut = 1 - step, True
        while cut:
            strike += step
            self.told.write_bytes(b"")
            self.receiver.reset(**self.operation.mood)
            cut = self._cut(strike)
            self.figures.points += 1
            obliged = self.obliged | (promised(self.told.read_bytes()) if self.durable else frozenset())
            self.patch.setenv("SHIPPER_HOME", str(self.place / "run"))
            if self._is_new(obliged):
                memory = self.receiver.memory()
                memory.mood = {}
                self._settle(f"cut at {strike}", obliged, memory)
        return self.figures

    def _is_new(self, obliged: frozenset[int]) -> bool:
        (self.place / "run").mkdir(mode=0o700, exist_ok=True)
        return super()._is_new(obliged)

    @abstractmethod
    def _cut(self, strike: int) -> bool:
        """Do the operation, and leave in `run` what the disk has when the power goes; False when it was over before."""

    def _operate(self, strike: int, blow: Callable[..., Any], before: Callable[[], object] = int) -> int:
        """Start the operation in a child that `blow` strikes, and return its process id."""
        child = os.fork()
        if child:
            return child
        code = 1
        try:
            os.dup2(os.open(self.told, os.O_WRONLY | os.O_APPEND), TOLD)
            before()
            points = Points(strike, blow, anything if self.deep else changes)
            install(points)
            self._work()
            points.over = True  # to lay out what is kept is no part of the operation
            tell(OVER)
            blow()
            code = 0
        finally:
            os._exit(code)


class RealDisk(PowerCut):
    """ext4 on an image: its page cache is not in the image's file, and the next mount replays its journal."""

    thin = 5  # two mounts for each

    def prepare(self) -> None:
        super().prepare()
        make(self.place / "start.img")
        with mounted(self.place / "start.img", self.place / "disk") as disk:
            copied(self.place / "start", disk / "home")

    def _cut(self, strike: int) -> bool:
        shutil.copyfile(self.place / "start.img", self.place / "run.img")
        with mounted(self.place / "run.img", self.place / "disk") as disk:
            self.patch.setenv("SHIPPER_HOME", str(disk / "home"))
            child = self._operate(strike, _halt)
            status = os.waitpid(child, os.WUNTRACED)[1]
            assert os.WIFSTOPPED(status), f"{self.operation.name}: fails by itself at {strike}"
            over = self.told.read_bytes().endswith(OVER)
            shutil.copyfile(self.place / "run.img", self.place / "crash.img")
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        with mounted(self.place / "crash.img", self.place / "disk") as disk:
            copied(disk / "home", self.place / "run")
        return not over


def _halt(*_: object) -> None:
    """Stop for good: the parent takes the disk as it is now, and kills."""
    os.kill(os.getpid(), signal.SIGSTOP)


class StrictDisk(PowerCut):
    """A disk that has of a file what was there at its last fsync, and of a folder the names at the folder's last fsync.

    No file system is so strict, and none promises more.
    """

    def _cut(self, strike: int) -> bool:
        self._enter("run", "start")
        kept = Kept(self.place / "run")

        def cut(*_: object) -> None:
            self._lay_out(kept, self.place / "crash")
            os.kill(os.getpid(), signal.SIGKILL)

        shutil.rmtree(self.place / "crash", ignore_errors=True)
        child = self._operate(strike, cut, before=kept.watch)
        status = os.waitpid(child, 0)[1]
        assert os.WIFSIGNALED(status), f"{self.operation.name}: fails by itself at {strike}"
        copied(self.place / "crash", self.place / "run")
        return not self.told.read_bytes().endswith(OVER)

    def _lay_out(self, kept: "Kept", into: Path) -> None:
        kept.lay_out(into)


class NamesFirst(StrictDisk):
    """A disk whose names are never late and whose contents always are, as ext4's and xfs's journals make it at times."""

    def _lay_out(self, kept: "Kept", into: Path) -> None:
        kept.lay_out_names(into)


class Kept:
    """What a strict disk has kept of everything below a folder. It must be a tmpfs, which uses no inode number twice."""

    def __init__(self, root: Path) -> None:
        self.root = os.stat(root.parent).st_ino
        self.names: dict[int, dict[str, int]] = {self.root: {}}
        self.data: dict[int, bytes] = {}
        self.folders: set[int] = {self.root}
        self.home = root
        if root.exists():
            self.names[self.root][root.name] = os.stat(root).st_ino
            for base, _, files in os.walk(root):
                self._keep_names(base)
                for name in files:
                    self._keep_data(os.path.join(base, name))

    def _keep_names(self, path: str | int) -> None:
        found = {entry.name: entry for entry in os.scandir(path)}
        number = os.stat(path).st_ino
        if number == self.root:  # of the place itself only the home is on this disk
            found = {name: entry for name, entry in found.items() if name == self.home.name}
        self.names[number] = {name: entry.inode() for name, entry in found.items()}
        self.folders |= {number, *(entry.inode() for entry in found.values() if entry.is_dir(follow_symlinks=False))}

    def _keep_data(self, path: str) -> None:
        with open(path, "rb") as file:
            self.data[os.fstat(file.fileno()).st_ino] = file.read()

    def watch(self) -> None:
        """See every fsync of this process from now on."""
        fsync = os.fsync

        def kept(fd: Any) -> None:
            fsync(fd)
            if os.path.isdir(f"/proc/self/fd/{fd}"):
                self._keep_names(fd)
            else:
                self._keep_data(f"/proc/self/fd/{fd}")

        os.fsync = kept

    def lay_out(self, into: Path) -> None:
        """Write what is kept of the home."""
        number = self.names[self.root].get(self.home.name)
        if number is not None:
            self._lay_out(number, str(into))

    def lay_out_names(self, into: Path) -> None:
        """Write the home as its names are now, with what is kept of the contents."""
        for base, _, files in os.walk(self.home):
            folder = os.path.join(into, os.path.relpath(base, self.home))
            os.makedirs(folder, 0o700, exist_ok=True)
            for name in files:
                self._write(os.path.join(folder, name), os.stat(os.path.join(base, name)).st_ino)

    def _lay_out(self, number: int, path: str) -> None:
        os.mkdir(path, 0o700)
        for name, one in self.names.get(number, {}).items():
            if one in self.folders:
                self._lay_out(one, os.path.join(path, name))
            else:
                self._write(os.path.join(path, name), one)

    def _write(self, path: str, number: int) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(fd, self.data.get(number, b""))
        os.close(fd)
