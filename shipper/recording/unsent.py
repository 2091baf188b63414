"""A look from outside whether an app's spools may hold events that a pass would send, before what moves them is loaded."""

import os

from shipper.recording.folder import home_path
from shipper.recording.foreign import is_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def may_hold_unsent(environ: "Mapping[str, str]", app: "str") -> "bool":
    """Say whether anything stands where an app's unsent events do; `shipper.spool.holding` knows what of it is one.

    Raises OSError where the spools cannot be looked at.
    """
    apps = home_path(environ, "state") + "/apps"
    try:
        spools = [f"{apps}/{name}" for name in os.listdir(apps) if name.partition("@")[0] == app]
    except FileNotFoundError as error:
        if is_foreign(error):
            raise
        return False  # nothing was ever recorded
    return any([_holds_some(spool) for spool in spools])  # noqa: C419  a generator is a function more


def _holds_some(spool: "str") -> "bool":
    for room in ("sealed", "sending", "deferred"):
        try:
            if os.listdir(f"{spool}/{room}"):
                return True
        except OSError as error:
            if is_foreign(error):
                raise
            if not isinstance(error, FileNotFoundError):
                return True  # no spool of ours: holding.py says so
    try:
        return os.stat(f"{spool}/active.ndjson").st_size > 0
    except FileNotFoundError as error:
        if is_foreign(error):
            raise
        return False
