"""A line whose writer did not get spool.lock (S12): it goes into one of a few overflow files, each with a lock of its own.

They stand in overflow/: `<n>.ndjson` for mode `on`, `held-<n>.ndjson` for mode `local`, locked by `<n>.lock`. A pass seals
them as it seals the active file. Only a writer that gets none of these locks either, or whose interpreter has no locks,
writes a segment of its own.
"""

import os

from shipper import files
from shipper.recording.active import SEGMENT_BYTES, append_line, is_full
from shipper.recording.foreign import is_foreign
from shipper.recording.lock import Lock, has_locks
from shipper.recording.modes import OFF, ON
from shipper.spool.limits import FOLDERS, Limits, measure
from shipper.spool.names import OVERFLOWS, overflow_name
from shipper.spool.segments import names_in, new_name, seal_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.recording.folder import Folder

#: Bytes of an overflow file. All together grow by no more than the active file does before anybody looks at the bounds.
OVERFLOW_BYTES = SEGMENT_BYTES // OVERFLOWS


def write_overflow(
    app: "Folder", mode: "str", line: "bytes", limits: "Limits", now_ms: "int", randomness: "bytes", sync: "bool"
) -> "bool":
    """Keep one line without spool.lock: to be sent in mode `on`, held in mode `local` (S12).

    Returns False in mode `off`, and when the spool is full: nothing is evicted, since that needs the lock.
    """
    if mode == OFF:
        return False
    first = os.getpid()
    with app.folder("overflow", create=True) as overflow:
        for number in range(OVERFLOWS) if has_locks() else ():
            lock = Lock(overflow, 0, f"{(first + number) % OVERFLOWS}.lock")
            try:
                with lock:
                    name = overflow_name((first + number) % OVERFLOWS, mode != ON)
                    return _append(app, overflow, name, mode, line, limits, now_ms, randomness, sync)
            except OSError as error:
                if not lock.busy or is_foreign(error):
                    raise
    return _write_alone(app, mode, line, limits, now_ms, randomness, sync)


def _append(
    app: "Folder",
    overflow: "Folder",
    name: "str",
    mode: "str",
    line: "bytes",
    limits: "Limits",
    now_ms: "int",
    randomness: "bytes",
    sync: "bool",
) -> "bool":
    """Append to an overflow file; who begins one looks at the bounds. The caller holds its lock."""
    there = name in files.names(overflow)
    if there and is_full(overflow, overflow.stat(name).st_size, len(line), name, OVERFLOW_BYTES):
        there = False
        seal_as(app, overflow, name, "sealed" if mode == ON else "held", now_ms, randomness, sync)
    if not there:
        used = measure(app)
        if used.bytes + len(line) > limits.bytes or used.files >= limits.files:
            return False
    append_line(overflow, line, sync, name)
    if sync:
        files.sync_entries(overflow)
    return True


def _write_alone(
    app: "Folder", mode: "str", line: "bytes", limits: "Limits", now_ms: "int", randomness: "bytes", sync: "bool"
) -> "bool":
    """Write a segment of one line. It is written in tmp/ and renamed: no pass ever reads half of it."""
    with app.folder("sealed" if mode == ON else "held", create=True) as into, app.folder("tmp", create=True) as tmp:
        if sum(len(names_in(app, each)) for each in FOLDERS) >= limits.files:
            return False
        name = new_name(app, now_ms, randomness) + ".ndjson"
        files.write(tmp, name, line, sync)
        files.rename(tmp, name, into, name)
        if sync:
            files.sync_entries(into)
    return True


def seal_overflow(app: "Folder", now_ms: "int") -> None:
    """Turn the overflow files into segments: those to be sent into sealed/, those of mode `local` into held/.

    One whose writer is amid a line is left to the next pass.
    """
    if not names_in(app, "overflow"):
        return
    with app.folder("overflow") as overflow:
        for number in range(OVERFLOWS):
            lock = Lock(overflow, 0, f"{number}.lock")
            try:
                with lock:
                    for held in (False, True):
                        room = "held" if held else "sealed"
                        seal_as(app, overflow, overflow_name(number, held), room, now_ms, os.urandom(4), True)
            except OSError as error:
                if not lock.busy or is_foreign(error):
                    raise
