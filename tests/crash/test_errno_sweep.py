"""Each disk call fails in each way it can (S11): the host notices nothing, nothing promised is lost, recording comes back.

A full disk takes half of a write first, as a real one does. Once with one failing call, once with a disk that stays as
it is until the host's event is over.
"""

import errno
import time
from functools import partial
from pathlib import Path

import pytest

from shipper.cli import main
from tests.crash.figures import note
from tests.crash.operations import fill, record_into_full, record_one, record_some
from tests.crash.points import FAILURES, Points, can_fail, fail, in_child, install, tell
from tests.crash.receiver import Receiver, receiving
from tests.crash.sweep import Figures, Operation, Sweep
from tests.crash.workshop import APP, DEEP, declare, numbers_in, opened, promise

#: Seconds that a failing disk may cost the host (S11), on a machine that does nothing else.
BUDGET = 0.05
LATER = 2000

HOSTS = [
    Operation("first use of an empty home", record_one),
    Operation("first use, durable against power loss", partial(record_one, durability="power-loss")),
    Operation("record", record_one, record_some),
    Operation("record into a full segment", record_into_full, fill),
]


class Failing(Sweep):
    """A sweep that lets calls fail instead of killing, and holds the host's view of it against what it should see."""

    silent = True

    def __init__(self, operation: Operation, receiver: Receiver, place: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(operation, receiver, place, patch, DEEP)

    def fail(self, number: int, lasting: bool, step: int) -> Figures:
        """Sweep one errno."""
        strike = 1
        while self._fails(strike, number, lasting):
            self.figures.points += 1
            strike += step
        return self.figures

    def _fails(self, strike: int, number: int, lasting: bool) -> bool:
        self._enter("run", "start")
        self.receiver.reset(**self.operation.mood)
        points = Points(strike, fail(number), can_fail(number), lasting)

        def work() -> None:
            install(points)
            self._host(points)

        status, told = in_child(work, loud=self.silent)
        when = f"{errno.errorcode[number]} at {strike}{' and after' if lasting else ''}"
        words = told.split()
        numbers = [int(word) for word in words if word.isdigit()]
        if status != 0 or len(numbers) + 1 != len(words):
            self.figures.wrong.append(f"{self.operation.name}, {when}: the host saw {told[-400:].decode()}")
            return False  # a child that did not say how far it came would be asked for ever
        obliged = self.obliged | frozenset(numbers)
        if self._is_new(obliged):
            self._settle(when, obliged, self.receiver.memory())
        return words[-1:] != [b"passed"]

    def _host(self, points: Points) -> None:
        begun = time.thread_time()
        self.operation.work(self.receiver.url)
        spent = time.thread_time() - begun
        points.over = True
        assert spent < BUDGET, f"{spent * 1000:.0f} ms"
        assert promise(declare(self.receiver.url), LATER), "recording does not come back"
        self._say(points)

    def _say(self, points: Points) -> None:
        tell(b"struck\n" if points.passed >= points.strike else b"passed\n")


class FailingPass(Failing):
    """The same for a pass: it may say on stderr what is wrong, in words, and takes what time it takes."""

    silent = False

    def _host(self, points: Points) -> None:
        code = main(["flush", APP])
        points.over = True
        assert code in (0, 1, 3, 5, 6), code
        with opened() as spool:
            left = numbers_in(raw.decode() for raw in spool.pending())
        assert code or not left, "flush says that nothing is left"
        self._say(points)


@pytest.mark.parametrize("host", HOSTS, ids=[host.name for host in HOSTS])
def test_a_failing_disk_costs_the_host_nothing_and_no_promise(
    host: Operation, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_TELEMETRY", "on")
    with receiving() as receiver:
        sweep = Failing(host, receiver, place, monkeypatch)
        sweep.prepare()
        for number in FAILURES:
            for lasting in (False, True):
                sweep.fail(number, lasting, 1 if DEEP else 3)
    note(f"a failing disk: {host.name}", points=sweep.figures.points)
    assert sweep.figures.wrong == []
    assert sweep.figures.points > 20


@pytest.mark.parametrize("mood", [{}, {"reject": [1, 3]}], ids=["accepted", "some rejected"])
def test_a_failing_disk_costs_a_pass_nothing_but_time(
    mood: dict[str, list[int]], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_TELEMETRY", "on")
    operation = Operation("flush", str, record_some, mood)
    with receiving() as receiver:
        sweep = FailingPass(operation, receiver, place, monkeypatch)
        sweep.prepare()
        for number in FAILURES:
            for lasting in (False, True):
                sweep.fail(number, lasting, 1 if DEEP else 20)
    note("a failing disk: flush", points=sweep.figures.points)
    assert sweep.figures.wrong == []
