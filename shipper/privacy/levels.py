"""What the public page says of a level of identity: what every event carries, what links, and what is remembered here."""

from collections.abc import Iterator

from shipper import App
from shipper.privacy.blocks import Block, Bullets, Code, Grid, Heading, Paragraph
from shipper.recording.automation import AGENTS
from shipper.recording.census import AGES
from shipper.recording.event import CENSUS, Event
from shipper.recording.line import seal_line
from shipper.recording.modes import NONE
from shipper.recording.unlinked import unlinked_line

#: What every event carries beside its fields: the key, what it is, why it is there.
ENVELOPE = (
    ("v", "the format's version", "So that old and new programs can live side by side."),
    ("id", "a UUID: the time and 74 random bits", "So that an event that had to be sent twice is counted once."),
    ("time", "when it happened, in UTC, to the millisecond", "To see how use changes."),
    ("app", "the program's name", "To tell programs apart."),
    ("version", "the program's version", "Which versions must stay supported."),
    ("name", "the event's name", "To tell events apart."),
    ("user", "a random, pseudonymous id made on this machine, for this program and this receiver only", "To count people, "
     "not events. It is left out in CI and in homes made for one run, and replaced when telemetry is switched off and on "
     "again."),
    ("session", "a random id, new in every process", "Which events belong to one run."),
    ("ci", "whether it ran in CI", "To tell people from machines."),
    ("agent", f"the coding agent that ran it: {', '.join(AGENTS)}", "To tell people from agents. It is left out where "
     "no agent made itself known."),
    ("os", "linux, macos, windows or other", "Which systems must stay supported."),
    ("arch", "x86_64, arm64 or other", "Which machines must stay supported."),
    ("cpus", "the number of processors", "What a usual machine can do."),
    ("runtime", "the interpreter and its version", "Which runtimes must stay supported."),
    ("sum", "a checksum of the line", "So that a damaged line is noticed."),
)  # fmt: skip
#: The same of the level "none".
UNLINKED_ENVELOPE = (
    ("v", "the format's version", "So that old and new programs can live side by side."),
    ("id", "a UUID of random bits, for this event alone", "So that an event that had to be sent twice is counted once."),
    ("time", "its day, in UTC", "To see how use changes."),
    ("app", "the program's name", "To tell programs apart."),
    ("version", "the program's version", "Which versions must stay supported."),
    ("name", "the event's name", "To tell events apart."),
    ("ci", "whether it ran in CI", "To tell people from machines."),
    ("agent", f"the coding agent that ran it: {', '.join(AGENTS)}", "To tell people from agents. It is left out where "
     "no agent made itself known."),
    ("sum", "a checksum of the line", "So that a damaged line is noticed."),
)  # fmt: skip

_ADOPTED = (
    "The id is taken over once from {}, where an earlier telemetry of this program kept it: as it stands where it is random "
    "by its form (a random UUID, 32 or more hexadecimal digits, a KSUID), else hashed with random bytes that nobody keeps."
)
#: The one sentence that only a page of the level "none" may hold.
CANNOT_BE_LINKED = "Nothing that is sent can be linked to anything else that is sent."
_MEANING = (
    " No event carries an id of yours, of this machine or of a run, nor its time: there is nothing by which two events, or "
    "two days, could be told to come from one machine. So nobody can show you your events, or erase them at the receiver: "
    "they are no one's."
)
#: What this level cannot keep from a receiver, in the words of the public page.
WHAT_LINKS = (
    "The connection. Like every server, the receiver sees the network's address from which a request comes, and when. It is "
    "in no event, and the receiver of this project keeps none; but whoever runs another one, or listens on the way, could "
    "tell that two requests came from one address. A proxy, or a relay of Oblivious HTTP (RFC 9458), would hide that.",
    "A request. What one day held travels together, in random order; no request holds two days, and no two days are sent "
    "one right after the other, unless you send by hand.",
    "What events say, and how many they are. A version, an agent or a choice that only one machine in the world has is "
    "known by it, and who uses the program far more than all others by the number of a day's events.",
    "The hour. Who runs the program at the same minute of each day, as a schedule does, sends at that minute.",
)
_CENSUS = (
    "With the first event of a week this installation is counted once, by an event of its own. It says the version, the "
    "system, the kind of machine, the runtime's series, whether an agent ran it, how long ago this installation was counted "
    "first, in four steps, and which of the events above were used in the last week in which it was counted. CI and homes "
    "made for one run are not counted."
)
_REMEMBERED = (
    "For that, one file on your machine holds the last week that was counted, the first one, and what was used in the last. "
    "It is never sent."
)
_FIRSTS = (
    "For the fields that tell how long something took, or whether it was the first time, another file holds the minute of a "
    "first command until that is said, and what was used. It is never sent."
)


def linked(app: App) -> Iterator[Block]:
    """Describe the level "pseudonymous"."""
    yield Heading(2, ["What every event carries"])
    yield _grid(ENVELOPE)
    if app.identity_file:
        yield Paragraph([_ADOPTED.format(app.identity_file.partition("#")[0])])
    yield from _firsts(app)


def unlinked(app: App) -> Iterator[Block]:
    """Describe the level "none"."""
    yield Heading(2, ["What every event carries"])
    yield Paragraph([CANNOT_BE_LINKED + _MEANING])
    yield _grid(UNLINKED_ENVELOPE)
    yield Heading(2, ["What still links"])
    yield Bullets([[point] for point in WHAT_LINKS])
    yield Heading(2, ["How installations are counted"])
    yield Paragraph([_CENSUS])
    rows = (
        ("age", f"one of {', '.join(AGES)}", "Whether people stay."),
        ("os", "linux, macos, windows or other", "Which systems must stay supported."),
        ("arch", "x86_64, arm64 or other", "Which machines must stay supported."),
        ("runtime", "the interpreter and its series", "Which runtimes must stay supported."),
        ("agent", "true or false", "To tell people from agents."),
        *((f"uses.{name}", "true or false", event.reason) for name, event in app.events.items()),
    )
    yield Grid(("Field", "Possible values", "Why"), [([Code(key)], [what], [why]) for key, what, why in rows])
    yield Paragraph([Code(CENSUS), " is its name. ", _REMEMBERED])
    yield from _firsts(app)


def _firsts(app: App) -> Iterator[Block]:
    if any(
        kind.kind in ("since_first", "first_use") for event in app.events.values() for kind in event.fields.values()
    ):
        yield Paragraph([_FIRSTS])


def _grid(rows: tuple[tuple[str, str, str], ...]) -> Grid:
    return Grid(("Key", "What it is", "Why"), [([Code(key)], [what], [why]) for key, what, why in rows])


def example(app: App, event: Event, fields: str) -> str:
    """An example line of this event, exactly in the form of a real one."""
    if app.identity == NONE:
        inner = fields.removeprefix('"fields":{').removesuffix("}")
        line = unlinked_line(bytes(range(16)), "2026-11-23", app.name, "1.2.3", event.name, False, "", inner)
        return line.decode("ascii").rstrip("\n")
    return seal_line(
        '{"v":1,"id":"019a9f4c-6d00-7abc-8def-0123456789ab","time":"2026-11-23T10:00:00.000Z",'
        f'"app":"{app.name}","version":"1.2.3","name":"{event.name}","user":"5f0c8a1e7b3d4f6290a1c2d3e4f50617",'
        '"session":"9b1d2c3e4f506172","ci":false,"os":"linux","arch":"x86_64","cpus":8,"runtime":"cpython 3.12.1",'
        + fields
    ).decode("ascii").rstrip("\n")  # fmt: skip
