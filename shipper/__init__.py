"""Usage telemetry for command-line tools: recorded offline, delivered once, deleted only when acknowledged.

    from shipper import App, Event, one_of

    telemetry = App("mytool", version="1.0", endpoint="https://telemetry.example.com",
                    events=[Event("theme", "Which themes people choose.", name=one_of("dark", "light"))])
    telemetry.record("theme", name="dark")

The map. The recording path is this file and app (App: record, command), event (Event, the closed value types, an event's
line), consent (choices, id, decide) and append (places, lock, append, due): a process that records loads these and
nothing else. They are few because each file costs every host 0.14 ms. What happens seldom stands apart: files (what is
done to files by name), choice (saving one), identity (making an id), places (other systems, a first use), wording
(versions and errors). spool is what a pass does with the disk, delivery what it decides, wires how it speaks, flusher
where the three meet. daemon serves all apps of a person; bell and spawn are how a CLI reaches a flusher. privacy is
notice, forget and the public page; integrations instrument a CLI in one line; collector receives; cli has a file per
command.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.app import App as App
    from shipper.event import Event as Event
    from shipper.event import error_class as error_class
    from shipper.event import flag as flag
    from shipper.event import integer as integer
    from shipper.event import milliseconds as milliseconds
    from shipper.event import one_of as one_of
    from shipper.event import version_number as version_number

__all__ = ["App", "Event", "error_class", "flag", "integer", "milliseconds", "one_of", "version_number"]


def __getattr__(name: "str") -> "object":
    # Lazy, so that `import shipper.collector` and its like do not pay for recording, nor the other way round.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from shipper import app, event

    globals().update({each: getattr(app if each == "App" else event, each) for each in __all__})
    return globals()[name]
