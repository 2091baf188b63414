"""Places, lock, append and due: all that a CLI invocation does with the disk.

They share one file because each further module on the recording path costs every host some 0.2 ms; what is needed
seldom stands elsewhere and is imported there and then.

Every file below the folder `shipper` is opened relative to a folder descriptor, without following a link (S10), and is
closed again before the call returns (S2): nothing of ours outlives `record()`. The invariants S1 to S13 that the
comments name are listed in `shipper/spool/__init__.py`, with the format on disk.
"""

import _thread
import os
import stat
import sys
import time

from shipper.event import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Any, NoReturn

    from shipper.errors import Busy as Busy
    from shipper.errors import Refused as Refused
else:

    def __getattr__(name: "str") -> "object":
        # Refused and Busy: two exception classes cost as much to make as twenty functions, and hardly anybody raises them.
        if name not in ("Refused", "Busy"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from shipper import errors

        return getattr(errors, name)


#: Bytes of a segment. It is one batch: compressed some 20 KiB, one request that a slow line carries in seconds.
SEGMENT_BYTES = 256 * 1024
#: Lines of a segment: what a receiver checks and stores in one transaction.
SEGMENT_LINES = 1000
#: No whole line is shorter (254 bytes with every name one letter long), so a smaller file need not be counted.
SHORTEST_LINE = 240
#: Seconds that one process waits for the lock, all its events together (S12): half of what a person may notice.
PATIENCE = 0.05
#: Seconds between two tries for the lock. Who holds it is done after some 30 microseconds.
LOCK_PAUSE = 0.0005
#: Seconds. No wait read from disk is longer (S9): a receiver's Retry-After is clamped to a day.
LONGEST_WAIT = 24 * 3600
#: Seconds by which the one who finds a pass due moves it on, so that 64 invocations that end together start one.
DUE_STEP = 60
#: What advance_due() answers: a pass is due now; a pass was set for later.
DUE, SET = "due", "set"
#: Bytes of `due`: two Unix times of eleven digits, fixed so that one small write replaces them whole.
DUE_BYTES = 24
#: Bytes of the largest manifest that is read.
MANIFEST_BYTES = 1024 * 1024

#: Bytes read at once: most of our files are one line.
READ_BYTES = 16 * 1024

# Where the two folders lie: what XDG calls the one above, and where it is where nobody set that.
_HOMES = {"state": ("XDG_STATE_HOME", "/.local/state"), "config": ("XDG_CONFIG_HOME", "/.config")}
_AT_FOLDER = os.open in os.supports_dir_fd
# O_NONBLOCK: a FIFO planted where a file belongs must not stop anybody.
_FILE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
# The turns that the threads of this process take before a lock, by process, folder and file.
_turns: "dict[tuple[int, str, str], _thread.LockType]" = {}


def home_path(environ: "Mapping[str, str]", kind: "str") -> "str":
    """The folder of all spools (kind "state") or of choices and ids ("config"): `<state>/shipper`, `<config>/shipper`.

    Raises Refused where nobody knows the home.
    """
    # platformdirs' rules, repeated: importing it would cost more than recording does. A test holds them equal.
    root = environ.get("SHIPPER_HOME", "")
    if root:
        return os.path.join(os.path.abspath(root), kind, "shipper")
    variable, default = _HOMES[kind]
    found = environ.get(variable, "")
    if not found.startswith("/") or sys.platform == "win32":  # the XDG specification: a relative value is no value
        home = environ.get("HOME", "")
        if sys.platform != "linux" or not home.startswith("/"):
            from shipper.places import base_folder

            return base_folder(kind)
        found = home.rstrip("/") + default
    return found + "/shipper"


class Folder:
    """One folder of ours, held open so that nobody can swap it for another while we work in it.

    Close it, or use it as a context manager. Names are single file names, never paths. What cannot be done raises
    OSError; what must not be done raises Refused, which is one. `at` are the arguments that make a call of os relative
    to it (none where the system cannot). What happens to files seldom stands in files.py.
    """

    __slots__ = ("at", "fd", "path")

    def __init__(self, path: "str", fd: "int") -> None:
        self.path, self.fd = path, fd
        self.at = {"dir_fd": fd} if fd >= 0 else {}

    def folder(self, name: "str", create: "bool" = False) -> "Folder":
        """Open the folder `name` in this one; with `create` make it, 0700, if it is missing."""
        path = os.path.join(self.path, name)
        if not _AT_FOLDER:
            if create:
                os.makedirs(path, 0o700, exist_ok=True)
            return Folder(path, -1)
        try:
            return Folder(path, _open_folder(name, path, self.at))
        except FileNotFoundError:
            if not create:
                raise
        try:  # noqa: SIM105 - contextlib is no module of the recording path
            os.mkdir(name, 0o700, **self.at)
        except FileExistsError:
            pass  # another invocation was faster
        return Folder(path, _open_folder(name, path, self.at))

    def where(self, name: "str") -> "str":
        """How a call that is given `at` names a file of this folder."""
        return name if self.at else os.path.join(self.path, name)

    def open(self, name: "str", flags: "int") -> "int":
        """Open a file, 0600 if it is made, and return its descriptor; refuse what is no regular file of ours alone."""
        try:
            fd = os.open(self.where(name), flags | _FILE | _BINARY, 0o600, **self.at)
        except FileNotFoundError:
            raise  # the usual case costs no look at the others
        except OSError as error:
            import errno

            if error.errno in (errno.ELOOP, errno.EMLINK):
                _refuse("is a link", os.path.join(self.path, name))
            raise
        try:
            fault = file_fault(os.fstat(fd))
            if fault:
                _refuse(fault, os.path.join(self.path, name))
        except BaseException:
            os.close(fd)
            raise
        return fd

    def read(self, name: "str", limit: "int") -> "bytes":
        """Read a whole file, at most `limit` bytes of it."""
        fd = self.open(name, os.O_RDONLY)
        try:
            data, more = b"", READ_BYTES
            while more == READ_BYTES and len(data) < limit:  # of a file, less than was asked for is its end
                found = os.read(fd, min(limit - len(data), READ_BYTES))
                data, more = data + found, len(found)
            return data
        finally:
            os.close(fd)

    def stat(self, name: "str") -> "os.stat_result":
        """Look at what stands under a name, without following it if it is a link."""
        return os.stat(self.where(name), follow_symlinks=False, **self.at)

    def close(self) -> None:
        """Let the folder go."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            os.close(fd)

    def __enter__(self) -> "Folder":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self.close()


def open_folder(path: "str") -> "Folder":
    """Open the folder at `path`."""
    return Folder(path, _open_folder(path, path, {}) if _AT_FOLDER else -1)


def _open_folder(name: "str", path: "str", at: "dict[str, int]") -> "int":
    # S10: a folder of ours is no link, belongs to us and nobody else can write into it.
    try:
        fd = os.open(name, _FOLDER | _FILE, **at)
    except NotADirectoryError:
        _refuse("is a link or a file where a folder belongs", path)
    found = os.fstat(fd)
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        os.close(fd)
        _refuse("others may write into it" if found.st_uid == os.geteuid() else "belongs to somebody else", path)
    return fd


def _refuse(fault: "str", path: "str") -> "NoReturn":
    import errno

    from shipper.errors import Refused

    raise Refused(errno.EPERM, fault, path) from None


def file_fault(found: "os.stat_result") -> "str":
    """Say what keeps a file from being ours alone (S10), or nothing."""
    if not stat.S_ISREG(found.st_mode):
        return "is no regular file"
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        return "belongs to somebody else"
    return "has a second name" if found.st_nlink > 1 else ""


def write_all(fd: "int", data: "bytes") -> None:
    """Write in one call; what a full disk cuts short is an error, not a reason to go on."""
    if os.write(fd, data) != len(data):
        import errno

        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _open_base(kind: "str", environ: "Mapping[str, str]", create: "bool") -> "Folder":
    # S10: root in somebody else's home (sudo without -H) leaves no file there that its owner could not remove.
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        home = environ.get("SHIPPER_HOME", "") or environ.get("HOME", "") or "/"
        try:
            foreign = os.stat(home).st_uid != 0
        except OSError:  # a missing home is nobody's
            foreign = False
        if foreign:
            _refuse("root does not write into the home of somebody else", home)
    path = home_path(environ, kind)
    try:
        return open_folder(path)
    except FileNotFoundError:
        if not create:
            raise
    from shipper.places import make_base

    make_base(path, environ)
    return open_folder(path)


def open_state(environ: "Mapping[str, str]", create: "bool" = False) -> "Folder":
    """Open `<state>/shipper`. Raises Refused or another OSError where that cannot or must not be."""
    return _open_base("state", environ, create)


def open_config(environ: "Mapping[str, str]", create: "bool" = False) -> "Folder":
    """Open `<config>/shipper`. Raises Refused or another OSError where that cannot or must not be."""
    return _open_base("config", environ, create)


def open_app(state: "Folder", spool: "str", create: "bool" = False) -> "Folder":
    """Open one app's spool folder, `apps/<spool>`."""
    with state.folder("apps", create) as apps:
        return apps.folder(spool, create)


def spool_name(app: "str", endpoint: "str" = "") -> "str":
    """The name of an app's spool. An endpoint from the environment has its own: no stray run redirects a backlog."""
    return f"{app}@{crc32(endpoint.encode('utf-8', 'surrogateescape')):08x}" if endpoint else app


class Lock:
    """An exclusive lock on a file of a folder, for writing and sealing, waited for at most `seconds` (0: one try).

    S5: the lock is the kernel's and this process's: no forked child has a part in it, it is gone with its holder, its
    file is never removed. Such a lock does not keep the threads of one process apart, so they take turns before it; and
    closing another descriptor of the file would drop it, so its holder uses `fd`, which is open as long as it is held.
    Raises Busy, or OSError where the file system has no locks.
    """

    __slots__ = ("_folder", "_foreign", "_name", "_seconds", "_turn", "fd", "waited")

    def __init__(self, folder: "Folder", seconds: "float", name: "str" = "spool.lock") -> None:
        self._folder, self._seconds, self._name = folder, seconds, name
        self.fd, self.waited = -1, 0.0
        self._foreign: Any = None
        # A fork may have happened while another thread had its turn: the child begins anew.
        self._turn = _turns.setdefault((os.getpid(), folder.path, name), _thread.allocate_lock())

    def __enter__(self) -> "Lock":
        if sys.platform == "win32":
            from shipper.places import foreign_lock

            self._foreign = foreign_lock(os.path.join(self._folder.path, self._name), self._seconds)
            return self
        start = time.monotonic()
        if not self._turn.acquire(False):
            had = self._seconds > 0 and self._turn.acquire(True, self._seconds)
            self.waited = time.monotonic() - start
            if not had:
                self._give_up()
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
                # lockf and not flock: to load fcntl costs a host 0.3 ms where it is a shared library.
                return os.lockf(self.fd, os.F_TLOCK, 0)
            except (BlockingIOError, PermissionError):  # POSIX leaves the choice between EAGAIN and EACCES
                self.waited = time.monotonic() - start
            if self.waited >= self._seconds:
                self._give_up()
            time.sleep(LOCK_PAUSE)

    def _give_up(self) -> "NoReturn":
        import errno

        from shipper.errors import Busy

        where = os.path.join(self._folder.path, self._name)
        raise Busy(errno.EAGAIN, "somebody else holds the lock", where) from None

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        if self._foreign is not None:
            self._foreign.release()
            return
        fd, self.fd = self.fd, -1
        try:
            if fd >= 0:
                os.close(fd)  # this releases the lock
        finally:
            self._turn.release()


def append_line(folder: "Folder", line: "bytes", sync: "bool" = False) -> "int":
    """Append one line to `active.ndjson` of the folder and return how many bytes stood there before.

    The caller holds the lock. S1: on return the whole line is with the kernel, with `sync` on the disk. S2: one write,
    a short one is taken back; a tail that a killed writer left is closed off first, so only that tail is unreadable.
    """
    fd = folder.open("active.ndjson", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    try:
        size = os.fstat(fd).st_size
        if size > 0:
            os.lseek(fd, size - 1, os.SEEK_SET)  # O_APPEND: writing still goes to the end
            if os.read(fd, 1) != b"\n":
                line = b"\n" + line
        try:
            write_all(fd, line)
        except OSError:
            os.ftruncate(fd, size)
            raise
        if sync:
            os.fsync(fd)
        return size
    finally:
        os.close(fd)


def is_full(folder: "Folder", length: "int") -> "bool":
    """Say whether a line of `length` bytes would take `active.ndjson` past a segment's size (S3)."""
    try:
        size = folder.stat("active.ndjson").st_size
    except FileNotFoundError:
        return False
    if size + length > SEGMENT_BYTES:
        return size > 0
    return (
        size >= SEGMENT_LINES * SHORTEST_LINE
        and folder.read("active.ndjson", SEGMENT_BYTES).count(b"\n") >= SEGMENT_LINES
    )


def read_due(folder: "Folder") -> "tuple[int, int]":
    """Read (not_before, next_due) in Unix seconds; 0 is "no wait" and "nothing to do", as is what cannot be read."""
    try:
        first, second = folder.read("due", DUE_BYTES).split()
        return int(first), int(second)
    except (OSError, ValueError):
        return 0, 0


def write_due(folder: "Folder", not_before: "int", next_due: "int") -> None:
    """Write both times in one small write of fixed length. The caller holds the spool's lock."""
    fd = folder.open("due", os.O_WRONLY | os.O_CREAT)
    try:
        write_all(fd, b"%011d %011d\n" % (min(not_before, 10**11 - 1), min(next_due, 10**11 - 1)))
    finally:
        os.close(fd)


def advance_due(folder: "Folder", now: "int", interval: "int", before: "int") -> "str":
    """Bring `due` up to date after an append. The caller holds the spool's lock.

    `now` is in Unix seconds; `before` is what append_line returned, -1 when a full segment was sealed first. Returns
    DUE when a pass is due now, SET when a time was set that a sleeping daemon cannot know, and "" otherwise.
    """
    found = read_due(folder)
    wanted, fire = next_due(found, now, interval, full=before < 0)
    if wanted == found:
        return ""
    write_due(folder, *wanted)
    return DUE if fire else SET if wanted[1] != found[1] else ""


def next_due(found: "tuple[int, int]", now: "int", interval: "int", full: "bool") -> "tuple[tuple[int, int], bool]":
    """Decide what `due` says next, and whether a pass is due now.

    The first event asks for a pass within the interval, between three quarters of it and the whole by machine; a full
    segment asks for one now. Whoever finds it due moves it on, so that nobody else starts a second: neither does a full
    segment while that step lasts, as the pass then under way asks for the next one itself. S9: a time further away than
    any wait can be comes from a clock that jumped, and is not believed.
    """
    not_before, due = found
    if not_before > now + LONGEST_WAIT:
        not_before = 0
    if full and not now < due <= now + DUE_STEP:
        due = now
    elif due <= 0 or due > now + LONGEST_WAIT:
        machine = os.uname().nodename.encode("utf-8", "replace") if hasattr(os, "uname") else b""
        due = now + interval - interval * (crc32(machine) & 255) // 1024
    fire = due <= now and not_before <= now
    return (not_before, now + DUE_STEP if fire else due), fire


def put_manifest(folder: "Folder", manifest: "bytes", version: "str", sync: "bool") -> None:
    """Keep `app.json` what the newest version of the app declares. The caller holds the spool's lock."""
    try:
        there = folder.read("app.json", MANIFEST_BYTES)
    except FileNotFoundError:
        there = b""
    if there != manifest:
        from shipper.spool.upgrade import replace_manifest

        replace_manifest(folder, there, manifest, version, sync)
