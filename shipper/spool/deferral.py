"""Deferred segments: what a receiver cannot take yet waits here, and an empty file beside it says since when."""

import os
from contextlib import suppress

from shipper import files
from shipper.recording.folder import Folder
from shipper.spool.names import SUFFIX, deferral, read_deferral, segments
from shipper.spool.segments import ROOMS, names_in


def defer(app: Folder, segment: str, now_ms: int) -> None:
    """Move a claimed segment to deferred/. The caller holds flusher.lock and spool.lock.

    The mark stays until the segment has gone: who is deferred again next day was deferred since the first time.
    """
    with app.folder("sending") as sending, app.folder("deferred", create=True) as deferred:
        if since(app, segment) is None:
            os.close(deferred.open(deferral(segment, now_ms), os.O_WRONLY | os.O_CREAT))
        try:
            files.rename(sending, segment + SUFFIX, deferred, segment + SUFFIX)
        except FileNotFoundError:  # `off` was faster
            return


def since(app: Folder, segment: str) -> int | None:
    """Since when a segment has been deferred, in Unix milliseconds; None when it never was."""
    marks = map(read_deferral, names_in(app, "deferred"))
    return next((mark[1] for mark in marks if mark and mark[0] == segment), None)


def forget(app: Folder, segment: str) -> None:
    """Remove the mark of a segment that has gone."""
    for name in names_in(app, "deferred"):
        read = read_deferral(name)
        if read and read[0] == segment:
            with app.folder("deferred") as deferred, suppress(FileNotFoundError):  # `off` was faster
                files.remove(deferred, name)


def resume(app: Folder) -> int:
    """Have every deferred segment wait to be sent again, and return how many. The caller holds both locks."""
    with app.folder("deferred", create=True) as deferred, app.folder("sealed", create=True) as sealed:
        found = segments(files.names(deferred))
        for segment in found:
            files.rename(deferred, segment + SUFFIX, sealed, segment + SUFFIX)
        waiting = {segment for room in ROOMS for segment in segments(names_in(app, room))}
        for name in files.names(deferred):
            read = read_deferral(name)
            if read and read[0] not in waiting:
                files.remove(deferred, name)
    return len(found)
