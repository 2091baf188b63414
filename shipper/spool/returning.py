"""What was set aside comes back: quarantined events wait again under their own ids, and their loss is taken back (S7).

An entry moves into `returning/<segment>/`, named after the segment that it will be in; the segment appears in sealed/ by
one rename, then the loss is taken back by a count of its own, then the entries go. Whoever dies in between leaves a
folder from which `finish` goes on.
"""

import os
from collections.abc import Iterable, Sequence

from shipper import files
from shipper.recording.active import SEGMENT_BYTES, SEGMENT_LINES
from shipper.recording.folder import Folder
from shipper.recording.line import MAX_LINE
from shipper.spool.lines import classify_line
from shipper.spool.names import RECOVERED, SUFFIX, is_segment, loss, quarantined, read_quarantined, segments
from shipper.spool.quarantine import FILE_BYTES, Quarantined, take_apart
from shipper.spool.segments import ROOMS, names_in, new_name, numbered_lines


def can_return(entry: Quarantined) -> bool:
    """Whether an entry is one whole event. Damage is not, nor are lines of which a receiver refused an unnamed share."""
    return bool(entry.id) and classify_line(1, entry.raw).condition == "good"


def put_back(app: Folder, entries: Iterable[Quarantined], now_ms: int) -> int:
    """Have entries wait again, and return how many there were. The caller holds spool.lock."""
    returned = 0
    for group in _groups([entry for entry in entries if can_return(entry)]):
        segment = new_name(app, now_ms, os.urandom(4))
        with app.folder("quarantine") as folder, app.folder("returning", create=True) as returning:
            with returning.folder(segment, create=True) as going:
                for entry in group:
                    files.rename(folder, entry.name, going, entry.name)
                files.sync_entries(going)
            files.sync_entries(returning)
        _finish(app, segment)
        returned += len(group)
    return returned


def _groups(entries: Sequence[Quarantined]) -> list[list[Quarantined]]:
    """As many as a segment may hold (S3)."""
    groups: list[list[Quarantined]] = []
    size = SEGMENT_BYTES
    for entry in entries:
        size += len(entry.raw) + 1
        if size > SEGMENT_BYTES or len(groups[-1]) == SEGMENT_LINES:
            groups.append([])
            size = len(entry.raw) + 1
        groups[-1].append(entry)
    return groups


def finish(app: Folder) -> None:
    """Finish what a dead process began. The caller holds flusher.lock and spool.lock; sending/ is empty."""
    for segment in filter(is_segment, names_in(app, "returning")):
        _finish(app, segment)


def _finish(app: Folder, segment: str) -> None:
    with app.folder("returning") as returning, returning.folder(segment) as going:
        names = sorted(filter(read_quarantined, files.names(going)))
        _keep_places(app, names)
        with app.folder("sealed", create=True) as sealed, app.folder("tmp", create=True) as tmp:
            if names and segment + SUFFIX not in files.names(sealed):
                lines = [take_apart(going.read(name, FILE_BYTES))[1][:MAX_LINE] + b"\n" for name in names]
                files.replace(sealed, segment + SUFFIX, b"".join(lines), tmp, sync=True)
            if names:
                _take_back(app, sealed, segment)
        for name in names:
            files.remove(going, name)
        files.remove_folder(returning, segment)


def _keep_places(app: Folder, names: Iterable[str]) -> None:
    """Where an entry's own segment still waits, an empty file keeps its line from being sent from there as well."""
    waiting = {segment for room in ROOMS for segment in segments(names_in(app, room))}
    with app.folder("quarantine", create=True) as folder:
        for name in names:
            segment, first, last, _ = read_quarantined(name) or ("", 0, 0, False)
            if segment in waiting:
                os.close(folder.open(quarantined(segment, first, last), os.O_WRONLY | os.O_CREAT))


def _take_back(app: Folder, sealed: Folder, segment: str) -> None:
    """Count as many events as the segment holds; the name is the same however often this is done."""
    fd = sealed.open(segment + SUFFIX, os.O_RDONLY)
    try:
        count = sum(1 for _ in numbered_lines(fd))
    finally:
        os.close(fd)
    with app.folder("lost", create=True) as lost:
        os.close(lost.open(loss(segment, RECOVERED, count), os.O_WRONLY | os.O_CREAT))
        files.sync_entries(lost)
