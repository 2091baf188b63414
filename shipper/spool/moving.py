"""A new version of an app declares another receiver, or an id where there was none: consent was given for less.

A host loads this under the lock, once for each such version.
"""

from contextlib import suppress

from shipper import files
from shipper.choices.identity import retire
from shipper.recording.consent import read_choice
from shipper.recording.line import format_time
from shipper.recording.modes import ALL, LOCAL, ON
from shipper.spool.holding import BECAUSE, move_to_held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.recording.folder import Folder

#: Why what waits is held then.
BY_MOVE = "the app sends to another receiver now"
#: The same where a version wants an id and the one before wanted none.
BY_LEVEL = "the app sends under an id now"
#: By whom the mode `local` was saved then.
MOVED = "another-receiver"


def is_moved(before: "str", after: "str") -> bool:
    """Say whether two declared endpoints have different origins. To this very machine nobody moves: that is a test."""
    return before != "" and _origin(before) != _origin(after) and not after.startswith(("http:", "file:", "stdout:"))


def _origin(endpoint: "str") -> "str":
    scheme, _, rest = endpoint.lower().partition("://")
    return scheme + "://" + rest.partition("/")[0]


def start_anew(config: "Folder", folder: "Folder", app: "str", now: "int", why: "str") -> None:
    """Take consent back to where nobody has agreed to what is new, and hold what was recorded before. `why` is said then.

    The notice is due again, `on` has to be said again, and the person has a new id. `off` and `local` stay. The caller
    holds spool.lock; `now` is Unix milliseconds.
    """
    move_to_held(folder, now)
    with folder.folder("held") as held:
        files.replace(held, BECAUSE, f"{format_time(now)} {why}\n".encode("ascii"), held)
    with suppress(FileNotFoundError):
        retire(config, app)
    with suppress(FileNotFoundError):
        files.remove(config, app + ".notice")
    if read_choice(config, app)[0] == ON:
        files.remove(config, app + ".mode")
    if read_choice(config, ALL)[0] == ON and read_choice(config, app)[0] == "":
        files.replace(config, app + ".mode", f"{LOCAL} {format_time(now)} {MOVED}\n".encode("ascii"), config, sync=True)
