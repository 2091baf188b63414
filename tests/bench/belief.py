"""When may a refusal be believed? A sender behind a balancer with one bad node: `python -m tests.bench.belief`.

A pass every so often, each with a fresh segment. The balancer chooses a node for each request or for each connection (a
pass keeps one), in turn or by chance; one node of them is bad and refuses whatever it is given, always or while it is not
away. Every decision comes from `shipper.delivery`. Two questions:

    given up    healthy events that were set aside, per million passes. They are too few to be counted: what is counted is
                which share of those with n trials against them comes to n + 1, and that is multiplied out.
    poison      what a truly poisonous event costs, in requests that were refused on its account, until it is set aside
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count, product
from random import Random

from shipper.delivery import journal, plan, segment_progress, transitions
from shipper.delivery.journal import Evidence, Journal
from shipper.delivery.outcome import Accepted, Outcome, Rejected
from shipper.delivery.plan import PassState, Send
from shipper.delivery.policy import TRIALS, WITNESSES
from shipper.delivery.segment_progress import Part

#: Seconds between two passes.
INTERVAL = 900.0
REFUSED: Outcome = Rejected(status=400)
ACCEPTED: Outcome = Accepted()


@dataclass(frozen=True, slots=True)
class OneLine:
    """All that a decision needs to know of an event."""

    number: int
    id: str
    raw: bytes = b"x" * 400


@dataclass
class Balancer:
    """Some nodes of which the first is bad; `ask` says what the node that gets a request answers."""

    nodes: int
    by_connection: bool
    in_turn: bool
    comes_and_goes: bool
    chance: Random
    turn: int = 0
    away: bool = False

    def connect(self) -> None:
        """A pass begins."""
        if self.comes_and_goes and self.chance.random() < 0.2:
            self.away = not self.away
        if self.by_connection:
            self._choose()

    def _choose(self) -> None:
        self.turn = (self.turn + 1) % self.nodes if self.in_turn else self.chance.randrange(self.nodes)

    def refuses(self) -> bool:
        """Whether the node that this request comes to is the bad one. Others send through it as well, between ours."""
        if not self.by_connection:
            self._choose()
        return self.turn == 0 and not self.away


@dataclass
class Sender:
    """One spool over many passes. `poison` are the ids that every node refuses."""

    receive: Callable[[Part], Outcome]
    chance: Random
    now: float = 1.8e9
    journal: Journal = field(default_factory=Journal)
    waiting: dict[str, list[OneLine]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)
    passes: int = 0
    set_aside: set[str] = field(default_factory=set)
    delivered: dict[str, int] = field(default_factory=dict)
    reached: Counter[int] = field(default_factory=Counter)

    def add(self, lines: int) -> list[str]:
        """A fresh segment of so many events; their ids."""
        name = f"s{next(self.numbers):08d}"
        self.waiting[name] = [OneLine(number, f"{name}/{number}") for number in range(1, lines + 1)]
        return [line.id for line in self.waiting[name]]

    def run(self) -> None:
        """One pass, as the flusher carries it out."""
        self.passes += 1
        self.now += INTERVAL
        state = PassState(self.journal, plan.order(list(self.waiting), self.journal, self.chance.random()))
        while isinstance(step := plan.next_step(state, self.now, self.chance.random()), Send):
            (name,) = step.names
            if name not in state.segments:
                found = journal.suspects_of(state.journal, name)
                suspects = {line: evidence.trials for line, evidence in found.items()}
                witnesses = WITNESSES if state.journal.suspects else 1
                # Lines that were settled in an earlier pass are gone; their numbers stay, so the rest travels in ranges.
                gone = {0} if suspects else set()
                begun = segment_progress.begin(
                    name, self.waiting[name], None, gone, suspects=suspects, witnesses=witnesses
                )
                state = transitions.add_segment(state, begun)
            before = dict(state.journal.suspects)
            outcome = self.receive(state.part(name))
            state = transitions.settle(state, name, outcome, self.now, self.chance.random())
            self._note(before, state.journal)
        before = dict(state.journal.suspects)
        state = transitions.note_suspects(state)
        self._note(before, state.journal)
        for name, progress in state.segments.items():
            self.set_aside |= {line.id for line in progress.given if line.number in progress.rejected}
            for line in progress.given:
                if line.number in progress.accepted:
                    self.delivered.setdefault(line.id, self.passes)
            done = progress.accepted | progress.rejected.keys()
            self.waiting[name] = [line for line in self.waiting[name] if line.number not in done]
            state = replace(state, journal=journal.forgotten(state.journal, name)) if progress.settled else state
        self.waiting = {name: lines for name, lines in self.waiting.items() if lines}
        self.journal = transitions.last_journal(state, 0.0, self.now, self.chance.random())
        self.journal = replace(self.journal, not_before=0.0, failures=0)  # when it comes again is not the question here

    def _note(self, before: dict[str, Evidence], after: Journal) -> None:
        """Count how many suspects ever had so many trials against them."""
        for key, found in after.suspects.items():
            known = before[key].trials if key in before else -1
            self.reached.update(range(known + 1, found.trials + 1))


@dataclass(frozen=True)
class Healthy:
    """What came of healthy events: how many passes, how many suspects ever had n trials against them, how many went.

    A bisection brings up to `entry` trials at once; from there on they come one by one.
    """

    passes: int
    entry: int
    reached: tuple[int, ...]
    given_up: int

    @property
    def share(self) -> float:
        """The share of suspects with n trials against them that came to n + 1, of all n together."""
        before, after = sum(self.reached[self.entry : -1]), sum(self.reached[self.entry + 1 :])
        return after / before if before else 0.0

    @property
    def per_million(self) -> float:
        """Healthy events given up in a million passes."""
        return float(1e6 * self.reached[self.entry] / self.passes * self.share ** (TRIALS - self.entry))


def healthy(
    nodes: int, by_connection: bool, in_turn: bool, comes_and_goes: bool, lines: int, passes: int, seed: int = 1
) -> Healthy:
    """Send fresh segments of so many events through a balancer with a bad node."""
    chance = Random(seed)
    balancer = Balancer(nodes, by_connection, in_turn, comes_and_goes, chance)
    sender = Sender(lambda _: REFUSED if balancer.refuses() else ACCEPTED, chance)
    for _ in range(passes):
        sender.add(lines)
        balancer.turn = chance.randrange(nodes)  # others sent through it in between
        balancer.connect()
        sender.run()
    reached = tuple(sender.reached[trials] for trials in range(TRIALS + 1))
    return Healthy(passes, (lines - 1).bit_length(), reached, len(sender.set_aside))


@dataclass(frozen=True)
class Poison:
    """What a poisonous event cost: refused requests, seconds until it was aside, the pass that delivered the last other."""

    requests: int
    seconds: float
    others_by_pass: int


def poison(lines: int, place: int, fresh: int = 3, seed: int = 1) -> Poison:
    """One poisonous event among so many, a receiver that is well, and a fresh segment for each later pass."""
    chance = Random(seed)
    refused = [0]
    bad: set[str] = set()

    def receive(part: Part) -> Outcome:
        found = any(line.id in bad for line in part.lines)
        refused[0] += found
        return REFUSED if found else ACCEPTED

    sender = Sender(receive, chance)
    ids = sender.add(lines)
    bad.add(ids[place])
    begun = sender.now
    sender.add(fresh)
    while not sender.set_aside:
        sender.run()
        sender.add(fresh)
    assert sender.set_aside == bad
    others = [sender.delivered[each] for each in ids if each not in bad]
    return Poison(refused[0], sender.now - begun, max(others, default=1))


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Simulate a balancer with one bad node.")
    parser.add_argument("--passes", type=int, default=200_000)
    arguments = parser.parse_args()
    print("nodes  balances by  in turn  bad node        events  suspects          share  given up per million passes")
    for nodes, by_connection, in_turn, comes, lines in product(
        (2, 3, 5), (False, True), (True, False), (False, True), (1, 20)
    ):
        found = healthy(nodes, by_connection, in_turn, comes, lines, arguments.passes)
        print(
            f"{nodes:5}  {'connection' if by_connection else 'request':11}  {'yes' if in_turn else 'no':7}"
            f"  {'comes and goes' if comes else 'stays':14}  {lines:6}  {found.reached[0]:8,}  {found.share:13.3f}"
            f"  {found.per_million:.2g}",
            flush=True,
        )
    print()
    print(
        "events in the segment  refused requests, most  hours until aside, most  pass that delivered the last other, most"
    )
    for lines in (1, 2, 20, 100, 1000):
        runs = [poison(lines, Random(seed).randrange(lines), seed=seed) for seed in range(20)]
        print(
            f"{lines:21}  {max(one.requests for one in runs):22}  {max(one.seconds for one in runs) / 3600:23.1f}"
            f"  {max(one.others_by_pass for one in runs):39}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
