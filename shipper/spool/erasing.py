"""Erasing what waits of an app, in all its spools: its person has just said no."""

from collections.abc import Mapping
from contextlib import suppress
from stat import S_ISDIR

from shipper import files
from shipper.errors import Busy
from shipper.recording.folder import open_app, open_state
from shipper.spool.spool import Spool


def erase(environ: Mapping[str, str], app: str) -> None:
    """Erase every event that waits in an app's spools. Where somebody holds a lock a later pass does it (S6).

    Raises OSError where a spool cannot be reached.
    """
    with suppress(FileNotFoundError), open_state(environ) as state, state.folder("apps") as apps:
        for name in files.names(apps):
            if name.partition("@")[0] == app and S_ISDIR(apps.stat(name).st_mode):
                with open_app(state, name) as folder, suppress(Busy):
                    Spool(folder, environ).purge()
