"""What the sweeps work on: an app in a home of its own, what it was promised, and the oracle.

An event carries a number. A number whose `record()` returned True is an obligation: in the end the receiver has it, or it
lies in quarantine, or it is in a count of losses. Nothing else may arrive, and a fresh event flows when all is over.
"""

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipper import App, Event, integer
from shipper.choices.saving import save_choice
from shipper.recording.folder import open_app, open_config, open_state
from shipper.recording.modes import ALL
from tests.crash.points import tell

if TYPE_CHECKING:
    from shipper.spool.spool import Spool
    from tests.crash.receiver import Memory

#: `make guarantees` sweeps every point; the gate sweeps those that can differ.
DEEP = os.environ.get("SHIPPER_TESTS") == "deep"

APP = "demo"
#: The number of the event that must still flow when all is over, and those that operations give to theirs.
FRESH = 900_000_000
ATTEMPTED = range(10_000)


def declare(endpoint: str, **options: Any) -> App:
    """The app under test."""
    return App(
        APP,
        version="1.0",
        endpoint=endpoint,
        events=[Event("tick", "What the crash tests count.", number=integer(0, 999_999_999))],
        **options,
    )


def switch(mode: str) -> None:
    """Store a choice as `shipper on`, `local` and `off` do."""
    with open_config(os.environ, create=True) as config:
        save_choice(config, ALL, mode, "test", 0)


def promise(app: App, number: int) -> bool:
    """Record an event, and tell the parent if it was promised."""
    kept = app.record("tick", number=number)
    if kept:
        tell(b"%d\n" % number)
    return kept


def flush() -> None:
    """One pass by hand, as `shipper flush` runs it."""
    from shipper.flusher import run_pass  # httpx and all: a child that only records is to start fast

    run_pass(APP, environ=os.environ, by_hand=True)


def promised(told: bytes) -> frozenset[int]:
    return frozenset(int(number) for number in told.split())


def numbers_in(lines: Iterable[str]) -> list[int]:
    """The numbers of the events among some lines."""
    found = map(json.loads, lines)
    return [event["fields"]["number"] for event in found if event["name"] == "tick"]


def copied(home: Path, into: Path) -> Path:
    """A copy of a home, in the place of an earlier one."""
    shutil.rmtree(into, ignore_errors=True)
    if home.exists():
        shutil.copytree(home, into, symlinks=True)
    return into


_RANDOM = re.compile(r"[0-9]{8}T[0-9]{9}Z[a-z-]*-[0-9a-f]{8}|(?<=\.)[0-9a-f]{16}$")


def state_of(home: Path) -> str:
    """What the disk says, apart from what differs from run to run: times, ids and random names."""
    seen: dict[str, str] = {}
    digest = sha256()
    for base, folders, names in os.walk(home):
        folders.sort()
        for name in sorted(folders + names):
            path = os.path.join(base, name)
            for part in _RANDOM.findall(name):
                name = name.replace(part, seen.setdefault(part, f"random{len(seen)}"))
            size = -1 if os.path.isdir(path) else _lines(path)
            digest.update(f"{os.path.basename(base)}/{name} {size}\n".encode())
    return digest.hexdigest()


def _lines(path: str) -> int:
    with open(path, "rb") as file:
        data = file.read()
    return data.count(b"\n") * 2 + (not data.endswith(b"\n")) + bool(data)


@dataclass
class Ending:
    """What became of everything: the receiver's memory and what is left on the disk."""

    memory: "Memory"
    quarantined: list[str]
    lost: Mapping[str, int]
    left: int

    def counted(self) -> Counter[str]:
        """The losses by reason: those that the receiver was told and those that it is still to be told."""
        counted = Counter(self.lost)
        for event in map(json.loads, self.memory.events.values()):
            if event["name"] == "shipper.losses":
                counted.update(event["fields"])
        return counted

    def verdict(self, obligations: Collection[int], may_be_dropped: int = 0, attempted: range = ATTEMPTED) -> list[str]:
        """What is wrong, one sentence each; nothing when every promise is kept."""
        numbers = numbers_in(self.memory.events.values())
        counted = self.counted()
        aside = [json.loads(raw)["fields"]["number"] for raw in self.quarantined if raw.startswith('{"v":1,')]
        missing = set(obligations) - set(numbers) - set(aside)
        evicted = counted.get("full", 0) + counted.get("old", 0)
        wrong = list(self.memory.wrong)
        refused = counted.get("rejected", 0) + counted.get("too-large", 0) - counted.get("recovered", 0)
        dropped = refused - len(aside)
        if len(missing) > evicted + max(dropped, 0):
            wrong.append(f"lost in silence: {sorted(missing)[:5]}, counted {dict(counted)}")
        once = [number for number in numbers if number != FRESH]
        if extra := sorted(number for number in once if number not in attempted):
            wrong.append(f"nobody recorded {extra[:5]}")
        if doubled := [number for number, times in Counter(once).items() if times > 1]:
            wrong.append(f"an event arrived under two ids: {sorted(doubled)[:5]}")
        if FRESH not in numbers:
            wrong.append("a fresh event does not arrive")
        if not 0 <= dropped <= may_be_dropped:
            wrong.append(f"{len(aside)} good events in quarantine, counted as {dict(counted)}")
        if self.left:
            wrong.append(f"{self.left} events stay behind")
        return wrong


@contextmanager
def opened() -> "Iterator[Spool]":
    """The spool of this process's home."""
    from shipper.spool import Spool

    with open_state(os.environ) as state, open_app(state, APP) as folder:
        yield Spool(folder, os.environ)


def look(memory: "Memory") -> Ending:
    """What is on the disk of this process's home when all passes are over."""
    with opened() as spool:
        counts = spool.counts()
        raws = [one.raw.decode("ascii", "replace") for one in spool.quarantined()]
        return Ending(memory, raws, counts.lost, counts.events + counts.held)
