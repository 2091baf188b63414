"""The active file of a spool: the one that events are appended to."""

import os

from shipper.recording.folder import write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.recording.folder import Folder

#: Bytes of a segment. It is one batch: compressed some 20 KiB, one request that a slow line carries in seconds.
SEGMENT_BYTES = 256 * 1024
#: Lines of a segment: what a receiver checks and stores in one transaction.
SEGMENT_LINES = 1000
#: No whole line is shorter (254 bytes with every name one letter long), so a smaller file need not be counted.
SHORTEST_LINE = 240


def append_line(folder: "Folder", line: "bytes", sync: "bool" = False, name: "str" = "active.ndjson") -> "int":
    """Append one line to the file `name` of the folder and return how many bytes stood there before.

    Where the line would take the file past a segment's size, -1 is returned and nothing is written (S3). The caller holds
    the lock. S1: on return the whole line is with the kernel, with `sync` on the disk. S2: one write, a short one is taken
    back; a tail that a killed writer left is closed off first, so only that tail is unreadable.
    """
    fd = folder.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    try:
        size = os.lseek(fd, 0, os.SEEK_END)  # O_APPEND: writing goes to the end, wherever reading stands
        if size > 0:
            if is_full(folder, size, len(line), name):
                return -1
            os.lseek(fd, size - 1, os.SEEK_SET)
            if os.read(fd, 1) != b"\n":
                line = b"\n" + line
        try:
            write_all(fd, line)
        except OSError:
            os.ftruncate(fd, size)
            raise
        if sync:
            os.fsync(fd)
        return size
    finally:
        os.close(fd)


def is_full(folder: "Folder", size: "int", length: "int", name: "str", most: "int" = SEGMENT_BYTES) -> "bool":
    """Say whether a line of `length` bytes takes the file `name`, of `size` bytes, past `most` or a segment's lines (S3)."""
    if size + length > most:
        return size > 0
    return size >= SEGMENT_LINES * SHORTEST_LINE and folder.read(name, SEGMENT_BYTES).count(b"\n") >= SEGMENT_LINES
