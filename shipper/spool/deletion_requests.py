"""Whether a pass is due that sends a request for deletion. A host loads this where one was ever made."""

from collections.abc import Mapping

from shipper import files
from shipper.recording.due import DUE, advance_due
from shipper.recording.folder import open_app, open_state
from shipper.recording.lock import Lock


def is_due(environ: Mapping[str, str], spool: str, now: int, interval: int) -> bool:
    """Say whether a request waits in a spool and a pass is due now; `now` and `interval` in seconds.

    The next one is then due `interval` later. Raises OSError where there is no spool, or somebody holds its lock.
    """
    with open_state(environ) as state, open_app(state, spool) as folder:
        with folder.folder("deletions") as pending:
            if not files.names(pending):
                return False
        with Lock(folder, 0):
            return advance_due(folder, now, interval, 0) == DUE
