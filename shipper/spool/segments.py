"""Segments: how the active file is taken out of the writers' reach, and how lines are read from one.

A writer whose file is full loads this module under the lock: it imports nothing that the recording path does not.
"""

import errno
import os

from shipper import files
from shipper.recording.foreign import is_foreign
from shipper.recording.line import MAX_LINE
from shipper.spool.names import ACTIVE, LATEST, SUFFIX, is_segment, milliseconds_of, newest, stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.recording.folder import Folder

#: Where segments stand.
ROOMS = ("sealed", "sending", "held", "deferred")
#: Bytes read at once: a line of any length costs this much memory and no more.
CHUNK = 64 * 1024


def names_in(app: "Folder", room: "str") -> "list[str]":
    """Every name in one of the app's folders; none when the folder is not there."""
    try:
        with app.folder(room) as folder:
            return files.names(folder)
    except FileNotFoundError as error:
        if is_foreign(error):
            raise
        return []


def new_name(app: "Folder", now_ms: "int", randomness: "bytes", losses: "bool" = False) -> "str":
    """Name a new segment (S3): by the clock, or one millisecond past the largest name present when the clock is behind.

    `randomness` is at least four bytes. Raises OSError (EOVERFLOW) when names have reached the year 9999.
    """
    largest = max(newest(names_in(app, room)) for room in ROOMS)
    when = stamp(min(max(now_ms, 0), LATEST))
    if when <= largest[:19]:
        when = stamp(milliseconds_of(largest) + 1)
    name = f"{when}{'-losses' if losses else ''}-{randomness[:4].hex()}"
    if not is_segment(name):
        raise OSError(errno.EOVERFLOW, "no larger segment name exists", os.path.join(app.path, "sealed"))
    return name


def seal(app: "Folder", now_ms: "int", randomness: "bytes", held: "bool" = False, sync: "bool" = False) -> "str | None":
    """Turn the active file into a segment by one rename, and return its name; None when there is nothing in it.

    The caller holds spool.lock, so nobody is writing (S2). `held` seals what was recorded in mode `local`, in its
    place. With `sync` the segment's entry is on the disk on return, and so before that of the active file can go (S1).
    Raises Refused when the active file is not a file of ours alone.
    """
    if held:
        with app.folder("held", create=True) as source:
            return seal_as(app, source, ACTIVE, "held", now_ms, randomness, sync)
    return seal_as(app, app, ACTIVE, "sealed", now_ms, randomness, sync)


def seal_as(
    app: "Folder", source: "Folder", file: "str", room: "str", now_ms: "int", randomness: "bytes", sync: "bool"
) -> "str | None":
    """Turn a file that was appended to into a segment in `room`. The caller holds its lock; see `seal`."""
    try:
        fd = source.open(file, os.O_RDONLY)
    except FileNotFoundError as error:
        if is_foreign(error):
            raise
        return None
    size = os.fstat(fd).st_size
    os.close(fd)
    if not size:
        return None
    name = new_name(app, now_ms, randomness)
    with app.folder(room, create=True) as target:
        files.rename(source, file, target, name + SUFFIX)
        if sync:
            files.sync_entries(target)
    return name


def events_in(line: "bytes") -> "int":
    """How many events a line held: one, or as many as begin in it where a newline was hit and glued some together (S7)."""
    return max(1, line.count(b'{"v":'))


def numbered_lines(fd: "int") -> "Iterator[tuple[int, bytes]]":
    """Read a file's lines with their numbers, from 1, without their newlines; empty ones are left out.

    Of a line longer than MAX_LINE only that many bytes are returned: no event is that long.
    """
    number, start = 1, b""
    while chunk := os.read(fd, CHUNK):
        *whole, rest = chunk.split(b"\n")
        for piece in whole:
            line = (start + piece)[:MAX_LINE]
            if line:
                yield number, line
            number, start = number + 1, b""
        start = (start + rest)[:MAX_LINE]
    if start:
        yield number, start
