"""A world of events that is the same every time: people, versions, commands, errors, CI, late arrivals, losses."""

import random
from collections.abc import Iterator

from shipper.collector.stores.store import Row, Value, person_of

NOW = 1_795_435_200
"""2026-11-23T12:00:00Z in Unix seconds."""
DAY = 86_400
VERSIONS = ("0.148.2", "0.149.0", "0.150.0")
COMMANDS = {"init": 6, "up": 40, "generate": 25, "down": 12, "publish": 5, "test": 12}
ERRORS = ("ConnectionError", "wunderctl.ConfigError", "FileNotFoundError", "PermissionError", "TimeoutError")
RUNTIMES = ("cpython 3.11.7", "cpython 3.12.1", "cpython 3.13.0", "pypy 3.11.4")
PLATFORMS = (("linux", "x86_64"), ("macos", "arm64"), ("linux", "arm64"), ("windows", "x86_64"))
PER_PERSON = 200
"""Events of one person over the world's time."""


def world(events: int, *, days: int = 365, seed: int = 1) -> Iterator[tuple[Row, int]]:
    """Yield rows, roughly by time, each with the Unix second at which it arrives.

    Every PER_PERSON-th event is the first of a new person, who runs `init` and some minutes later `up`.
    """
    chance = random.Random(seed)
    start = NOW - days * DAY
    for number in range(events):
        happened = start + number * days * DAY // events
        newest, since = divmod(number, PER_PERSON)
        if since == 0:
            yield row(chance, number, happened, newest, days * DAY, {"command": "init", "outcome": "ok"}), happened
        elif since == 1:
            later = happened + int(chance.lognormvariate(6.2, 1.1))
            yield row(chance, number, later, newest, days * DAY, {"command": "up", "outcome": "ok"}), later
        else:
            person = newest - int(newest * chance.random() ** 1.3)
            yield row(chance, number, happened, person, days * DAY), arrival(chance, happened)


def row(
    chance: random.Random, number: int, happened: int, person: int, span: int, ran: dict[str, Value] | None = None
) -> Row:
    """One event of one person."""
    name, fields = ("command", ran) if ran else what(chance)
    ci = not ran and chance.random() < 0.15
    version = VERSIONS[min(2, max(0, (happened - NOW + span) * 3 // span + chance.choice((-1, 0, 0, 0))))]
    time = happened * 1000 + chance.randrange(1000)
    if chance.random() < 0.0005:
        time = chance.choice((0, 4_000_000_000_000))  # a broken clock
    os, arch = PLATFORMS[min(3, person % 7)]
    return Row(
        (time & (1 << 48) - 1).to_bytes(6, "big") + b"\x70\0\x80\0" + number.to_bytes(6, "big"),
        time, "gadget" if person % 50 == 7 else "wunderctl", version, name,
        "" if ci or name == "shipper.losses" else person_of(str(person)),
        f"{chance.getrandbits(64):016x}", ci, os, arch, 4, RUNTIMES[min(3, person % 9)], fields,
    )  # fmt: skip


def what(chance: random.Random) -> tuple[str, dict[str, Value]]:
    """The kind of an event and its fields."""
    kind = chance.random()
    if kind < 0.8:
        return "command", command(chance)
    if kind < 0.9:
        return "datasource", {"kind": chance.choice(("postgres", "postgres", "mysql", "rest", "graphql"))}
    if kind < 0.95:
        return "integration", {"kind": chance.choice(("nextjs", "nextjs", "vite", "remix"))}
    if kind < 0.999:
        return "editor", {"lsp": chance.random() < 0.5, "operations": chance.randrange(300)}
    return "shipper.losses", {"age": chance.randrange(1, 9), "size": chance.randrange(3)}


def command(chance: random.Random) -> dict[str, Value]:
    """A command, how long it took and how it ended."""
    name = chance.choices(tuple(COMMANDS), tuple(COMMANDS.values()))[0]
    took = int(chance.lognormvariate(7, 1.6))
    if chance.random() < 0.9 + 0.05 * (name == "up"):
        return {"command": name, "duration_ms": took, "outcome": "ok"}
    return {"command": name, "duration_ms": took, "outcome": "error", "error": chance.choice(ERRORS)}


def arrival(chance: random.Random, happened: int) -> int:
    """Most arrive within the quarter of an hour, some after a weekend offline, a few from the future."""
    return happened + int(
        chance.choices((600, 4000, 100_000, 800_000, -900), (80, 12, 6, 1.9, 0.1))[0] * chance.random()
    )
