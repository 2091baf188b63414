"""The lock under which a spool is written and sealed."""

import _thread
import os
import sys
import time

from shipper.recording.foreign import is_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import NoReturn

    from shipper.recording.folder import Folder

#: Seconds that one process waits for the lock, all its events together (S12): half of what a person may notice.
PATIENCE = 0.05
#: Seconds between two tries for the lock. Who holds it is done after some 30 microseconds.
LOCK_PAUSE = 0.0005
# The turns that the threads of this process take before a lock, by process, folder and file. They are kept by the
# interpreter and not by this module: two copies of it in one process take turns as well.
turns: "dict[tuple[int, str, str], _thread.LockType]" = sys.__dict__.setdefault("_shipper_turns", {})
# S12: what is left of the seconds that this process may wait.
_patience = PATIENCE


def patience() -> "float":
    """The seconds that this process may still wait for locks, all its events together (S12)."""
    return _patience


def set_patience(seconds: "float") -> None:
    """Say how many seconds this process may still wait for locks; below 0 counts as 0."""
    global _patience
    _patience = max(0.0, seconds)


def has_locks() -> "bool":
    """Say whether this interpreter can lock: a subinterpreter cannot, since its process holds the lock as a whole.

    One interpreter's lock keeps no other of its process out, and each that closes the file drops it for all.
    """
    if hasattr(_thread, "_is_main_interpreter"):  # 3.12 and newer
        return _thread._is_main_interpreter()  # type: ignore[no-any-return]
    if "_signal" in sys.modules and (hasattr(sys.modules.get("__main__"), "__file__") or sys.argv[:1] == ["-c"]):
        return True  # the main interpreter has both from its start, a new one neither
    from shipper.recording.platforms import is_main_interpreter

    return is_main_interpreter()


class Lock:
    """An exclusive lock on a file of a folder, for writing and sealing, waited for at most `seconds` (0: one try).

    S5: the lock is the kernel's and this process's: no forked child has a part in it, it is gone with its holder, its
    file is never removed. Such a lock does not keep the threads of one process apart, so they take turns before it; and
    closing another descriptor of the file would drop it, so its holder uses `fd`, which is open as long as it is held.
    Raises Busy, or OSError where the file system has no locks; `busy` says which of the two without its class.
    """

    def __init__(self, folder: "Folder", seconds: "float", name: "str" = "spool.lock") -> None:
        self._folder, self._seconds, self._name = folder, seconds, name
        self.fd, self.waited, self.busy = -1, 0.0, False
        # A fork may have happened while another thread had its turn: the child begins anew.
        self._turn = turns.setdefault((os.getpid(), folder.path, name), _thread.allocate_lock())

    def __enter__(self) -> "Lock":
        start = time.monotonic()
        if not self._turn.acquire(False):
            had = self._seconds > 0 and self._turn.acquire(True, self._seconds)
            self.waited = time.monotonic() - start
            if not had:
                self.give_up()
        try:
            self.fd = self._folder.open(self._name, os.O_RDWR | os.O_CREAT)
            self._wait(start)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _wait(self, start: "float") -> None:
        while True:
            try:
                if sys.platform == "win32":
                    import msvcrt  # it is built in; the first byte may be locked though the file has none

                    return msvcrt.locking(self.fd, msvcrt.LK_NBLCK, 1)
                # lockf and not flock: to load fcntl costs a host 0.3 ms where it is a shared library.
                return os.lockf(self.fd, os.F_TLOCK, 0)
            except (BlockingIOError, PermissionError) as error:  # POSIX leaves the choice between EAGAIN and EACCES
                if is_foreign(error):
                    raise
                self.waited = time.monotonic() - start
            if self.waited >= self._seconds:
                self.give_up()
            time.sleep(LOCK_PAUSE)

    def give_up(self) -> "NoReturn":
        """Raise Busy."""
        import errno

        from shipper.errors import Busy

        self.busy = True
        where = os.path.join(self._folder.path, self._name)
        raise Busy(errno.EAGAIN, "somebody else holds the lock", where) from None

    def __exit__(
        self, error_type: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        fd, self.fd = self.fd, -1
        try:
            if fd >= 0:
                os.close(fd)  # this releases the lock, on Windows as well
        finally:
            self._turn.release()
