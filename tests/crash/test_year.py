"""A year in the life of one spool: each promised event is delivered, or counted as lost, exactly once, to the last one.

50 events a day; a receiver that is away for weeks, behind its senders, moody, and whose acknowledgements are lost; releases
of the app and old copies of it; a person who changes their mind; a clock that jumps. What is real: the spool on disk, the
passes, HTTP over loopback. What is simulated: the time.
"""

import json
import os
import socket
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import pytest

from shipper import App
from shipper.recording.line import format_time, new_id, seal_line, surroundings
from shipper.recording.lock import Lock
from shipper.recording.spooling import _put
from shipper.spool import Spool
from shipper.testing.faults import FAULTS, Received, acknowledge, acknowledgement, reply, shut
from tests.crash.figures import note
from tests.crash.workshop import DEEP
from tests.fixtures.faults import Faults
from tests.fixtures.passes import NOW, choose, flush, sending_to
from tests.fixtures.spools import DAY, told

DAYS = 365 if DEEP else 120
A_DAY = 50
PASSES_A_DAY = 4
#: What makes an event long, and so a spool full within a week of an outage: the bound has work in every year.
PAD = "x" * 1300
BOUND = 700_000
#: Chances of a day, by what the receiver is like in it; an outage lasts for several.
WEATHER = {"well": 60, "away": 4, "moody": 12, "lost replies": 4, "mute": 4, "behind": 10, "refusing": 6}
LASTS = {"away": (5, 25), "mute": (1, 12), "behind": (3, 20)}


@dataclass
class Year:
    """What was promised, and what the receiver is like today."""

    chance: Random
    promised: dict[str, bytes] = field(default_factory=dict)
    weather: str = "well"
    until: int = 0
    version: int = 0
    refused: set[str] = field(default_factory=set)

    def begin(self, day: int) -> None:
        """A new day, with its weather and perhaps a release."""
        if day >= self.until:
            self.weather = self.chance.choices(list(WEATHER), list(WEATHER.values()))[0]
            self.until = day + self.chance.randint(*LASTS.get(self.weather, (1, 1)))
        self.version += day % 30 == 0

    def events(self, now: float) -> list[bytes]:
        """What one process records: of the newest release, or by an old copy."""
        lines = []
        for _ in range(A_DAY // PASSES_A_DAY):
            version = max(1, self.version - (self.chance.random() < 0.1))
            identity = new_id(int(now * 1000), os.urandom(10))
            head = (
                f'{{"v":1,"id":"{identity}","time":"{format_time(int(now * 1000))}","app":"demo","version":"1.{version}",'
                f'"name":"command","session":"{os.urandom(8).hex()}","ci":false,{surroundings()},"fields":{{"pad":"{PAD}"}}'
            )
            lines.append(seal_line(head))
            self.promised[identity] = lines[-1]
            if self.chance.random() < 0.002:
                self.refused.add(identity)
        return lines

    def answer(self, receiver: Faults, connection: socket.socket, request: Received) -> None:
        """What the receiver says today."""
        if self.weather == "away" or (self.weather == "moody" and self.chance.random() < 0.5):
            reply(connection, self.chance.choice((429, 500, 503)))
        elif self.weather == "refusing" and self.refused.intersection(request.ids):
            reply(connection, 422)
        else:
            self._take(receiver, connection, request)

    def _take(self, receiver: Faults, connection: socket.socket, request: Received) -> None:
        events = {event["id"]: event for event in map(json.loads, request.lines)}
        newer = [one for one, event in events.items() if self._is_newer(event)]
        bad = [one for one in events if one in self.refused and one not in newer]
        if not newer and not bad:
            lost = {"lost replies": 0.5, "mute": 1.0}.get(self.weather, 0.0)
            if self.chance.random() < lost:  # it has stored them, and nobody hears of it
                receiver.events.update({json.loads(raw)["id"]: raw for raw in request.lines})
                shut(connection)
            else:
                acknowledge(receiver, connection, request)
            return
        known = [one for one in events if one in receiver.events]
        rest = {json.loads(raw)["id"]: raw for raw in request.lines if json.loads(raw)["id"] not in (*newer, *bad)}
        receiver.events.update(rest)
        said = acknowledgement(
            request,
            accepted=len(rest) - len(known),
            duplicate=len(known),
            rejected=[{"id": one, "reason": "unwanted"} for one in bad],
            deferred=[{"id": one, "reason": "newer than the catalog"} for one in newer],
        )
        reply(connection, 200, {"Content-Type": "application/json"}, json.dumps(said).encode())

    def _is_newer(self, event: dict[str, object]) -> bool:
        behind = self.weather == "behind" and event["name"] == "command"
        return behind and event["version"] == f"1.{self.version}"


def change_of_mind(year: Year, spool: Spool, day: int, now: float) -> None:
    """`local` for two weeks, and `off` for a day: what was pending then is erased, by its owner."""
    if day % 90 == 40:
        choose("local")
        spool.hold_back(now)
    elif day % 90 == 54:
        choose("on")
        spool.let_go(now)
    elif day % 90 == 70:
        year.weather = "well"
        flush(now, random=0.0)  # so that what was lost before is told, and what is erased is known
        pending = {json.loads(raw)["id"] for raw in spool.everything()}
        year.promised = {one: raw for one, raw in year.promised.items() if one not in pending}
        choose("off")
        spool.purge()
    elif day % 90 == 71:
        choose("on")


def write(app: App, spool: Spool, lines: list[bytes], held: bool, now: float) -> None:
    """Append as a host does, which seals what is full and keeps the bound."""
    with Lock(spool.folder, 1.0), spool.folder.folder("held" if held else ".", create=True) as into:
        for line in lines:
            _put(app, spool.folder if held else into, into, int(now * 1000), line)


def counted(receiver: Faults, spool: Spool) -> Counter[str]:
    """The losses by reason: those that the receiver was told, and those that it is still to be told."""
    found = Counter(told(spool))
    for raw in receiver.events.values():
        event = json.loads(raw)
        if event["name"] == "shipper.losses":
            found.update(event["fields"])
    return found


@pytest.mark.parametrize("seed", range(3 if DEEP else 1))
def test_after_a_year_each_promised_event_is_delivered_or_counted_exactly_once(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = Year(Random(seed))
    monkeypatch.setitem(FAULTS, "year", year.answer)
    monkeypatch.setattr("shipper.wires.transport.QUICK_PAUSE", 0.001)  # a year has no time for it
    with Faults("year") as receiver, sending_to(receiver.endpoint, limits={"bytes": BOUND}) as spool:
        app = App("demo", version="1.0", endpoint=receiver.endpoint, max_bytes=BOUND)
        for day in range(DAYS):
            year.begin(day)
            jump = (0, 0, 0, 0, 0, 0, 400 * DAY, -400 * DAY)[day % 8] if day % 50 < 8 else 0
            change_of_mind(year, spool, day, NOW + day * DAY - 1)
            for number in range(PASSES_A_DAY):
                now = NOW + day * DAY + number * DAY / PASSES_A_DAY
                if day % 90 != 70:
                    write(app, spool, year.events(now), day % 90 in range(40, 54), now)
                flush(now + jump, by_hand=False, random=year.chance.random() / 1000)
            if day % 45 == 44:
                spool.retry()
        year.weather, year.until = "well", DAYS + 1000
        year.refused = set()
        choose("on")
        for day in range(DAYS, DAYS + 60):
            flush(NOW + day * DAY, random=year.chance.random() / 1000)
            if not spool.counts().events and not spool.counts().lost:
                break
        aside = {one.id for one in spool.quarantined()}
        delivered = set(receiver.events) & set(year.promised)
        losses = counted(receiver, spool)
    lost = sum(losses.values()) - 2 * losses["recovered"]
    missing = set(year.promised) - delivered
    note("a simulated year", events=len(year.promised), counted=lost)
    assert aside <= missing
    assert len(missing) == lost, (len(year.promised), len(delivered), len(aside), dict(losses))
    assert losses["full"] > 0
