"""A fleet of clients after an outage, simulated with the real decisions: `python -m tests.bench.fleet 10000`.

Every client has a daemon and something to send each quarter of an hour, which is the worst that a fleet can do. The
receiver is away for two hours and comes back. What is simulated is time, the network and the events; every wait, every
order and every next step comes from `shipper.delivery`, so the table that this prints is about the code that runs.

    peak        requests in the busiest second after the recovery, and over the steady rate
    wasted      requests per client while the receiver was away
    p99         seconds until 99 of 100 clients had their first success
    drained     seconds until 99 of 100 clients had nothing left of the outage
"""

import argparse
import gc
import heapq
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from unittest import mock

from shipper.delivery import backoff, journal, plan, segment_progress, transitions
from shipper.delivery.journal import Journal
from shipper.delivery.outcome import Accepted, Outcome, Unavailable
from shipper.delivery.plan import Finish, PassState, Queued
from shipper.delivery.policy import PACE, PASS_SECONDS

OUTAGE = 2 * 3600.0
#: Simulated time after the recovery.
AFTER = 3 * 3600.0
INTERVAL = 900
ACCEPTED: Outcome = Accepted(status=200)
AWAY: Outcome = Unavailable(status=503, cause="server")

Jitter = Callable[[float], float]
JITTERS: dict[str, Jitter] = {
    "full": lambda chance: chance,
    "equal": lambda chance: 0.5 + chance / 2,
    "none": lambda _: 1.0,
}


@dataclass(frozen=True, slots=True)
class OneLine:
    """All that a decision needs to know of an event."""

    number: int = 1
    raw: bytes = b"x" * 400
    id: str = "e"


LINES = (OneLine(),)


@dataclass(slots=True)
class Client:
    """One client: its journal, its backlog, and the pass under way."""

    journal: Journal = field(default_factory=Journal)
    backlog: tuple[str, ...] = ()
    sealed: int = 0
    active: bool = False
    filled: float = 0.0
    state: PassState | None = None
    ends: float = 0.0
    succeeded: float = -1.0
    drained: float = -1.0


@dataclass
class Fleet:
    """The simulation. `capacity` is what the receiver takes per second once it is back (0: everything).

    `fills` are the seconds in which a client's writers fill a segment of 256 KiB by themselves.
    """

    clients: int
    jitter: Jitter = JITTERS["full"]
    capacity: int = 0
    fills: float = float("inf")
    seed: int = 1
    requests: Counter[int] = field(default_factory=Counter)
    answered: Counter[int] = field(default_factory=Counter)
    drained: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Let the clients live until the end of the simulated time."""
        chance = random.Random(self.seed)
        fleet = [Client() for _ in range(self.clients)]
        queue = [(chance.uniform(0, INTERVAL), number) for number in range(self.clients)]
        heapq.heapify(queue)
        while queue and queue[0][0] < OUTAGE + AFTER:
            now, number = heapq.heappop(queue)
            again = self._step(fleet[number], now, chance)
            if fleet[number].drained < 0:  # from then on it is one request an interval, which `report` adds
                heapq.heappush(queue, (again, number))

    def _step(self, client: Client, now: float, chance: random.Random) -> float:
        """Do what the client does now, and say when it does something again."""
        if client.state is None:
            self._begin(client, now, chance)
        going = client.state
        assert going is not None
        going = replace(going, left=client.ends - now)
        step = plan.next_step(going, now, chance.random())
        if isinstance(step, Finish) and step.why == "empty" and client.active:
            self._seal(client)
            client.state = replace(going, queue=(Queued(client.backlog[-1]),))
            return now
        if isinstance(step, Finish):
            return self._end(client, step, now, chance)
        name = step.names[0]
        if name not in going.segments:
            going = transitions.add_segment(going, segment_progress.begin(name, LINES, None))
        outcome = self._receive(now + step.pause)
        going = transitions.settle(going, name, outcome, now + step.pause, self.jitter(chance.random()))
        client.state = (
            transitions.drop_segment(going, name) if name in going.segments and going.segments[name].settled else going
        )
        if outcome is ACCEPTED and now >= OUTAGE and client.succeeded < 0:
            client.succeeded = now + step.pause
            self.firsts.append(client.succeeded - OUTAGE)
        return now + step.pause + 0.05

    def _begin(self, client: Client, now: float, chance: random.Random) -> None:
        """A new pass: since the last one something was recorded, and a busy client's writers have sealed some of it."""
        kept = journal.trusted(client.journal, now)
        while client.filled + self.fills <= min(now, OUTAGE):
            client.filled += self.fills
            self._seal(client)
        client.active = True
        if now >= kept.not_before and plan.may_seal(PassState(kept), bool(client.backlog)):
            self._seal(client)
        client.ends = now + PASS_SECONDS
        client.state = PassState(kept, plan.order(client.backlog, kept, chance.random()))

    def _seal(self, client: Client) -> None:
        client.sealed, client.active = client.sealed + 1, False
        client.backlog = (*client.backlog, f"{client.sealed:06d}")

    def _end(self, client: Client, finish: Finish, now: float, chance: random.Random) -> float:
        assert client.state is not None
        client.journal = transitions.last_journal(client.state, 0.0, now, chance.random())
        client.backlog = tuple(sorted(each.name for each in client.state.queue))
        client.state = None
        left = bool(client.backlog) or client.active
        if not left and client.succeeded >= 0:
            client.drained = now - OUTAGE
            self.drained.append(client.drained)
        return max(float(transitions.due(client.journal, finish, left, now, INTERVAL)[1]), now + 1.0)

    def _receive(self, now: float) -> Outcome:
        second = int(now)
        self.requests[second] += 1
        if now < OUTAGE:
            return AWAY
        if self.capacity and self.answered[second] >= self.capacity:
            return AWAY
        self.answered[second] += 1
        return ACCEPTED

    def report(self) -> dict[str, float]:
        """The figures of this run."""
        steady = self.clients / INTERVAL
        after = {second: count for second, count in self.requests.items() if second >= OUTAGE}
        peak = max(after.values(), default=0) + steady
        wasted = sum(count for second, count in self.requests.items() if second < OUTAGE)
        return {
            "peak": peak,
            "over": peak / steady,
            "wasted": wasted / self.clients,
            "p99": _share(self.firsts, self.clients),
            "drained": _share(self.drained, self.clients),
        }


def _share(found: list[float], clients: int) -> float:
    """When 99 of 100 clients had it; infinite when they never did."""
    place = int(clients * 0.99)
    return sorted(found)[place - 1] if len(found) >= place else float("inf")


@contextmanager
def constants(cap: float, pace: float, each_try: bool = False) -> Iterator[None]:
    """Try other numbers than those of `policy`, and a segment more with each try."""
    with ExitStack() as stack:
        for module in (backoff, journal):
            stack.enter_context(mock.patch.object(module, "BACKOFF_CAP", cap))
        for module in (transitions, journal, segment_progress):
            stack.enter_context(mock.patch.object(module, "replace", _replace))
        stack.enter_context(mock.patch.object(plan, "PACE", pace))
        if each_try:
            stack.enter_context(mock.patch.object(plan, "may_seal", return_value=True))
        yield


def _replace(found: Any, **changes: Any) -> Any:
    """`dataclasses.replace` without its checks, which take most of the time of a million clients."""
    kind: Any = type(found)
    copy = kind.__new__(kind)
    for name, member in _members(kind):
        member.__set__(copy, changes[name] if name in changes else member.__get__(found))
    return copy


@cache
def _members(kind: Any) -> list[tuple[str, Any]]:
    return [(name, kind.__dict__[name]) for name in kind.__slots__]


@dataclass(frozen=True)
class Row:
    """What is tried: numbers of the policy, and the circumstances."""

    jitter: str = "full"
    cap: float = 3600.0
    pace: float = PACE
    each_try: bool = False
    fills: float = float("inf")
    capacity: int = 0


CHOSEN = Row()
ROWS = [
    CHOSEN,
    Row("none", 3600.0, 0.0, True),
    Row("full", 3600.0, 0.0, True),
    Row("full", 900.0, 0.0, True),
    Row("full", 300.0, 0.0, True),
    Row("none", 300.0, 0.0, True),
    Row(fills=360.0, pace=0.0),
    Row(fills=360.0, pace=2.0),
    Row(fills=360.0, pace=10.0),
    Row(fills=360.0, capacity=3),
]


def main() -> int:
    """Print the table for so many clients."""
    parser = argparse.ArgumentParser(description="Simulate a fleet after an outage of two hours.")
    parser.add_argument("clients", type=int)
    parser.add_argument("--chosen", action="store_true", help="only the constants that are in use")
    arguments = parser.parse_args()
    gc.disable()  # nothing here is a cycle, and looking for one among a million clients takes longer than they do
    steady = arguments.clients / INTERVAL
    print(f"{arguments.clients:,} clients, one batch each {INTERVAL} s: {steady:,.1f} requests/s when all is well")
    print("jitter  cap  pace  seals     backlog  capacity   peak/s    over  wasted  p99 s  drained s   took")
    for row in [CHOSEN] if arguments.chosen else ROWS:
        begun = time.monotonic()
        fleet = Fleet(arguments.clients, JITTERS[row.jitter], int(steady * row.capacity), row.fills)
        with constants(row.cap, row.pace, row.each_try):
            fleet.run()
        found = fleet.report()
        print(
            f"{row.jitter:6} {row.cap:4.0f} {row.pace:5.0f}  {'each try' if row.each_try else 'once':8} "
            f"{'light' if row.fills > OUTAGE else f'{OUTAGE / row.fills:.0f} more':>8} "
            f"{f'{row.capacity} x' if row.capacity else 'any':>9} {found['peak']:8,.0f} {found['over']:6.1f}x "
            f"{found['wasted']:7.1f} {found['p99']:6,.0f} {found['drained']:10,.0f} {time.monotonic() - begun:5.0f}s",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
