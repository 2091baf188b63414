"""The public page "what is collected", generated from the catalog that the code itself enforces."""

from collections.abc import Iterator
from typing import assert_never

from shipper import App
from shipper.privacy.blocks import Block, Bullets, Code, Example, Grid, Heading, Link, Paragraph, Run, markdown, page
from shipper.privacy.levels import example, linked, unlinked
from shipper.recording.consent import variable
from shipper.recording.event import OUT_OF_TYPE, Event
from shipper.recording.modes import ON, PSEUDONYMOUS
from shipper.recording.spans import SPANS
from shipper.recording.values import ValueType

_DAY = 24 * 3600
_MEBIBYTE = 1024 * 1024

_NEVER = (
    "Free text. Every value is a number within bounds, yes or no, or a word of a closed set; there is no other type.",
    "Arguments, file names, paths, contents of files, environment variables, addresses and keys of your services.",
    "The message of an error: only its class, and that only when the class is public.",
    "Your name, your account, your machine's name, its network or hardware addresses, or anything derived from them.",
)


_PROMISE = (
    "This page is generated from the declarations that the program itself enforces. "
    "What is not on it cannot be recorded."
)
_OPT_OUT = (
    "A notice is shown once, on a terminal, and nothing is recorded in that run. Afterwards events are recorded and sent "
    "until you say otherwise."
)
_UNDECLARED = "How long the receiver keeps them, its operator has not declared."
_OPT_IN = "Until you say otherwise, events stay on your machine. Nothing is sent before you run "
_INVITED = (
    " It asks once whether it may, on a terminal, {} days or more after its first use. No answer changes nothing."
)


def as_markdown(app: App) -> str:
    """Write the whole page as Markdown."""
    return markdown(list(_page(app)))


def as_html(app: App) -> str:
    """Write the whole page as one HTML page that loads nothing."""
    return page(f"What {app.name} collects", list(_page(app)))


def events_as_markdown(app: App) -> str:
    """Write only the part on the events, for a page of the author's own."""
    return markdown([block for event in app.events.values() for block in _event(event)])


def _page(app: App) -> Iterator[Block]:
    yield Heading(1, ["What ", Code(app.name), " collects"])
    yield Paragraph([_PROMISE])
    yield from _consent(app)
    yield Heading(2, ["The questions it answers"])
    yield Bullets([[event.reason] for event in app.events.values()])
    yield Heading(2, ["What is recorded"])
    yield Paragraph(["These events and nothing else. A field is left out when it does not apply."])
    for event in app.events.values():
        yield from _event(event)
    yield from linked(app) if app.identity == PSEUDONYMOUS else unlinked(app)
    if app.events:
        yield Paragraph(["An event as it is kept and sent, one line:"])
        first = next(iter(app.events.values()))
        yield Example(example(app, first, fields_of(first)))
    yield Heading(2, ["What is never collected"])
    yield Bullets([[point] for point in _NEVER])
    yield from _journey(app)


def _consent(app: App) -> Iterator[Block]:
    yield Heading(2, ["Whether it is collected"])
    first: Run = [_OPT_IN, _run(app, "on"), "."] if app.policy == "opt-in" else [_OPT_OUT]
    asked = _INVITED.format(app.invite_after) if app.invite_after else ""
    yield Paragraph([*first, asked, " In CI the mode is ", Code(_ci_mode(app)), "."])
    if app.policy_date:
        yield Paragraph([f"This policy dates from {app.policy_date}."])
    yield Bullets(
        [
            ["Look at every event that waits: ", _run(app, "show")],
            ["Keep everything on your machine: ", _run(app, "local")],
            ["Record nothing and erase what waits: ", _run(app, "off")],
            [
                "Erase also what was received: "
                if app.identity == PSEUDONYMOUS
                else "Erase also what this machine remembers for the census: ",
                _run(app, "forget"),
            ],
            [
                "For one call or one shell, where it also holds back what waits: ",
                Code(f"{variable(app.name)}=off"),
                " or ",
                Code("DO_NOT_TRACK=1"),
            ],
            [
                "For everybody on a machine, one word, ",
                Code("off"),
                " or ",
                Code("local"),
                ", in ",
                Code(f"/etc/shipper/{app.name}.mode"),
                "; for who works in a repository, in ",
                Code(".shipper"),
            ],
            ["See each event as it is recorded: ", Code(f"{variable(app.name)}_DEBUG=true")],
        ]
    )


def _run(app: App, action: str) -> Code:
    return Code(_everywhere(app, action))


def _everywhere(app: App, action: str) -> str:
    """Write a command as it is on every machine: the page is made on one, and read on others."""
    for program in app.programs:
        if program.offers():
            return f"{program.prog or app.name} {program.group} {action}"
    return f"shipper {action} {app.name}"


def _ci_mode(app: App) -> str:
    return "local" if app.policy == "opt-in" and app.ci == ON else app.ci


def _event(event: Event) -> Iterator[Block]:
    yield Heading(3, [Code(event.name)])
    about = f" Owner: {event.owner}." if event.owner else ""
    until = f" Recorded until {event.expires}." if event.expires else ""
    since = (
        f" Recorded since {event.since}, of those who have chosen or seen the notice since then." if event.since else ""
    )
    yield Paragraph([event.reason, about, since, until])
    if event.fields:
        rows = [
            ([Code(name)], values(declared), [declared.reason or "As above."], [_care(declared)])
            for name, declared in event.fields.items()
        ]
        cared = any(row[3] != [""] for row in rows)
        columns = ("Field", "Possible values", "Why", "Owner, first and last day")
        yield Grid(columns if cared else columns[:3], rows if cared else [row[:3] for row in rows])
    yield Example(fields_of(event))


def _care(declared: ValueType) -> str:
    return ", ".join(
        filter(
            None,
            (
                declared.owner,
                f"since {declared.since}" if declared.since else "",
                f"until {declared.expires}" if declared.expires else "",
            ),
        )
    )


def values(declared: ValueType) -> Run:
    """Say in words what a field may hold."""
    match declared.kind:
        case "one_of":
            words = [part for member in (*declared.detail, "other") for part in (Code(member), ", ")][:-1]
            often = f"; a random one of them, whatever is true, in {declared.randomised:.3g} of the cases"
            return [*words, often] if declared.randomised else words
        case "integer":
            return [f"a whole number from {declared.detail[0]} to {declared.detail[1]}"]
        case "milliseconds":
            rough = ", ".join(str(bound) for bound in (0, *declared.detail))
            return [
                f"a duration in milliseconds, only as one of {rough}"
                if declared.detail
                else "a duration in milliseconds"
            ]
        case "flag" | "first_use":
            return [Code("true"), " or ", Code("false")]
        case "since_first":
            until = f"the first {declared.detail[1]} that ended well" if len(declared.detail) > 1 else "this"
            steps = [part for span in SPANS for part in (Code(span), ", ")][:-1]
            return [f"how long it took from the first {declared.detail[0]} to {until}, said once: ", *steps]
        case "version_number":
            return ["the leading numbers of a version, or ", Code("other")]
        case "error_class":
            known = (
                f"of {', '.join(declared.detail)}"
                if declared.detail
                else "of a package that the program declares as its dependency"
            )
            return [f"the class of an error that is built in, the program's own or {known}, or ", Code("other")]
        case _:
            assert_never(declared.kind)


def sample(declared: ValueType) -> object:
    """A value for the examples: always the same one, so that the page changes only when the declaration does."""
    match declared.kind:
        case "one_of":
            return declared.detail[0]
        case "integer":
            return declared.detail[0]
        case "milliseconds":
            return 1234
        case "flag" | "first_use":
            return True
        case "since_first":
            return SPANS[1]
        case "version_number":
            return "1.2.3"
        case "error_class":
            return "ValueError"
        case _:
            assert_never(declared.kind)


def fields_of(event: Event) -> str:
    """The fields of an example of this event, as JSON."""
    samples = {name: sample(declared) for name, declared in event.fields.items()}
    return f'"fields":{{{event.encode_fields(samples, strict=True)}}}'


def _journey(app: App) -> Iterator[Block]:
    size, days, _ = app.limits
    yield Heading(2, ["Where it goes, and how long it stays"])
    yield Bullets(
        [
            [
                "On your machine events wait at most ",
                f"{days} days and {_mebibytes(size)}; what was delivered is erased at once.",
            ],
            [
                "They are sent to ",
                Link(app.endpoint),
                ", over an encrypted connection, " if app.endpoint.startswith("https:") else ", ",
                "at most every " if app.identity == PSEUDONYMOUS else "a day's events once it is over, at most every ",
                _span(app.flush_interval),
                ".",
            ],
            [f"The receiver keeps them for {app.retention_days} days." if app.retention_days else _UNDECLARED],
            ["An address of the network that the receiver sees in passing is no part of any event."],
        ]
    )
    yield Paragraph(
        [
            "A value that does not fit its declaration is never sent: it becomes ",
            Code("other"),
            " or is left out, and the event says in ",
            Code(OUT_OF_TYPE),
            " how many there were. Events that had to be given up are counted, and only the counts are sent.",
        ]
    )
    if app.about:
        yield Paragraph(["More about it: ", Link(app.about)])


def _mebibytes(size: int) -> str:
    return f"{size / _MEBIBYTE:.4g} MiB"


def _span(seconds: int) -> str:
    return f"{seconds // 60} minutes" if seconds >= 120 and seconds % 60 == 0 else f"{seconds} seconds"
