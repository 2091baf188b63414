"""A line whose writer did not get the lock: a segment of its own, complete before anybody can see it (S12)."""

from shipper import files
from shipper.recording.modes import OFF, ON
from shipper.spool.limits import FOLDERS
from shipper.spool.segments import names_in, new_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.recording.folder import Folder


def write_overflow(
    app: "Folder", mode: "str", line: "bytes", most: "int", now_ms: "int", randomness: "bytes", sync: "bool"
) -> "bool":
    """Write one line as a segment of its own: sealed in mode `on`, held in mode `local` (S12).

    Returns False in mode `off`, and when the spool has `most` files.

    It is written in tmp/ and renamed: no pass ever reads half of it. Nothing is evicted, since that needs the lock.
    """
    if mode == OFF:
        return False
    with app.folder("sealed" if mode == ON else "held", create=True) as into, app.folder("tmp", create=True) as tmp:
        if sum(len(names_in(app, each)) for each in FOLDERS) >= most:
            return False
        name = new_name(app, now_ms, randomness) + ".ndjson"
        files.write(tmp, name, line, sync)
        files.rename(tmp, name, into, name)
        if sync:
            files.sync_entries(into)
    return True
