"""The doorbell: the one cheap call by which a CLI tells a running daemon that there is work.

It is a FIFO, `<state>/shipper/doorbell`. The daemon holds it open for reading and writing; a byte in it means "look".
Where to look, a mark in the app's spool says: the empty file `rung`, made by whoever rings and removed by the next pass.
A mark that grows old is a daemon that hears and does nothing.
"""

import os
import stat

from shipper.recording.folder import Folder
from shipper.recording.foreign import is_foreign

NAME = "doorbell"
MARK = "rung"
#: Held by the one daemon of this person, which writes its process id into it.
LOCK = "daemon.lock"
#: Seconds that a rung pass may let itself be awaited. After that it is started in spite of the bell: a daemon that hangs
#: silences nobody. Two passes, each with its hard limit of a minute, and a machine that swaps have room in it.
OVERDUE = 600

# Where files cannot be opened relative to a folder (Windows) there are no FIFOs either: nobody listens, and each CLI
# starts its passes itself.
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def ring(state: "Folder") -> "bool":
    """Put one byte into the doorbell of `<state>/shipper`, and say whether a daemon listens. Never raises."""
    if state.fd < 0:
        return False
    try:
        bell = os.open(NAME, os.O_WRONLY | _FLAGS, dir_fd=state.fd)  # ENXIO: nobody listens
    except OSError as error:
        if is_foreign(error):
            raise
        return False
    own = -1
    try:
        if not _is_ours(bell):
            return False
        own = os.open(NAME, os.O_RDONLY | _FLAGS, dir_fd=state.fd)  # a reader of our own: no death can raise SIGPIPE
        os.write(bell, b"!")
    except OSError as error:
        if is_foreign(error):
            raise
        return isinstance(error, BlockingIOError)  # full of rings: it has been told
    finally:
        os.close(bell)
        if own >= 0:
            os.close(own)
    return True


def listening(state: "Folder") -> "bool":
    """Say whether a daemon holds the doorbell of `<state>/shipper` open, without ringing it."""
    if state.fd < 0:
        return False
    try:
        bell = os.open(NAME, os.O_WRONLY | _FLAGS, dir_fd=state.fd)
    except OSError:  # ENXIO: nobody listens
        return False
    try:
        return _is_ours(bell)
    finally:
        os.close(bell)


def holder(state: "Folder") -> "int":
    """The process id that the daemon wrote into its lock; 0 when it cannot be read."""
    try:
        return int(state.read(LOCK, 32))
    except (OSError, ValueError):
        return 0


def open_doorbell(state: "Folder") -> "int":
    """Make the doorbell if it is missing and return it open, for the one daemon of this person.

    It is open for writing too: with no writer left, a reader alone would be woken for ever. Raises OSError, FileExistsError
    where something else stands in its place.
    """
    try:  # noqa: SIM105 - contextlib is no module for a host's process
        os.mkfifo(NAME, 0o600, dir_fd=state.fd)
    except FileExistsError:
        pass  # one that was killed left it
    bell = os.open(NAME, os.O_RDWR | _FLAGS, dir_fd=state.fd)
    if _is_ours(bell):
        return bell
    os.close(bell)
    raise FileExistsError(17, "is not a doorbell of yours; remove it", os.path.join(state.path, NAME))


def _is_ours(bell: "int") -> "bool":
    found = os.fstat(bell)
    return stat.S_ISFIFO(found.st_mode) and found.st_uid == os.geteuid()


def mark(spool: "Folder", now: "float") -> "float":
    """Mark a spool as rung for, and return for how many seconds it has been waiting. `now` is in Unix seconds.

    A mark from the future comes from a clock that jumped; it counts as one that has waited too long.
    """
    try:
        os.close(spool.open(MARK, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError as error:
        if is_foreign(error):
            raise
        waited = now - spool.stat(MARK).st_mtime
        return waited if waited > -OVERDUE else float(OVERDUE)
    return 0.0


def marked(spool: "Folder") -> "bool":
    """Say whether somebody rang for this spool and no pass has begun since."""
    try:
        spool.stat(MARK)
    except OSError:
        return False
    return True


def answer(spool: "Folder") -> "None":
    """Take the mark away: a pass has begun. The caller holds flusher.lock."""
    from shipper import files

    try:  # noqa: SIM105
        files.remove(spool, MARK)
    except OSError:
        pass  # nobody rang; or the disk is read-only, and then this is the least of its troubles
