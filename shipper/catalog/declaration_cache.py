"""What a `telemetry.toml` says, kept in a form that costs nothing to read: parsing it takes longer than recording does.

The form is marshal's, as in Python's own .pyc files, and trusted as they are: it lies in `<state>/shipper/compiled`, in a
folder and a file of ours alone (S10), and holds for one state of the declaration file and one Python.
"""

import marshal
import os
import sys

from shipper import files
from shipper.recording.folder import open_state
from shipper.recording.line import checksum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Bytes of a compiled declaration: as much as a declaration file itself may have.
MAX_BYTES = 1024 * 1024
#: Files in the folder: a build that declares in ever new places must not fill it.
PLACES = 64


def document(path: str, parse: "Callable[[str], dict[str, object]]") -> "dict[str, object]":
    """What `parse(path)` returns, from the last time if the file is the same. Raises what `parse` raises.

    It is kept only where somebody has recorded before: looking at a declaration alone makes no folder.
    """
    try:
        found = os.stat(path)
        place = os.path.abspath(path)
        key = (sys.hexversion, place, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        name = f"{checksum(place.encode('utf-8', 'surrogateescape')) % PLACES:02d}"
        with open_state(os.environ) as state, state.folder("compiled", create=True) as folder:
            try:
                kept = marshal.loads(folder.read(name, MAX_BYTES))  # noqa: S302 - a file of ours alone, see above
                if kept[0] == key:
                    return dict(kept[1])
            except (OSError, ValueError, EOFError, TypeError, IndexError):
                pass  # not there yet, or of another Python
            parsed = parse(path)
            files.replace(folder, name, marshal.dumps((key, parsed)), folder)
            return parsed
    except (OSError, ValueError):
        return parse(path)
