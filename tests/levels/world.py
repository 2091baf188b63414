"""200 simulated installations of the level "none" over twelve weeks: real recording, real passes, and all that arrives.

Clock and chance are injected. A pass writes its batches into a folder, as the wire `file` does; what is kept of each is
what a receiver would see: the minute, the batch's name and its bytes. Who sent it is the truth that the adversary lacks.
"""

import json
import os
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import pytest

from shipper import App, Event, one_of, since_first
from shipper.choices.saving import save_choice
from shipper.flusher import run_pass
from shipper.recording.due import DUE_STEP, read_due
from shipper.recording.folder import open_app, open_config, open_state
from shipper.recording.spans import span_of

WEEKS, DAY, WEEK = 12, 24 * 3600, 7 * 24 * 3600
BEGIN = 1795392000 - 23 * WEEK  #: a Monday
VERSIONS = ("1.0", "1.1", "1.2")


@dataclass
class Arrived:
    """One request as it arrived, and the installation that sent it."""

    minute: int
    name: str
    body: bytes
    sender: int

    @cached_property
    def events(self) -> list[dict[str, object]]:
        """What it holds."""
        return [json.loads(line) for line in self.body.splitlines()]

    @cached_property
    def day(self) -> int:
        """The day of its events, in days since 1970."""
        return date.fromisoformat(str(self.events[0]["time"])).toordinal() - date(1970, 1, 1).toordinal()

    @cached_property
    def admitted(self) -> object:
        """What its events say by themselves, which the documentation admits: versions, names, how many."""
        return tuple(sorted(f"{event['version']} {event['name']}" for event in self.events))

    @cached_property
    def first_id(self) -> int:
        """The first event's id as a number."""
        return int(str(self.events[0]["id"]).replace("-", ""), 16)


@dataclass
class World:
    """All that arrived, and the truth: who ran in which week, what took how long, and how many events there were."""

    arrived: list[Arrived] = field(default_factory=list)
    ran: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    setups: list[str] = field(default_factory=list)
    recorded: int = 0


def declared(outbox: Path, version: str) -> App:
    return App(
        "demo",
        version=version,
        endpoint=f"file://{outbox}",
        identity="none",
        events=[
            Event(
                "command", "Which commands people use.", command=one_of("init", "up", "deploy"),
                outcome=one_of("ok", "error"), setup=since_first("init", "up"),
            ),
            Event("theme", "Which themes people choose.", name=one_of("dark", "light")),
        ],
    )  # fmt: skip


def live(folder: Path, patch: pytest.MonkeyPatch, installations: int, seed: int = 1) -> World:
    """Let the installations live, one after the other: none of them knows of another."""
    world, outbox = World(), folder / "outbox"
    outbox.mkdir()
    patch.setattr(time, "sleep", lambda _: None)  # the pauses between two requests of one pass: the clock is injected
    for number in range(installations):
        _live_one(folder / str(number), outbox, patch, world, number, random.Random(seed * 100_003 + number))
    world.arrived.sort(key=lambda one: one.minute)
    return world


def _live_one(
    home: Path, outbox: Path, patch: pytest.MonkeyPatch, world: World, number: int, chance: random.Random
) -> None:
    patch.setenv("SHIPPER_HOME", str(home))
    with open_config(os.environ, create=True) as config:
        save_choice(config, "demo", "on", "test", BEGIN * 1000)
    apps = [declared(outbox, version) for version in VERSIONS]
    first, rate, loves = chance.randrange(6 * 7), chance.choice([0.15, 0.3, 0.7]), chance.random()
    begun, done = 0, False
    for day in range(first, WEEKS * 7 + 1):
        last = day == WEEKS * 7  # everybody comes once more, so that what waits is sent
        if not last and day > first and chance.random() > rate:
            continue
        app = apps[min(2, day // 28)]
        for moment in sorted(chance.randrange(DAY) for _ in range(1 if last else chance.randrange(1, 5))):
            now = BEGIN + day * DAY + moment
            patch.setattr(time, "time_ns", lambda now=now: now * 1_000_000_000)
            if chance.random() < loves * 0.3:
                kept = app.record("theme", name=chance.choice(["dark", "light"]))
            else:
                command = "init" if not begun else chance.choice(["up", "deploy"])
                outcome = "ok" if chance.random() < 0.7 else "error"
                kept = app.record("command", command=command, outcome=outcome)
                if command == "up" and outcome == "ok" and not done:
                    done = True
                    world.setups.append(span_of(now // 60 - begun // 60))
                begun = begun or now
            assert kept
            world.recorded += 1
            world.ran[day // 7].add(number)
            _pass_if_due(outbox, world, number, now, chance)
    for more in range(1, 40):  # until the last day has left
        _pass(outbox, world, number, BEGIN + (WEEKS * 7 + 2 + more) * DAY, chance)


def _pass_if_due(outbox: Path, world: World, number: int, now: int, chance: random.Random) -> None:
    with open_state(os.environ) as state, open_app(state, "demo") as spool:
        due = read_due(spool)[1]
    if 0 < due <= now + DUE_STEP:  # whoever finds a pass due moves the time on, and starts it
        _pass(outbox, world, number, now, chance)


def _pass(outbox: Path, world: World, number: int, now: int, chance: random.Random) -> None:
    run_pass("demo", environ=os.environ, clock=lambda: float(now), randomness=chance.random)
    for file in outbox.iterdir():
        world.arrived.append(Arrived(now // 60, file.name, file.read_bytes(), number))
        file.unlink()
