"""The bounds of a spool (S8): how large it is and what has to go.

A writer that seals loads this module under the lock: it imports nothing that the recording path does not.
"""

import os
from stat import S_ISREG

from shipper import files
from shipper.recording.active import SEGMENT_BYTES
from shipper.recording.foreign import is_foreign
from shipper.recording.settings import MAX_BYTES, MAX_DAYS, MAX_FILES
from shipper.spool.losses import evict_segment, merge
from shipper.spool.names import SUFFIX, is_losses, read_quarantined, segments
from shipper.spool.segments import events_in, names_in, numbered_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.recording.folder import Folder

#: Everything in an app's folder that grows with its use.
FOLDERS = (
    "sealed", "sending", "held", "deferred", "overflow", "unconfirmed", "quarantine", "returning", "lost", "tmp",
)  # fmt: skip

#: Where a bound may remove a segment.
EVICTABLE = ("sealed", "held", "deferred")


class Limits:
    """How large a spool may grow: bytes, days and files. The defaults are App's."""

    __slots__ = ("bytes", "days", "files")

    def __init__(self, bytes: "int" = MAX_BYTES, days: "int" = MAX_DAYS, files: "int" = MAX_FILES) -> None:  # noqa: A002
        self.bytes, self.days, self.files = bytes, days, files


class Usage:
    """What a spool holds: all its bytes and files, and the segments that a bound may remove: the oldest first, and those
    that may have arrived last.
    """

    __slots__ = ("bytes", "evictable", "files")

    def __init__(self, bytes: "int", files: "int", evictable: "list[tuple[str, str, int]]") -> None:  # noqa: A002
        self.bytes, self.files, self.evictable = bytes, files, evictable


def measure(app: "Folder") -> "Usage":
    """Measure a spool from the disk alone: a count that is kept somewhere would be wrong after the second outage."""
    sizes = {room: _sizes(app, room) for room in FOLDERS}
    own = sizes_in(app, S_ISREG)
    evictable = [
        (name, room, sizes[room][name + SUFFIX])
        for room in EVICTABLE
        for name in segments(sizes[room])
        if not is_losses(name)
    ]
    total = sum(own.values()) + sum(sum(found.values()) for found in sizes.values())
    marked = sizes["unconfirmed"]
    in_order = sorted(evictable, key=lambda each: (each[0] in marked, each))
    return Usage(total, len(own) + sum(map(len, sizes.values())), in_order)


def _sizes(app: "Folder", room: "str") -> "dict[str, int]":
    try:
        with app.folder(room) as folder:
            return sizes_in(folder)
    except FileNotFoundError as error:
        if is_foreign(error):
            raise
        return {}


def sizes_in(folder: "Folder", wanted: "Callable[[int], bool]" = bool) -> "dict[str, int]":
    """The sizes of what stands in a folder, by name; `wanted` chooses by mode. What moves on meanwhile is left out."""
    sizes = {}
    for name in files.names(folder):
        try:
            seen = folder.stat(name)
        except FileNotFoundError as error:
            if is_foreign(error):
                raise
            continue  # a pass or a writer moved it on
        if wanted(seen.st_mode):
            sizes[name] = seen.st_size
    return sizes


def settled_lines(app: "Folder", segment: "str") -> "frozenset[int]":
    """The numbers of a segment's lines that are not sent again: in quarantine, or accepted (an empty file marks those)."""
    own = [name for name in names_in(app, "quarantine") if name.startswith(segment)]
    return frozenset(number for one in map(read_quarantined, own) if one for number in range(one[1], one[2] + 1))


def choose(usage: "Usage", limits: "Limits") -> "list[tuple[str, str]]":
    """Choose what has to go: (name, room), in the order of `usage.evictable`, until the rest is within the limits.

    A segment's worth of room (at most half the spool) is kept free: the active file grows up to that much before
    anybody looks again.
    """
    most = limits.bytes - min(SEGMENT_BYTES, limits.bytes // 2)
    size, files = usage.bytes, usage.files
    chosen = []
    for name, room, length in usage.evictable:
        if size <= most and files < limits.files:
            break
        chosen.append((name, room))
        size, files = size - length, files - 1
    return chosen


def evict(app: "Folder", limits: "Limits", sync: "bool" = False) -> "list[str]":
    """Bring the spool back within bytes and files, counting what goes, and return the segments that went.

    The caller holds spool.lock: a writer that has just sealed (S3), or a pass. It is done again until nothing
    more goes, because the counts that evictions leave are files too. With `sync` the counts are on the disk on return.
    """
    gone: list[str] = []
    while chosen := [name for name, room in choose(measure(app), limits) if evict_one(app, room, name, "full", sync)]:
        merge(app)
        gone += chosen
    return gone


def evict_one(app: "Folder", room: "str", segment: "str", reason: "str", sync: "bool" = False) -> "bool":
    """Let one segment go by a bound. What of it is in quarantine, or was accepted, is not counted (S7)."""
    from shipper.spool import unconfirmed

    done = settled_lines(app, segment)
    try:
        with app.folder(room) as folder:
            fd = folder.open(segment + SUFFIX, os.O_RDONLY)
    except FileNotFoundError as error:
        if is_foreign(error):
            raise
        return False
    try:
        lines = numbered_lines(fd)
        count = sum(events_in(raw) for number, raw in lines if number not in done)
    finally:
        os.close(fd)
    gone = evict_segment(app, room, segment, reason, count, sync)
    unconfirmed.clear(app, segment)
    return gone
