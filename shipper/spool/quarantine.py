"""Quarantine: where a refused or unreadable line waits, with the reason, bounded, until somebody looks at it."""

import json
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby

from shipper import files
from shipper.recording.folder import Folder
from shipper.recording.line import MAX_LINE, format_time
from shipper.spool.limits import Limits, sizes_in
from shipper.spool.lines import Line
from shipper.spool.losses import count_lines
from shipper.spool.names import QUARANTINED, quarantined, read_quarantined, segments
from shipper.spool.segments import ROOMS, names_in

#: Of the whole spool, the share that quarantine may take: what was refused must not push out what can be delivered.
SHARE = 4
#: Bytes of a quarantine file: a line, and before it the reason.
FILE_BYTES = MAX_LINE + 4096
#: Characters of a reason that are kept: as many as the wire allows a receiver.
REASON = 64


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A line in quarantine. `time` is RFC 3339; `id` is empty for damage."""

    name: str
    reason: str
    detail: str
    time: str
    id: str
    raw: bytes


def put(app: Folder, segment: str, line: Line, reason: str, detail: str, now_ms: int) -> None:
    """Set a line aside and count it as lost. Doing it again changes nothing.

    The caller holds flusher.lock and spool.lock. S7: the file is complete and on the disk under a name that says
    `.new`, then the loss is counted, then the name loses its `.new`; `finish` goes on from any point. The file
    outlives the segment's deletion, so it is synced.
    """
    reason, detail = (reason, detail) if reason in QUARANTINED else ("rejected", detail or reason)
    head = {
        "reason": reason,
        "detail": _plain(detail),
        "time": format_time(now_ms),
        "id": line.id,
        "events": line.events,
    }
    with app.folder("quarantine", create=True) as folder, app.folder("tmp", create=True) as tmp:
        names = files.names(folder)
        if quarantined(segment, line.number, line.last) not in names:
            new = quarantined(segment, line.number, line.last, new=True)
            files.replace(folder, new, json.dumps(head).encode("ascii") + b"\n" + line.raw + b"\n", tmp, sync=True)
            _finish(app, folder, new)


def finish(app: Folder) -> None:
    """Count what a dead pass had set aside and not yet counted. The caller holds flusher.lock and spool.lock."""
    for name in names_in(app, "quarantine"):
        read = read_quarantined(name)
        if read and read[3]:
            with app.folder("quarantine") as folder:
                _finish(app, folder, name)


def _finish(app: Folder, folder: Folder, new: str) -> None:
    read = read_quarantined(new)
    assert read
    segment, first, last, _ = read
    head, _ = take_apart(folder.read(new, FILE_BYTES))
    reason, events = str(head.get("reason")), head.get("events")
    count_lines(
        app,
        segment,
        first,
        last,
        reason if reason in QUARANTINED else "damaged",
        events if isinstance(events, int) else last - first + 1,
    )
    files.rename(folder, new, folder, quarantined(segment, first, last))


def take_apart(data: bytes) -> tuple[dict[str, object], bytes]:
    """Take a quarantine file apart into what its first line says and the raw line."""
    first, _, raw = data.partition(b"\n")
    try:
        head = json.loads(first)
    except (ValueError, RecursionError):
        return {}, raw
    return (head if isinstance(head, dict) else {}), raw.removesuffix(b"\n")


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text[:REASON])


def keep_places(app: Folder, segment: str, numbers: Collection[int]) -> None:
    """Leave an empty file for each run of accepted lines of a segment that waits again: they are neither sent nor counted.

    The caller holds flusher.lock and spool.lock.
    """
    there = names_in(app, "quarantine")
    with app.folder("quarantine", create=True) as folder:
        for first, last in _runs(sorted(numbers)):
            name = quarantined(segment, first, last)
            if name not in there:
                os.close(folder.open(name, os.O_WRONLY | os.O_CREAT))


def give_up_places(app: Folder, segment: str) -> None:
    """Remove the empty files of a segment that has gone: nobody needs its places any more."""
    own = [name for name in names_in(app, "quarantine") if name.startswith(segment)]
    if own:
        with app.folder("quarantine") as folder:
            for name in own:
                with suppress(FileNotFoundError):  # `off` was faster
                    if not folder.stat(name).st_size:
                        files.remove(folder, name)


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    for _, run in groupby(enumerate(numbers), key=lambda each: each[1] - each[0]):
        found = [number for _, number in run]
        yield found[0], found[-1]


def entries(app: Folder) -> Iterator[Quarantined]:
    """Read what is in quarantine, oldest first. What cannot be read any more is left out."""
    for name in _sorted(app):
        try:
            with app.folder("quarantine") as folder:
                data = folder.read(name, FILE_BYTES)
        except OSError:
            continue
        if data:
            head, raw = take_apart(data)
            said = {key: str(head.get(key, "")) for key in ("reason", "detail", "time", "id")}
            yield Quarantined(name, **said, raw=raw)


def _sorted(app: Folder) -> list[str]:
    read = [(one, name) for name in names_in(app, "quarantine") if (one := read_quarantined(name)) and not one[3]]
    return [name for _, name in sorted(read)]


def drop(app: Folder, name: str) -> None:
    """Take one entry out. Leaving quarantine is no loss: it was counted when it came. The caller holds spool.lock.

    While its segment still waits an empty file keeps its place, or the line would be set aside and counted again.
    """
    segment = name.partition(".")[0]
    waits = any(segment in segments(names_in(app, room)) for room in ROOMS)
    with app.folder("quarantine") as folder:
        if not waits:
            files.remove(folder, name)
            return
        fd = folder.open(name, os.O_WRONLY)
        try:
            os.ftruncate(fd, 0)
        finally:
            os.close(fd)


def bound(app: Folder, limits: Limits) -> None:
    """Keep quarantine within its share of the spool. The caller holds flusher.lock and spool.lock."""
    for name in beyond_bound(app, limits):
        drop(app, name)


def beyond_bound(app: Folder, limits: Limits) -> list[str]:
    """What has to leave quarantine: the oldest beyond its share of the spool, and places that nobody needs any more."""
    with app.folder("quarantine", create=True) as folder:
        sizes = sizes_in(folder)
    found = [(name, sizes[name]) for name in _sorted(app) if name in sizes]
    kept = [(name, size) for name, size in found if size]
    total, count = sum(size for _, size in kept), len(kept)
    going = []
    for name, size in kept:
        if total <= limits.bytes // SHARE and count <= limits.files // SHARE:
            break
        going.append(name)
        total, count = total - size, count - 1
    waiting = {segment for room in ROOMS for segment in segments(names_in(app, room))}
    return going + [name for name, size in found if not size and name.partition(".")[0] not in waiting]
