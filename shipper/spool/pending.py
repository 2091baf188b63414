"""Every pending line, for whoever only looks and holds no lock while writers and passes go on."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

from shipper.recording.folder import Folder
from shipper.spool.limits import settled_lines
from shipper.spool.names import ACTIVE, OVERFLOWS, SUFFIX, overflow_name, segments
from shipper.spool.segments import names_in, numbered_lines

#: Where segments wait, in the order in which they move: looked at in this order, one that moves is never missed.
ROOMS = ("held", "deferred", "sealed", "sending")


def pending_lines(app: Folder, held: bool) -> Iterator[bytes]:
    """The pending lines of a spool, oldest first, as they stand in the files, without their newlines.

    `held` includes what is held back here. What a pass seals or claims meanwhile is still found, what it delivers is
    left out, as are lines that were accepted or set aside, and nothing comes twice. What is no file of ours is passed over.
    """
    rooms = ROOMS if held else ROOMS[1:]
    with ExitStack() as stack:
        # A file that is appended to and sealed while we look keeps its inode: it is read here, and not again as a segment.
        places = [("held", ACTIVE)] if held else []
        places += [("overflow", overflow_name(n, each)) for n in range(OVERFLOWS) for each in {False, held}]
        actives = [fd for where in (*places, ("", ACTIVE)) if (fd := _open(app, *where, stack)) is not None]
        inodes = {os.fstat(fd).st_ino for fd in actives}
        names = {name for room in rooms for name in segments(names_in(app, room))}
        for name in sorted(names):
            yield from _segment(app, name, rooms, inodes)
        for fd in actives:
            yield from (line for _, line in numbered_lines(fd))


def deferred_lines(app: Folder) -> Iterator[bytes]:
    """The lines that wait because their receiver cannot take them yet."""
    for name in segments(names_in(app, "deferred")):
        yield from _segment(app, name, ("deferred",), set())


def lines_waiting(app: Folder, segment: str) -> int:
    """Count the lines of a segment in sealed/ that are to be sent; none when it went in the meantime."""
    done = settled_lines(app, segment)
    try:
        with app.folder("sealed") as sealed:
            fd = sealed.open(segment + SUFFIX, os.O_RDONLY)
    except FileNotFoundError:
        return 0
    try:
        return sum(number not in done for number, _ in numbered_lines(fd))
    finally:
        os.close(fd)


def _open(app: Folder, room: str, name: str, stack: ExitStack) -> int | None:
    try:
        folder = stack.enter_context(app.folder(room)) if room else app
        fd = folder.open(name, os.O_RDONLY)
    except OSError:
        return None
    stack.callback(os.close, fd)
    return fd


def _segment(app: Folder, name: str, rooms: tuple[str, ...], passed: set[int]) -> Iterator[bytes]:
    for room in rooms:
        try:
            with app.folder(room) as folder:
                fd = folder.open(name + SUFFIX, os.O_RDONLY)
        except OSError:
            continue
        try:
            if os.fstat(fd).st_ino not in passed:
                done = settled_lines(app, name)
                yield from (line for number, line in numbered_lines(fd) if number not in done)
        finally:
            os.close(fd)
        return
