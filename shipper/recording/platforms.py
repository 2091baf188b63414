"""What folders and locks need seldom, and so is not loaded every time: other systems, a missing HOME, a first use."""

import errno
import os
import stat
from collections.abc import Mapping

from shipper.errors import Refused
from shipper.recording.foreign import is_foreign


def base_folder(purpose: str, environ: Mapping[str, str], platform: str) -> str:
    """`<state>/shipper` or `<config>/shipper` off Linux, or where neither XDG nor HOME names it.

    `purpose` is "state" or "config", `platform` is sys.platform. Raises Refused where nobody knows the home.
    """
    # platformdirs' rules, repeated: to import it would cost more than recording does. A test holds them equal.
    home, local = environ.get("HOME", ""), environ.get("LOCALAPPDATA", "")
    if platform == "darwin" and home.startswith("/"):
        return home.rstrip("/") + "/Library/Application Support/shipper"
    if platform == "win32" and os.path.isabs(local):
        return os.path.join(local, "shipper", "shipper")
    return _asked(purpose)


def _asked(purpose: str) -> str:
    import platformdirs

    find = platformdirs.user_state_dir if purpose == "state" else platformdirs.user_config_dir
    try:
        path = find("shipper")
    except RuntimeError as error:
        raise Refused(errno.ENOENT, f"no home folder: {error}") from None
    if not os.path.isabs(path):
        raise Refused(errno.ENOENT, "no home folder: HOME is not set and the system does not know this user")
    return path


def refuse_foreign(path: str) -> None:
    """S10: root leaves nothing in somebody else's folder (sudo without -H, XDG_* of another), who could not remove it."""
    while True:
        try:
            found = os.stat(path)
            break
        except OSError as error:  # it is to be made: what will hold it says whose it is
            if is_foreign(error):
                raise
            path = os.path.dirname(path)
    if found.st_uid != 0:
        raise Refused(errno.EPERM, "root does not write into a folder of somebody else", path) from None


def make_base(path: str, environ: Mapping[str, str]) -> None:
    """Make a base folder and what is missing above it, 0700. A home that is missing is never made: Refused."""
    home = environ.get("HOME", "")
    if not environ.get("SHIPPER_HOME") and home and path.startswith(home) and not os.path.isdir(home):
        raise Refused(errno.ENOENT, "the home folder is missing", home)
    parent = os.path.dirname(path)
    if not os.path.isdir(parent) and parent != path:
        make_base(parent, environ)
    try:
        make_folder(path, {})
    except FileExistsError as error:
        if is_foreign(error):
            raise
        if not os.path.isdir(path):
            raise Refused(errno.ENOTDIR, "is a file where a folder belongs", path) from None


def make_folder(name: str, at: Mapping[str, int]) -> None:
    """Make a folder, 0700 whatever the umask: the person's `~/.config` may be among those that are made on the way.

    `at` are the arguments that make `name` relative to an open folder. Raises FileExistsError where something is there.
    """
    os.mkdir(name, 0o700, **at)
    made = os.stat(name, follow_symlinks=False, **at)
    if stat.S_ISDIR(made.st_mode) and made.st_mode & 0o700 != 0o700:
        os.chmod(name, 0o700, dir_fd=at.get("dir_fd"))


def is_main_interpreter() -> bool:
    """Say whether this is the process's main interpreter, on Pythons whose `_thread` does not know (3.11)."""
    try:
        known = __import__("_xxsubinterpreters")  # 3.11's own name, in no list of modules
    except ImportError:
        return True
    return int(known.get_current()) == int(known.get_main())
