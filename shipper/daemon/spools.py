"""What the spools say of themselves, for who decides about their passes: a few file names each, and no event."""

from shipper import files
from shipper.daemon.schedule import Seen
from shipper.recording.due import DUE_STEP, read_due, write_due
from shipper.recording.folder import Folder, open_app
from shipper.recording.lock import Lock
from shipper.wakeup import doorbell

#: Where something may wait for a pass: claimed by a dead one, sealed, overflown, lost and untold, or a request for erasure.
_ROOMS = ("sealed", "sending", "deferred", "overflow", "lost", "deletions")
#: Seconds to wait for a writer before `due` is moved on. Without the lock the pass is started all the same.
_PATIENCE = 0.1


def look(state: "Folder") -> "list[Seen]":
    """Look at every spool of `<state>/shipper`. What cannot be opened is left out: `shipper doctor` says why."""
    found = []
    try:
        with state.folder("apps") as apps:
            for name in files.names(apps):
                try:
                    with apps.folder(name) as spool:
                        found.append(Seen(name, *read_due(spool), doorbell.marked(spool), _waits(spool)))
                except OSError:
                    continue
    except FileNotFoundError:
        pass  # no app has recorded anything yet
    return found


def _waits(spool: "Folder") -> "bool":
    try:
        if spool.stat("active.ndjson").st_size:
            return True
    except OSError:
        pass
    for room in _ROOMS:
        try:
            with spool.folder(room) as folder:
                if any(not name.endswith(".lock") for name in files.names(folder)):
                    return True
        except OSError:
            continue
    return False


def move_on(state: "Folder", name: "str", now: "float") -> "None":
    """Move a spool's next due time on before its pass is started, so that no CLI that ends meanwhile starts another."""
    try:
        with open_app(state, name) as spool, Lock(spool, _PATIENCE):
            not_before, next_due = read_due(spool)
            if next_due <= now:
                write_due(spool, not_before, int(now) + DUE_STEP)
    except OSError:
        return  # flusher.lock alone holds the promise that one pass runs; this only spares a process
