"""Everybody at once: writers killed at random, passes started over and over, a receiver in changing moods (S2, S5, S13)."""

import gc
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.crash.crowd import PAUSE
from tests.crash.figures import note
from tests.crash.points import in_child
from tests.crash.receiver import Receiver, receiving
from tests.crash.workshop import FRESH, declare, flush, look, opened, promised
from tests.fixtures.waiting import until

WRITERS = int(os.environ.get("SHIPPER_SOAK_WRITERS", "8"))
#: Events that must have been promised before the crowd may rest.
EVENTS = int(os.environ.get("SHIPPER_SOAK_EVENTS", "4000"))
MOODS: list[dict[str, object]] = [{}, {}, {}, {"status": 503}, {"status": 500}, {"most_lines": 50}, {"silent": True}]
#: Of the moments at which a writer dies: one in so many changes the receiver's mood, one in so many kills the pass. A pass
#: lives for two seconds, a few dozen sends of a core that everybody shares.
MOODS_CHANGE, PASSES_DIE = 20, 40
#: Events per second that a machine must deliver when the crowd is at rest, so that a soak that hangs ends.
LEAST_RATE = 200


@contextmanager
def crowding(receiver: Receiver, told: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """The crowd, in a process group of its own that ends with the test."""
    command = [sys.executable, "-m", "tests.crash.crowd", receiver.url, str(told), str(WRITERS), str(EVENTS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


class Passes:
    """One pass after the other, while the receiver changes its mood; some are killed."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver, self.chance = receiver, random.Random(7)
        self.begun = self.killed = self.failed = 0
        self._child = 0

    def run(self, crowd: "subprocess.Popen[bytes]") -> None:
        """Work until the crowd is at rest."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # so that an end can be waited for
        while crowd.poll() is None:
            if not self._child:
                self._start()
            signal.sigtimedwait({signal.SIGCHLD}, PAUSE)
            if not self.chance.randrange(MOODS_CHANGE):
                self.receiver.feel(self.chance.choice(MOODS))
            if not self.chance.randrange(PASSES_DIE):
                os.kill(self._child, signal.SIGKILL)
            self._reap(os.WNOHANG)

    def end(self) -> None:
        """See the last one out."""
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            self._reap(0)

    def _start(self) -> None:
        self.begun += 1
        self._child = os.fork()
        if self._child == 0:
            code = 1
            try:
                signal.pthread_sigmask(signal.SIG_SETMASK, ())
                flush()
                code = 0
            finally:
                os._exit(code)

    def _reap(self, options: int) -> None:
        ended, status = os.waitpid(self._child, options)
        if ended:
            self._child = 0
            self.killed += status == signal.SIGKILL
            self.failed += status not in (0, signal.SIGKILL)


def test_a_crowd_that_dies_at_random_loses_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shipper.flusher  # noqa: F401 - here, once, and not in each of a thousand passes

    monkeypatch.setenv("SHIPPER_HOME", str(place / "home"))
    monkeypatch.setenv("DEMO_TELEMETRY", "on")
    with receiving() as receiver:
        assert in_child(lambda: declare(receiver.url).record("tick", number=FRESH))[0] == 0
        gc.collect()
        gc.freeze()  # what the collector does not touch is not copied by each fork
        begun, passes = time.monotonic(), Passes(receiver)
        with crowding(receiver, place / "told") as process:
            try:
                passes.run(process)
            finally:
                passes.end()
            assert process.stdout
            crowd = json.load(process.stdout)
        took = time.monotonic() - begun
        receiver.feel({})
        patience = 60 + EVENTS / LEAST_RATE
        until(lambda: in_child(flush)[0] == 0 and nothing_left(), patience, "everything is delivered")
        ending = look(receiver.memory())
        obliged = promised((place / "told").read_bytes())
        assert ending.verdict(obliged, attempted=range(crowd["begun"])) == []
    assert crowd["failed"] == passes.failed == 0
    note(
        "soak",
        events=len(obliged),
        killed=crowd["killed"],
        passes=passes.begun,
        passes_killed=passes.killed,
        counted=ending.counted().total(),
        duplicates_on_the_wire=ending.memory.duplicates,
        writers=WRITERS,
        seconds=round(took),
    )
    assert len(obliged) >= EVENTS
    assert crowd["killed"] > 3


def nothing_left() -> bool:
    with opened() as spool:
        return not any(True for _ in spool.pending())
