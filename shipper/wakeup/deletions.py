"""A pass for a request for deletion: it does not wait for consent, so an invocation that sends nothing starts it too."""

from shipper import files
from shipper.recording.due import advance_due
from shipper.recording.folder import open_app, open_state
from shipper.recording.foreign import is_foreign
from shipper.recording.lock import Lock
from shipper.wakeup.spawn import request_pass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def start_deletion_pass(
    environ: "Mapping[str, str]", spool: "str", prefix: "str", now: "int", interval: "int"
) -> "None":
    """Have the requests for deletion of a spool sent when they are due. `now` is in Unix seconds. Never raises OSError."""
    try:
        with open_state(environ) as state, open_app(state, spool) as folder:
            with folder.folder("deletions") as pending:
                if not files.names(pending):
                    return
            with Lock(folder, 0):
                news = advance_due(folder, now, interval, 0)
    except OSError as error:
        if is_foreign(error):
            raise
        return  # there is none, or whoever holds the lock is about to find it
    request_pass(environ, spool, prefix, news)
