"""The kill sweep: die before each call of an operation, then before each call of the recovery, then ask the oracle."""

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.crash.points import Points, changes, in_child, install, kill, was_killed
from tests.crash.receiver import Memory, Receiver
from tests.crash.workshop import FRESH, Ending, copied, declare, flush, look, numbers_in, promise, promised, state_of

#: In the gate each state's recovery dies at every so many calls, from another one each time; `make guarantees` takes all.
THIN = 24
#: And not every death is followed by deaths in the recovery.
FEW = 10


@dataclass(frozen=True)
class Operation:
    """Something that shipper does with the disk. `prepare` makes the home it starts from and promises events in it.

    `mood` is how the receiver behaves meanwhile; it accepts everything afterwards. `recover` is what a person does before
    the next pass. `judge` replaces the oracle where promises end on purpose (`off`).
    """

    name: str
    work: Callable[[str], object]
    prepare: Callable[[str], object] = str
    mood: Mapping[str, Any] = field(default_factory=dict)
    recover: Callable[[], object] = int
    judge: Callable[[Ending, frozenset[int]], list[str]] | None = None


@dataclass
class Figures:
    """What a sweep came to: deaths in the operation, deaths in its recovery, and the different states they left."""

    points: int = 0
    recovery_points: int = 0
    states: int = 0
    wrong: list[str] = field(default_factory=list)


class Sweep:
    """One operation, swept; `deep` dies before every call and not only before those that change something.

    What follows from a state is tried once: the same files, the same receiver and the same obligations end the same way.
    """

    def __init__(
        self, operation: Operation, receiver: Receiver, place: Path, patch: pytest.MonkeyPatch, deep: bool
    ) -> None:
        self.operation, self.receiver, self.place, self.patch, self.deep = operation, receiver, place, patch, deep
        self.figures = Figures()
        self.seen: set[tuple[str, frozenset[int]]] = set()
        self.obliged: frozenset[int] = frozenset()

    def run(self) -> Figures:
        """Sweep it."""
        self.prepare()
        strike, killed = 0, True
        while killed:
            strike += 1
            self._enter("run", "start")
            self.receiver.reset(**self.operation.mood)
            killed, obliged = self._strike(strike, self._work, self.obliged)
            self.figures.points += killed
            if self._is_new(obliged):
                self._try_everything_from(strike, obliged)
        return self.figures

    def prepare(self) -> None:
        """Make the home that each try starts from, and note what was promised in it."""
        gc.collect()
        gc.freeze()  # thousands of forks: what the collector does not touch is not copied
        self._enter("start")
        status, told = in_child(lambda: self.operation.prepare(self.receiver.url))
        assert status == 0, f"{self.operation.name}: cannot be prepared"
        self.obliged = promised(told)

    def _enter(self, name: str, source: str = "") -> None:
        self.patch.setenv("SHIPPER_HOME", str(self.place / name))
        if source:
            copied(self.place / source, self.place / name)

    def _strike(self, strike: int, work: Callable[[], object], obliged: frozenset[int]) -> tuple[bool, frozenset[int]]:
        def struck() -> None:
            install(Points(strike, kill, anything if self.deep else changes))
            work()

        status, told = in_child(struck)
        assert was_killed(status) or status == 0, f"{self.operation.name}: fails by itself at {strike}"
        return was_killed(status), obliged | promised(told)

    def _is_new(self, obliged: frozenset[int]) -> bool:
        """Whether this end of a process is one that no earlier one left."""
        memory = self.receiver.memory()
        arrived = sorted(numbers_in(memory.events.values()))
        found = (f"{state_of(self.place / 'run')} {arrived}", obliged)
        new = found not in self.seen
        self.seen.add(found)
        self.figures.states += new
        return new

    def _work(self) -> None:
        self.operation.work(self.receiver.url)

    def _recovery(self) -> None:
        self.operation.recover()
        promise(declare(self.receiver.url), FRESH)
        flush()
        flush()

    def _try_everything_from(self, strike: int, obliged: frozenset[int]) -> None:
        memory = self.receiver.memory()
        memory.mood = {}
        copied(self.place / "run", self.place / "after")
        self._settle(f"killed at {strike}", obliged, memory)
        if not self.deep and self.figures.points % FEW:
            return
        step = 1 if self.deep else THIN
        again, killed = strike % step, True
        while killed:
            again += step
            self._enter("run", "after")
            self.receiver.restore(memory)
            killed, now_obliged = self._strike(again, self._recovery, obliged)
            self.figures.recovery_points += killed
            if self._is_new(now_obliged):
                self._settle(f"killed at {strike}, its recovery at {again}", now_obliged, self.receiver.memory())

    def _settle(self, when: str, obliged: frozenset[int], memory: Memory) -> None:
        """Let everything come to rest, then ask the oracle."""
        self.receiver.restore(memory)
        status, told = in_child(self._recovery)
        judge = self.operation.judge or Ending.verdict
        wrong = judge(look(self.receiver.memory()), obliged | promised(told))
        if status != 0:
            wrong.append("the recovery itself fails")
        self.figures.wrong += [f"{self.operation.name}, {when}: {one}" for one in wrong]


def anything(*_: object) -> bool:
    """Every call is a point: what a deep sweep counts."""
    return True
