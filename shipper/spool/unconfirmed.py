"""Segments that were sent and of which no answer says what came of it: their receiver may have them.

Each has an empty file in `unconfirmed/` from before its first send until it is settled, or until an answer proves that the
receiver has nothing of it. Such a segment is sent before all others and goes last by a bound: what is counted as lost
has not arrived as well (S7).
"""

import os

from shipper import files
from shipper.recording.foreign import is_foreign
from shipper.spool.segments import names_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.recording.folder import Folder

ROOM = "unconfirmed"


def mark(app: "Folder", segment: str) -> None:
    """Note that a segment is about to be sent."""
    with app.folder(ROOM, create=True) as marks:
        os.close(marks.open(segment, os.O_WRONLY | os.O_CREAT))


def marked(app: "Folder") -> frozenset[str]:
    """The segments of which nobody knows whether they arrived."""
    return frozenset(names_in(app, ROOM))


def clear(app: "Folder", segment: str) -> None:
    """Remove a segment's mark, if it has one."""
    if segment in marked(app):
        with app.folder(ROOM) as marks:
            try:
                files.remove(marks, segment)
            except FileNotFoundError as error:  # `off` was faster
                if is_foreign(error):
                    raise
