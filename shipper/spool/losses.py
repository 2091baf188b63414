"""Losses: counted as names, merged by renames, told to the receiver in a segment of their own (S7).

A writer that evicts loads this module under the lock: it imports nothing that the recording path does not.
"""

import os

from shipper import files
from shipper.recording.foreign import is_foreign
from shipper.spool.names import SUFFIX, is_losses, is_segment, loss, read_loss, read_quarantined, segments
from shipper.spool.segments import names_in, new_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipper.recording.folder import Folder

#: Names in lost/ before two of the same reason are merged into one: an offline year must not fill the folder.
NAMES = 32
#: Losses segments that may wait. No bound removes them, so while these wait the counts stay in lost/, merged.
WAITING = 16
#: Events that one losses event tells of, by reason: a hundred times what a spool of 32 MiB holds, and the receivers' bound.
MOST_TOLD = 10_000_000


def evict_segment(
    app: "Folder", room: "str", segment: "str", reason: "str", count: "int", sync: "bool" = False
) -> "bool":
    """Count a whole segment as lost (S8): rename it to the name that holds the count, then empty it. False if it is gone.

    A segment without events leaves no count. The caller holds spool.lock.
    """
    with app.folder(room) as source, app.folder("lost", create=True) as lost:
        name = loss(segment, reason, count)
        try:
            if not count:
                files.remove(source, segment + SUFFIX)
                return True
            files.rename(source, segment + SUFFIX, lost, name)
        except FileNotFoundError as error:
            if is_foreign(error):
                raise
            return False
        if sync:  # else a later sync of the source could make the segment's going outlive its count
            files.sync_entries(lost)
        _empty(lost, name)
        return True


def count_lines(app: "Folder", segment: "str", first: "int", last: "int", reason: "str", count: "int") -> None:
    """Count quarantined lines as lost. To count the same lines again changes nothing. The caller holds spool.lock."""
    with app.folder("lost", create=True) as lost:
        os.close(lost.open(loss(f"{segment}.{first}-{last}", reason, count), os.O_WRONLY | os.O_CREAT))


def counted(app: "Folder") -> "dict[str, int]":
    """Sum the losses that no losses segment tells yet, by reason."""
    with_sealed = set(segments(names_in(app, "sealed")))
    try:
        with app.folder("lost") as lost:
            names = files.names(lost)
            for folder in filter(is_segment, list(names)):
                if folder not in with_sealed:
                    names += names_in(lost, folder)
    except FileNotFoundError:
        return {}
    return _sum(names)


def _sum(names: "list[str]") -> "dict[str, int]":
    sums: dict[str, int] = {}
    present = set(names)
    for name in names:
        read = read_loss(name)
        if read and not _is_merged_away(name, present):
            sums[read[1]] = sums.get(read[1], 0) + read[2]
    return sums


def _is_merged_away(name: "str", names: "set[str]") -> "bool":
    """Say whether a merge under way already holds this count in its sum."""
    who = name.rpartition(".")[0].rpartition(".")[0]
    return "+" not in who and any("+" in other and read_loss(other) and who in _joined(other) for other in names)


def _joined(name: "str") -> "list[str]":
    read = read_loss(name)
    return read[0].split("+") if read else []


def merge(app: "Folder", most: "int" = NAMES) -> None:
    """Merge counts of the same reason until at most `most` names of each are left. The caller holds spool.lock.

    A merge is two renames around one removal. The name in between is that of both and holds their sum, so
    `finish_merges` knows which count is already in it.
    """
    uncounted = {(segment, first) for segment, first, _, new in _in_quarantine(app) if new}
    returning = set(names_in(app, "returning"))
    with app.folder("lost", create=True) as lost:
        by_reason: dict[str, list[tuple[str, int]]] = {}
        for name in sorted(files.names(lost)):
            read = read_loss(name)
            if read and "+" not in read[0] and _line_of(read[0]) not in uncounted and read[0] not in returning:
                by_reason.setdefault(read[1], []).append((read[0], read[2]))
        for reason, counts in by_reason.items():
            _merge_down(lost, reason, counts, most)


def _merge_down(lost: "Folder", reason: "str", counts: "list[tuple[str, int]]", most: "int") -> None:
    while len(counts) > most and counts[-1][1] + counts[-2][1] <= MOST_TOLD:
        (one, ones), (other, others) = counts.pop(), counts.pop()
        both = loss(f"{one}+{other}", reason, ones + others)
        files.rename(lost, loss(one, reason, ones), lost, both)
        files.remove(lost, loss(other, reason, others))
        files.rename(lost, both, lost, loss(one, reason, ones + others))
        counts.append((one, ones + others))


def _in_quarantine(app: "Folder") -> "list[tuple[str, int, int, bool]]":
    return [read for name in names_in(app, "quarantine") if (read := read_quarantined(name))]


def _line_of(who: "str") -> "tuple[str, int]":
    segment, _, lines = who.partition(".")
    return segment, int(lines.partition("-")[0] or 0)


def finish(app: "Folder") -> None:
    """Finish what a dead process left half done with evictions and merges. The caller holds spool.lock."""
    try:
        lost = app.folder("lost")
    except FileNotFoundError:
        return
    with lost:
        names = set(files.names(lost))
        for both in [name for name in names if "+" in name and read_loss(name)]:
            _finish_merge(lost, both, names)
        for name in files.names(lost):
            if read_loss(name) and lost.stat(name).st_size:
                _empty(lost, name)


def _finish_merge(lost: "Folder", both: "str", names: "set[str]") -> None:
    who, reason, count = read_loss(both) or ("", "", 0)
    one, _, other = who.partition("+")
    for name in names:
        read = read_loss(name)
        if read and read[0] == other and read[1] == reason:
            files.remove(lost, name)
    files.rename(lost, both, lost, loss(one, reason, count))


def collect(app: "Folder", now_ms: "int", line: "Callable[[Mapping[str, int]], bytes]") -> "str | None":
    """Make a losses segment of all counts in lost/; `line` writes its one line. Returns its name, or None.

    None when nothing is lost or WAITING such segments wait already. The caller holds flusher.lock and spool.lock, and
    has called `finish` and `finish_collecting`. S7: the counts move into lost/<name>/, the segment appears by one
    rename, then the folder goes; a death at any point is finished by `finish_collecting`, and a power cut cannot bring
    the folder back once the segment may have been sent: each step is on the disk before the next.
    """
    names = _that_fit([name for name in names_in(app, "lost") if read_loss(name)])
    waiting = [segment for room in ("sealed", "deferred") for segment in segments(names_in(app, room))]
    if not names or sum(map(is_losses, waiting)) >= WAITING:
        return None
    segment = new_name(app, now_ms, os.urandom(4), losses=True)
    with app.folder("lost") as lost, lost.folder(segment, create=True) as telling:
        for name in names:
            files.rename(lost, name, telling, name)
        files.sync_entries(telling)
        files.sync_entries(lost)
        _tell(app, lost, telling, segment, line)
    return segment


def _that_fit(names: "list[str]") -> "list[str]":
    """Of the names in lost/, those that one event may tell; the others wait for the next one."""
    sums: dict[str, int] = {}
    fitting = []
    for name in names:
        _, reason, count = read_loss(name) or ("", "", 0)
        if not sums.get(reason) or sums[reason] + count <= MOST_TOLD:
            sums[reason] = sums.get(reason, 0) + count
            fitting.append(name)
    return fitting


def finish_collecting(app: "Folder", line: "Callable[[Mapping[str, int]], bytes]") -> None:
    """Finish what a dead pass began to tell. The caller holds flusher.lock and spool.lock; sending/ is empty."""
    for segment in filter(is_segment, names_in(app, "lost")):
        with app.folder("lost") as lost, lost.folder(segment) as telling:
            _tell(app, lost, telling, segment, line)


def _tell(
    app: "Folder", lost: "Folder", telling: "Folder", segment: "str", line: "Callable[[Mapping[str, int]], bytes]"
) -> None:
    counts = _sum(files.names(telling))
    with app.folder("sealed", create=True) as sealed, app.folder("tmp", create=True) as tmp:
        if counts and segment + SUFFIX not in files.names(sealed):
            told = {reason: min(count, MOST_TOLD) for reason, count in counts.items()}
            files.replace(sealed, segment + SUFFIX, line(told), tmp, sync=True)
        for name in filter(read_loss, files.names(telling)):
            files.remove(telling, name)
        files.remove_folder(lost, segment)
        files.sync_entries(lost)


def _empty(lost: "Folder", name: "str") -> None:
    fd = lost.open(name, os.O_WRONLY)
    try:
        os.ftruncate(fd, 0)
    finally:
        os.close(fd)
