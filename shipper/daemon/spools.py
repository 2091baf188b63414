"""What the spools say of themselves, for who decides about their passes: a few file names each, and no event."""

from shipper import append, bell, files
from shipper.append import Folder
from shipper.daemon.schedule import Seen

#: Where something may wait for a pass: claimed by a dead one, sealed, lost and untold, or a request for erasure.
_ROOMS = ("sealed", "sending", "lost", "deletions")
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
                        found.append(Seen(name, *append.read_due(spool), bell.marked(spool), _waits(spool)))
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
                if files.names(folder):
                    return True
        except OSError:
            continue
    return False


def move_on(state: "Folder", name: "str", now: "float") -> "None":
    """Move a spool's next due time on before its pass is started, so that no CLI that ends meanwhile starts another."""
    try:
        with append.open_app(state, name) as spool, append.Lock(spool, _PATIENCE):
            not_before, next_due = append.read_due(spool)
            if next_due <= now:
                append.write_due(spool, not_before, int(now) + append.DUE_STEP)
    except OSError:
        return  # flusher.lock alone holds the promise that one pass runs; this only spares a process
