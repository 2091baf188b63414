"""When the next pass is due: two times in one small file of the spool, `due`."""

import os

from shipper.recording.folder import write_all
from shipper.recording.foreign import is_foreign
from shipper.recording.line import checksum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.recording.folder import Folder

#: Seconds. No wait read from disk is longer (S9): a receiver's Retry-After is clamped to a day.
LONGEST_WAIT = 24 * 3600
#: Seconds by which the one who finds a pass due moves it on, so that 64 invocations that end together start one.
DUE_STEP = 60
#: What advance_due() answers: a pass is due now; a pass was set for later.
DUE, SET = "due", "set"
#: Bytes of `due`: two Unix times of eleven digits, fixed so that one small write replaces them whole.
DUE_BYTES = 24


def read_due(folder: "Folder") -> "tuple[int, int]":
    """Read (not_before, next_due) in Unix seconds; 0 is "no wait" and "nothing to do", as is what cannot be read."""
    try:
        first, second = folder.read("due", DUE_BYTES).split()
        return int(first), int(second)
    except (OSError, ValueError) as error:
        if is_foreign(error):
            raise
        return 0, 0


def write_due(folder: "Folder", not_before: "int", next_due: "int") -> None:
    """Write both times in one small write of fixed length. The caller holds the spool's lock."""
    fd = folder.open("due", os.O_WRONLY | os.O_CREAT)
    try:
        write_all(fd, b"%011d %011d\n" % (min(not_before, 10**11 - 1), min(next_due, 10**11 - 1)))
    finally:
        os.close(fd)


def advance_due(folder: "Folder", now: "int", interval: "int", before: "int") -> "str":
    """Bring `due` up to date after an append. The caller holds the spool's lock.

    `now` is in Unix seconds; `before` is what append_line returned, -1 when a full segment was sealed first. Returns
    DUE when a pass is due now, SET when a time was set that a sleeping daemon cannot know, and "" otherwise.
    """
    found = read_due(folder)
    wanted, fire = next_due(found, now, interval, full=before < 0)
    if wanted == found:
        return ""
    write_due(folder, *wanted)
    return DUE if fire else SET if wanted[1] != found[1] else ""


def next_due(found: "tuple[int, int]", now: "int", interval: "int", full: "bool") -> "tuple[tuple[int, int], bool]":
    """Decide what `due` says next, and whether a pass is due now.

    The first event asks for a pass within the interval, between three quarters of it and the whole by machine; a full
    segment asks for one now. Whoever finds a pass due moves the time on by DUE_STEP, so that nobody starts a second one
    meanwhile, not even for a full segment: the pass under way schedules the next one itself. S9: a time further away than
    any wait can be comes from a clock that jumped, and is not believed.
    """
    not_before, due = found
    if not_before > now + LONGEST_WAIT:
        not_before = 0
    if full and not now < due <= now + DUE_STEP:
        due = now
    elif due <= 0 or due > now + LONGEST_WAIT:
        machine = os.uname().nodename.encode("utf-8", "replace") if hasattr(os, "uname") else b""
        due = now + interval - interval * (checksum(machine) * 0x9E3779B1 >> 24 & 255) // 1024
    fire = due <= now and not_before <= now
    return (not_before, now + DUE_STEP if fire else due), fire
