"""Points of failure: every call by which a process touches the disk can be made its last one, or fail."""

import errno
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

#: Calls that change what is on the disk, and those that only look. To die before a look is to die before the next change:
#: only a deep sweep tells them apart. `open` changes something when it may create.
CHANGING = (
    "write",
    "ftruncate",
    "rename",
    "replace",
    "unlink",
    "remove",
    "mkdir",
    "rmdir",
    "link",
    "fsync",
    "fchmod",
    "lockf",
)
LOOKING = ("open", "close", "read", "lseek", "stat", "lstat", "fstat", "listdir", "scandir")

_KILL, _WRITE = os.kill, os.write


Blow = Callable[[str, Callable[..., Any], Sequence[Any], dict[str, Any]], Any]


def changes(name: str, arguments: Sequence[Any]) -> bool:
    """Whether a call changes what is on the disk."""
    return name in CHANGING or (name == "open" and bool(arguments[1] & os.O_CREAT))


class Points:
    """Counts the calls of this process that `counts` names, and strikes at number `strike` (from 1; 0 never).

    With `lasting` every later one is struck as well, until `over` is set.
    """

    def __init__(
        self, strike: int, blow: Blow, counts: Callable[[str, Sequence[Any]], bool], lasting: bool = False
    ) -> None:
        self.strike, self.blow, self.counts, self.lasting = strike, blow, counts, lasting
        self.passed = 0
        self.over = False

    def wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def point(*arguments: Any, **options: Any) -> Any:
            if not self.over and self.counts(name, arguments):
                self.passed += 1
                if self.passed == self.strike or (self.lasting and 0 < self.strike <= self.passed):
                    return self.blow(name, call, arguments, options)
            return call(*arguments, **options)

        return point


def kill(*_: object) -> None:
    """The process dies before the call: SIGKILL, nothing runs any more."""
    _KILL(os.getpid(), signal.SIGKILL)


#: What can fail how. A call may fail with an errno that is not here, but no file system that we know makes it.
FAILURES: dict[int, tuple[str, ...]] = {
    errno.ENOSPC: ("write", "create", "mkdir", "rename", "fsync"),
    errno.EDQUOT: ("write", "create", "mkdir", "rename", "fsync"),
    errno.EIO: ("write", "read", "fsync", "open", "create", "rename", "unlink", "ftruncate", "listdir", "stat"),
    errno.EROFS: ("create", "rename", "unlink", "mkdir", "rmdir", "ftruncate"),
    errno.EACCES: ("open", "create", "rename", "unlink", "mkdir", "rmdir", "listdir", "stat"),
    errno.EMFILE: ("open", "create", "listdir"),
    errno.EFBIG: ("write",),
    errno.ENOLCK: ("lockf",),
}


def can_fail(number: int) -> Callable[[str, Sequence[Any]], bool]:
    """Which calls may fail with this errno."""
    names = FAILURES[number]

    def counts(name: str, arguments: Sequence[Any]) -> bool:
        path = arguments[0] if arguments else ""
        if isinstance(path, str) and path.startswith("/") and not path.startswith(os.environ["SHIPPER_HOME"]):
            return False  # the interpreter's own files are not on this disk
        return ("create" if name == "open" and arguments[1] & os.O_CREAT else name) in names

    return counts


def fail(number: int) -> Blow:
    """The call fails with this errno. A full disk takes half of a write first."""

    def blow(name: str, call: Callable[..., Any], arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        if name == "write" and number in (errno.ENOSPC, errno.EFBIG) and len(arguments[1]) > 1:
            return call(arguments[0], arguments[1][: len(arguments[1]) // 2], **options)
        raise OSError(number, os.strerror(number))

    return blow


def install(points: Points) -> None:
    """Put the points under every disk call of this process, for good: the process is a child made for it."""
    for name in CHANGING + LOOKING:
        setattr(os, name, points.wrap(name, getattr(os, name)))


def in_child(work: Callable[[], object], loud: bool = False) -> tuple[int, bytes]:
    """Run `work` in a forked child and return its wait status and what it told by `tell`. It exits 0 when work returns.

    With `loud` what it prints is told too: a host under test prints nothing.
    """
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(source)
        for descriptor in (TOLD, 1, 2) if loud else (TOLD,):
            os.dup2(sink, descriptor)
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            import traceback

            _WRITE(2, traceback.format_exc().encode())
        finally:
            os._exit(code)
    os.close(sink)
    with os.fdopen(source, "rb") as file:
        told = file.read()
    return os.waitpid(child, 0)[1], told


#: The descriptor by which a child tells its parent; a grown-up number, so that nothing else takes it.
TOLD = 200


def tell(what: bytes) -> None:
    """Say something to the parent that outlives this process."""
    _WRITE(TOLD, what)


def was_killed(status: int) -> bool:
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
