"""What an app may be declared with: the defaults, and the checks at the one moment when an author can be told."""

from shipper.recording.due import LONGEST_WAIT
from shipper.recording.modes import LOCAL, OFF, ON
from shipper.recording.names import valid_date, valid_name
from shipper.recording.values import wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.recording.app import App

#: Seconds from an event to the pass that sends it, at most. Long enough that a day of work is a few dozen requests.
FLUSH_INTERVAL = 15 * 60
#: Bytes of a spool: some 100,000 events, a year of somebody who works offline.
MAX_BYTES = 32 * 1024 * 1024
#: Days after which an event answers no question any more.
MAX_DAYS = 90
#: Files of a spool: bounds the time of every listing.
MAX_FILES = 2000
#: Days for which a receiver may promise to keep events: a hundred years stand for "for ever".
LONGEST_RETENTION = 36_525
#: What the manifest can say: JSON's numbers are exact below it in every language.
LARGEST = 1 << 53
#: The wires that `wire=` names, and where an endpoint can lie: shipper.wires holds them, and a test holds both equal.
WIRES = ("shipper", "otlp", "wundergraph", "posthog", "webhook", "webhook-gzip")
LOCAL_SCHEMES = ("file", "stdout")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def check_settings(app: "App") -> None:  # noqa: C901 - one flat row per rule
    """Check all that an app is declared with but its events. Raises DeclarationError."""
    fault = ""
    if not valid_name(app.name) or not _LETTERS.issuperset(app.name) or not app.name[0].isalpha():
        fault = f"{app.name!r} cannot name an app: a to z, then a to z, 0 to 9 and -"
    elif len(app.name) > 32:
        fault = f"the app's name {app.name!r} is longer than 32 characters"
    elif not valid_name(app.version):
        fault = f"{app.version!r} cannot be a version: 1 to 64 of A-Z a-z 0-9 _ . : + / < > -"
    elif not _is_printable(app.endpoint) or not _is_place(app.endpoint):
        fault = f"{app.endpoint!r} is no place to send to: https://..., http://127.0.0.1:PORT, file:///... or stdout:"
    elif app.wire not in WIRES:
        fault = f"no wire is called {app.wire!r}: there are {', '.join(WIRES)}"
    elif not all(map(_is_printable, (app.about, app.write_key, app.identity_file))):
        fault = "about, write_key and identity_file are one line of text each"
    elif [
        n for n in (*app.limits, app.flush_interval, app.invite_after or 1) if type(n) is not int or not 0 < n < LARGEST
    ]:
        fault = "flush_interval, invite_after, max_bytes, max_days, max_files are whole numbers above 0, below 2 to the 53rd"
    elif app.flush_interval > LONGEST_WAIT:
        fault = f"flush_interval is at most {LONGEST_WAIT} seconds"
    elif type(app.retention_days) is not int or not 0 <= app.retention_days <= LONGEST_RETENTION:
        fault = f"retention_days is a whole number of days up to {LONGEST_RETENTION}, not {app.retention_days!r}"
    elif app.durability not in ("process", "power-loss"):
        fault = f'durability is "process" or "power-loss", not {app.durability!r}'
    elif app.policy not in ("opt-in", "opt-out") or app.ci not in (ON, LOCAL, OFF):
        fault = f'policy is "opt-in" or "opt-out" and ci is "on", "local" or "off", not {app.policy!r}, {app.ci!r}'
    elif app.policy_date and not valid_date(app.policy_date):
        fault = f'policy_date is a day such as "2026-11-23", not {app.policy_date!r}'
    elif app.invite_after and app.policy == "opt-out":
        fault = "invite_after is for opt-in apps"
    if fault:
        wrong(fault)


def _is_printable(text: "object") -> "bool":
    return isinstance(text, str) and text.isprintable()


def _is_place(endpoint: "str") -> "bool":
    scheme, _, rest = endpoint.lower().partition(":")
    if scheme == "http":  # in the clear it goes to this machine only
        return rest.startswith(("//localhost", "//127.", "//[::1]"))
    return scheme in LOCAL_SCHEMES or (scheme == "https" and rest[:2] == "//" and rest[2:3] not in ("", "/", ":"))
