"""The level "none": lines that nothing binds to another line, and the look at what was counted of this installation.

Here stands what each event of such an app needs, loaded by no other; what it does once a week stands in `census`.
"""

from shipper.recording.foreign import is_foreign
from shipper.recording.line import VERSION, seal_line
from shipper.recording.modes import NONE, PSEUDONYMOUS
from shipper.recording.values import wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.recording.app import App
    from shipper.recording.folder import Folder

#: Events of an app of the level "none", and characters of a name: the census has a field `uses.<event>` for each, and
#: fields of its own, within the bounds of every event.
CENSUS_EVENTS, CENSUS_NAME = 56, 59
#: Milliseconds of a week.
WEEK = 7 * 24 * 3600 * 1000
#: Bytes of the file that says what was counted: two weeks, and the names of the events used in the last one.
COUNTED_BYTES = 4096
#: Where the day stands in a line, in bytes; in a line of this level it is followed by a quotation mark.
DAY_AT, DAY_END = 59, 69


def check_level(app: "App", questions: "object") -> None:
    """Check what an app declares that has another level of identity than the usual one. Raises DeclarationError."""
    fault = ""
    if app.identity != NONE:
        fault = f'identity is "{PSEUDONYMOUS}" or "{NONE}", not {app.identity!r}'
    elif app.identity_file:
        fault = 'identity="none" has no id, so there is no identity_file to take one from'
    elif questions:
        fault = 'questions follow persons, and identity="none" has none: declare a field since_first() instead'
    elif app.wire == "wundergraph":
        fault = 'the wire wundergraph describes the machine with every request: identity="none" cannot use it'
    elif len(app.events) > CENSUS_EVENTS or max(map(len, app.events), default=0) > CENSUS_NAME:
        fault = f'identity="none" takes at most {CENSUS_EVENTS} events, of names of at most {CENSUS_NAME} characters'
    if fault:
        wrong(fault)


def random_id(randomness: "bytes") -> "str":
    """Make a UUID version 4 (RFC 9562, section 5.4) from sixteen random bytes: there is no time in it."""
    digits, variant = randomness.hex(), "89ab"[randomness[8] & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def unlinked_line(
    randomness: "bytes", day: "str", app: "str", version: "str", name: "str", ci: "bool", agent: "str", said: "str"
) -> "bytes":
    """Write a whole line of the level "none": `said` are its fields as JSON, `randomness` sixteen bytes for its id."""
    driver = f',"agent":"{agent}"' if agent else ""
    return seal_line(
        f'{{"v":{VERSION},"id":"{random_id(randomness)}","time":"{day}","app":"{app}","version":"{version}",'
        f'"name":"{name}","ci":{"true" if ci else "false"}{driver},"fields":{{{said}}}'
    )


def unlinked_day(line: "bytes") -> "bytes":
    """Return the day of a line of the level "none", "YYYY-MM-DD"; b"" for any other line."""
    return line[DAY_AT:DAY_END] if line[DAY_END : DAY_END + 1] == b'"' else b""


def week_of(milliseconds: "int") -> "int":
    """The number of the ISO week (UTC, from Monday) of Unix milliseconds; 1970 began on a Thursday, in week 0."""
    return (milliseconds + 3 * WEEK // 7) // WEEK


def read_counted(config: "Folder", spool: "str") -> "str":
    """Read what was counted of this installation, `<last week> <first week> <event> <event> \\n`; "" when nothing was."""
    try:
        return config.read(f"{spool}.census", COUNTED_BYTES).decode("ascii", "replace")
    except FileNotFoundError as error:
        if is_foreign(error):
            raise
        return ""


def is_counted(config: "Folder", spool: "str", now: "int", event: "str") -> "bool":
    """Say whether this week (`now` is Unix milliseconds) was counted already, with the use of this event."""
    counted = read_counted(config, spool)
    return f" {event} " in counted and counted.startswith(f"{week_of(now)} ")
