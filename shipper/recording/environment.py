"""The variables that recording asks about, looked up together: a question to os.environ costs a host as much as a call."""

from shipper.recording.automation import SIGNS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: Those that are no app's own: where things lie, what the person said, who runs the host. A test finds out what is asked.
ASKED = SIGNS.union((
    "CODESPACES", "DO_NOT_TRACK", "HOME", "REMOTE_CONTAINERS", "SHIPPER_HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME",
))  # fmt: skip


def look_up(environ: "Mapping[str, str]", prefix: "str") -> "dict[str, str]":
    """Return those variables that recording asks about for the app whose own begin with `prefix`, as far as they are set."""
    return {name: environ[name] for name in environ if name in ASKED or name.startswith(prefix)}
