"""Every error that shipper raises on purpose: what happened, what to do next, and a command's exit code."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.recording.event import Event

#: Characters of a wrong value that a message shows.
MOST_SHOWN = 100


class ShipperError(Exception):
    """Something went wrong that a person can act on.

    `hint` is the next step, one sentence, or empty. `exit_code` is what a command that meets the error ends with;
    docs/commands.md lists the codes.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class DeclarationError(ShipperError, ValueError):
    """An author declared an app, an event or a value type wrongly. Raised while declaring, never while recording."""

    exit_code = 2


class BadValue(ShipperError, ValueError):
    """A recorded value is outside its type, or its event was never declared. Raised under SHIPPER_STRICT=1 only."""

    exit_code = 2


def bad_value(event: "Event", field: str, value: object) -> BadValue:
    """What is wrong with the value that was given for a field of an event, or with the field."""
    declared = event.fields.get(field)
    if declared is None:
        return BadValue(f"the event {event.name} declares no field {field}", f"it declares: {', '.join(event.fields)}")
    return BadValue(
        f"{event.name}.{field} is {declared.kind}{declared.detail}; {repr(value)[:MOST_SHOWN]} is outside it"
    )


class BadCall(ShipperError):
    """An argument of a command is not what it can be."""

    exit_code = 2


class DamagedLine(ShipperError, ValueError):
    """A line is not an event that this version can read.

    `reason` is one of "sum" (its checksum does not hold), "json", "shape" (a key is missing, doubled or of the wrong
    type) and "version" (written by a newer shipper: not damage, but not readable here).
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Refused(OSError):
    """Something below the folder `shipper` is not what it must be: a link, another person's, open to others (S10)."""


class Busy(OSError):
    """Somebody else held a lock for as long as we were willing to wait."""
