"""Usage telemetry for command-line tools: recorded offline, delivered once, deleted only when acknowledged.

    from shipper import App, Event, one_of

    telemetry = App("mytool", version="1.0", endpoint="https://telemetry.example.com",
                    events=[Event("theme", "Which themes people choose.", name=one_of("dark", "light"))])
    telemetry.record("theme", name="dark")

App is declared once; then `record()` and `command()` never raise into the host and never wait.

The map, a folder for each subject: `recording` is all that a host's process loads. `choices` is what a person decides:
mode, id, notice. `catalog` reads declarations. `spool` is what a pass does with the disk, `delivery` what it decides,
`wires` how it speaks; `flusher` is where the three meet. `wakeup` gets a pass started, `daemon` has every app's passes
started, `service` has the system start the daemon. `privacy` shows and erases, `integrations` instrument a CLI in one
line, `cli` has a file for each command, `collector` is the receiver with its page, `testing` the kit for authors.
"""

from shipper.recording.app import App
from shipper.recording.event import Event
from shipper.recording.values import command_names, error_class, flag, integer, milliseconds, one_of, version_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.errors import BadValue, DeclarationError, ShipperError
    from shipper.recording.measured import first_use, since_first

__all__ = [
    "App", "BadValue", "DeclarationError", "Event", "ShipperError",
    "command_names", "error_class", "first_use", "flag", "integer", "milliseconds", "one_of", "since_first",
    "version_number",
]  # fmt: skip
__version__ = "0.1.0"


def __getattr__(name: "str") -> "object":
    """Load what a host that records seldom needs when somebody asks for it: the errors, the measured fields."""
    if name in ("since_first", "first_use"):
        from shipper.recording import measured

        return getattr(measured, name)
    if name in ("BadValue", "DeclarationError", "ShipperError"):
        from shipper import errors

        return getattr(errors, name)
    raise AttributeError(f"module 'shipper' has no attribute {name!r}")
