"""What waits is put into held/, which no pass reads: in mode `local`, and where an invocation was told not to track.

A host loads this under the lock, so it imports nothing that the recording path does not.
"""

import os
from stat import S_ISDIR

from shipper import files
from shipper.recording.folder import open_app, open_state
from shipper.recording.foreign import is_foreign
from shipper.recording.line import format_time
from shipper.recording.lock import Lock, patience, set_patience
from shipper.spool.names import ACTIVE, is_losses, is_overflow, segments
from shipper.spool.segments import names_in, seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.recording.folder import Folder

#: The file in held/ that says what put the events there: a time and a rule of consent.
BECAUSE = "because"
#: Bytes of it: one line.
BECAUSE_BYTES = 256


def hold_pending(environ: "Mapping[str, str]", app: "str", why: "str", now: "int") -> None:
    """Put into held/ what waits in an app's spools, because of `why`, a rule of consent. `now` is Unix milliseconds.

    Waits for locks no longer than this process may. Raises OSError where that cannot be done.
    """
    try:
        with open_state(environ) as state, state.folder("apps") as apps:
            spools = [name for name in files.names(apps) if name.partition("@")[0] == app]
            spools = [name for name in spools if S_ISDIR(apps.stat(name).st_mode)]
            for name in spools:
                with open_app(state, name) as folder:
                    if is_pending(folder):
                        _hold(folder, why, now)
    except FileNotFoundError as error:
        if is_foreign(error):
            raise
        return  # nothing was ever recorded


def is_pending(folder: "Folder") -> bool:
    """Say whether a spool holds an event that a pass would send."""
    try:
        if folder.stat(ACTIVE).st_size:
            return True
    except FileNotFoundError as error:
        if is_foreign(error):
            raise
    if any(is_overflow(name) and not name.startswith("held-") for name in names_in(folder, "overflow")):
        return True
    return any(segments(names_in(folder, room)) for room in ("sealed", "sending", "deferred"))


def _hold(folder: "Folder", why: "str", now: "int") -> None:
    lock = Lock(folder, patience())
    try:
        with lock:
            move_to_held(folder, now)
            with folder.folder("held") as held:
                files.replace(held, BECAUSE, f"{format_time(now)} {why}\n".encode("ascii"), held)
    finally:
        set_patience(patience() - lock.waited)


def move_to_held(folder: "Folder", now: "int") -> int:
    """Seal and move all that waits, also what a running pass has in hand: it sends a segment that is gone no more.

    The caller holds spool.lock. `now` is Unix milliseconds. Returns how many segments were moved; losses stay.
    """
    seal(folder, now, os.urandom(4))
    if names_in(folder, "overflow"):
        from shipper.spool.without_lock import seal_overflow

        seal_overflow(folder, now)
    if segments(names_in(folder, "deferred")):
        from shipper.spool.deferral import resume

        resume(folder)
    moved = 0
    with folder.folder("held", create=True) as held:
        for room in ("sealed", "sending"):
            names = [name for name in segments(names_in(folder, room)) if not is_losses(name)]
            for name in names:
                with folder.folder(room) as source:
                    files.rename(source, name + ".ndjson", held, name + ".ndjson")
            moved += len(names)
    return moved


def held_because(folder: "Folder") -> "str":
    """Say what put the events of a spool into held/, "" where mode `local` did."""
    try:
        with folder.folder("held") as held:
            line = held.read(BECAUSE, BECAUSE_BYTES).decode("ascii", "replace").rstrip("\n")
    except OSError:
        return ""
    return line.partition(" ")[2] if line.isprintable() else ""
