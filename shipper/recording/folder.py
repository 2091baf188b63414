"""Folders of ours, held open: where they lie, and how files in them are opened.

Every file below the folder `shipper` is opened relative to a folder descriptor, without following a link (S10), and is
closed again before the call returns (S2): nothing of ours outlives `record()`. The invariants S1 to S13 that the
comments name are listed in `shipper/spool/__init__.py`, with the format on disk.
"""

import os
import stat
import sys

from shipper.recording.foreign import is_foreign
from shipper.recording.line import checksum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import NoReturn

#: Bytes read at once: most of our files are one line.
READ_BYTES = 16 * 1024
# Where the two folders lie: what XDG calls the one above, and where it is where nobody set that.
_HOMES = {"state": ("XDG_STATE_HOME", "/.local/state"), "config": ("XDG_CONFIG_HOME", "/.config")}
_AT_FOLDER = os.open in os.supports_dir_fd
#: How files are opened. O_NONBLOCK: a FIFO planted where a file belongs must not stop anybody.
FILE_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)


def home_path(environ: "Mapping[str, str]", purpose: "str") -> "str":
    """The folder of all spools (purpose "state") or of choices and ids ("config"): `<state>/shipper`, `<config>/shipper`.

    Raises Refused where nobody knows the home.
    """
    # platformdirs' rules, repeated: importing it would cost more than recording does. A test holds them equal.
    root = environ.get("SHIPPER_HOME", "")
    if root:
        return os.path.join(os.path.abspath(root), purpose, "shipper")
    variable, default = _HOMES[purpose]
    found = environ.get(variable, "")
    if not found.startswith("/") or sys.platform == "win32":  # the XDG specification: a relative value is no value
        home = environ.get("HOME", "")
        if sys.platform != "linux" or not home.startswith("/"):
            from shipper.recording.platforms import base_folder

            return base_folder(purpose, environ, sys.platform)
        found = home.rstrip("/") + default
    return found + "/shipper"


class Folder:
    """One folder of ours, held open so that nobody can swap it for another while we work in it.

    Close it, or use it as a context manager. Names are single file names, never paths. What cannot be done raises
    OSError; what must not be done raises Refused, which is one. `at` are the arguments that make a call of os relative
    to it (none where the system cannot). What happens to files seldom stands in files.py.
    """

    def __init__(self, path: "str", fd: "int") -> None:
        self.path, self.fd = path, fd
        self.at = {"dir_fd": fd} if fd >= 0 else {}

    def folder(self, name: "str", create: "bool" = False) -> "Folder":
        """Open the folder `name` in this one; with `create` make it, 0700, if it is missing."""
        path = os.path.join(self.path, name)
        if not _AT_FOLDER:
            if create:
                os.makedirs(path, 0o700, exist_ok=True)
            return open_folder(path)
        try:
            return Folder(path, _open_folder(name, path, self.at))
        except FileNotFoundError as error:
            if not create or is_foreign(error):
                raise
        from shipper.recording.platforms import make_folder

        try:
            make_folder(name, self.at)
        except FileExistsError as error:  # another invocation was faster
            if is_foreign(error):
                raise
        return Folder(path, _open_folder(name, path, self.at))

    def where(self, name: "str") -> "str":
        """How a call that is given `at` names a file of this folder."""
        return name if self.at else os.path.join(self.path, name)

    def open(self, name: "str", flags: "int") -> "int":
        """Open a file and return its descriptor; refuse what is no regular file of ours alone.

        A file that is made is 0600, and whoever owns it may read and write it whatever the umask of its maker.
        """
        try:
            fd = os.open(self.where(name), flags | FILE_FLAGS | _BINARY, 0o600, **self.at)
        except FileNotFoundError:
            raise  # the usual case costs no look at the others
        except OSError as error:
            import errno

            if error.errno in (errno.ELOOP, errno.EMLINK) and not is_foreign(error):
                _refuse("is a link", os.path.join(self.path, name))
            raise
        try:
            found = os.fstat(fd)
            fault = file_fault(found)
            if fault:
                _refuse(fault, os.path.join(self.path, name))
            if found.st_mode & 0o600 != 0o600 and flags & os.O_CREAT:
                os.fchmod(fd, 0o600)
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
        self, error_type: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self.close()


def open_folder(path: "str") -> "Folder":
    """Open the folder at `path`."""
    if _AT_FOLDER:
        return Folder(path, _open_folder(path, path, {}))
    if not stat.S_ISDIR(os.stat(path).st_mode):
        _refuse("is a file where a folder belongs", path)
    return Folder(path, -1)


def _open_folder(name: "str", path: "str", at: "dict[str, int]") -> "int":
    # S10: a folder of ours is no link, belongs to us and nobody else can write into it.
    try:
        fd = os.open(name, _FOLDER | FILE_FLAGS, **at)
    except NotADirectoryError as error:
        if is_foreign(error):
            raise
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


def _open_base(purpose: "str", environ: "Mapping[str, str]", create: "bool") -> "Folder":
    path = home_path(environ, purpose)
    try:
        return open_folder(path)
    except OSError as error:
        if is_foreign(error):
            raise
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            from shipper.recording.platforms import refuse_foreign

            refuse_foreign(path)
        if not create or not isinstance(error, FileNotFoundError):
            raise
    from shipper.recording.platforms import make_base

    make_base(path, environ)
    return open_folder(path)


def open_state(environ: "Mapping[str, str]", create: "bool" = False) -> "Folder":
    """Open `<state>/shipper`. Raises Refused or another OSError where that cannot or must not be."""
    return _open_base("state", environ, create)


def open_config(environ: "Mapping[str, str]", create: "bool" = False) -> "Folder":
    """Open `<config>/shipper`. Raises Refused or another OSError where that cannot or must not be."""
    return _open_base("config", environ, create)


def find_config(environ: "Mapping[str, str]") -> "Folder | None":
    """Open `<config>/shipper`, or return None where it is not there yet. Raises as open_config() does."""
    try:
        return open_config(environ)
    except FileNotFoundError as error:
        if is_foreign(error):
            raise
        return None


def open_app(state: "Folder", spool: "str", create: "bool" = False) -> "Folder":
    """Open one app's spool folder, `apps/<spool>`."""
    with state.folder("apps", create) as apps:
        return apps.folder(spool, create)


def spool_name(app: "str", endpoint: "str" = "") -> "str":
    """The name of an app's spool. An endpoint from the environment has its own: no stray run redirects a backlog."""
    return f"{app}@{checksum(endpoint.encode('utf-8', 'surrogateescape')):08x}" if endpoint else app
