"""What each event of the level "none" does for the census: one look at what was counted."""

import os

from shipper.recording.folder import spool_name
from shipper.recording.unlinked import is_counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.recording.app import App
    from shipper.recording.folder import Folder


def count_use(
    app: "App", environ: "Mapping[str, str]", config: "Folder", now: "int", name: "str", agent: "str", endpoint: "str"
) -> None:
    """Have the use of an event noted, once a week, and the census spooled when it is due. `now` is Unix milliseconds."""
    if not is_counted(config, spool_name(app.name, endpoint), now, name):
        from shipper.recording.counting import count

        count(app, environ, config, now, name, agent, endpoint, os.urandom(16))
