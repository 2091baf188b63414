"""A week without a receiver, and a night asleep: the daemon's decisions and real passes, on a clock that we turn."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from shipper.daemon import schedule, spools
from shipper.delivery.policy import BACKOFF_CAP, RETRY_AFTER_CAP
from shipper.flusher import run_pass
from shipper.recording.due import advance_due, read_due
from shipper.recording.folder import open_state
from shipper.recording.lock import Lock
from shipper.spool import Spool
from tests.fixtures.faults import Faults
from tests.fixtures.passes import NOW, id_of, line, sending_to
from tests.fixtures.spools import record

HOUR, DAY, INTERVAL = 3600.0, 86400.0, 900


@dataclass
class Days:
    """What the daemon's loop does, with the time as a number: look, start what is due, sleep as long as it was told."""

    spool: Spool
    now: float = NOW
    awake: float = 0.0
    passes: list[float] = field(default_factory=list)
    ended: float = -schedule.REST  # on the clock that only runs, and only while the machine is awake
    said: set[str] = field(default_factory=set)

    def use(self) -> None:
        """An invocation records one event and sets or keeps the time of the next pass."""
        raw = line(now=self.now)
        self.said.add(id_of(raw))
        record(self.spool, [raw])
        with Lock(self.spool.folder, 1):
            advance_due(self.spool.folder, int(self.now), INTERVAL, 0)

    def look(self) -> float:
        """One turn of the loop: a pass if one is due. Returns the seconds until the next look."""
        with open_state(os.environ) as state:
            rests = {"demo": self.ended + schedule.REST - self.awake}
            start, seconds = schedule.plan(spools.look(state), (), rests, self.now)
            for name in start:
                spools.move_on(state, name, self.now)
                self.passes.append(self.now)
                self.ended = self.awake
                run_pass(name, clock=lambda: self.now, randomness=lambda: 0.999)
                seconds = schedule.REST
        return HOUR if seconds is None else max(seconds, 1.0)

    def live(self, seconds: float) -> None:
        """Let time pass, an event every hour."""
        end, next_use = self.now + seconds, self.now
        while self.now < end:
            if self.now >= next_use:
                self.use()
                next_use += HOUR
            step = min(self.look(), end - self.now, max(next_use - self.now, 1.0))
            self.now, self.awake = self.now + step, self.awake + step


@pytest.fixture
def down() -> Iterator[tuple[Faults, Days]]:
    with Faults("page") as receiver, sending_to(receiver.endpoint, flush_interval=INTERVAL) as spool:
        yield receiver, Days(spool)


def test_a_week_without_a_receiver_costs_a_try_an_hour_and_nothing_is_lost(down: tuple[Faults, Days]) -> None:
    receiver, days = down
    days.live(7 * DAY)
    assert 7 * 24 <= len(days.passes) <= 7 * 24 + 20
    assert max(b - a for a, b in zip(days.passes[10:], days.passes[11:], strict=False)) <= BACKOFF_CAP + INTERVAL
    assert receiver.events == {}

    receiver.script[:] = ["acknowledge"]
    came_back = days.now
    days.live(BACKOFF_CAP + INTERVAL)
    assert set(receiver.events) == days.said
    assert days.passes[-1] <= came_back + BACKOFF_CAP + INTERVAL
    assert len({request.key for request in receiver.requests}) == 3, "the first, the rest of the week, what came since"
    assert days.spool.counts().events == 0
    assert days.spool.counts().lost == {}


def test_a_receiver_that_asked_for_a_week_is_asked_again_after_a_day(down: tuple[Faults, Days]) -> None:
    receiver, days = down
    receiver.script[:] = ["status 429 Retry-After: 604800"]
    days.live(2 * DAY + HOUR)
    assert RETRY_AFTER_CAP <= days.passes[1] - days.passes[0] <= RETRY_AFTER_CAP + schedule.LOOK_AGAIN


def test_a_lid_that_was_shut_for_the_night_delays_a_pass_by_ten_minutes_at_most(down: tuple[Faults, Days]) -> None:
    receiver, days = down
    receiver.script[:] = ["acknowledge"]
    days.use()
    asleep = days.look()
    assert days.passes == []
    # poll() counts what it was told from where it was: the night does not count for it.
    assert 0 < asleep <= 600
    days.now += 9 * HOUR
    days.look()
    assert len(days.passes) == 1
    assert set(receiver.events) == days.said


@pytest.mark.parametrize("jump", [-9 * HOUR, -400 * DAY, 400 * DAY])
def test_a_clock_that_was_set_wrong_and_set_right_again_ends_in_delivery(
    down: tuple[Faults, Days], jump: float
) -> None:
    receiver, days = down
    days.live(2 * HOUR)
    days.now += jump
    days.live(2 * HOUR)
    days.now -= jump
    receiver.script[:] = ["acknowledge"]
    days.live(DAY + 2 * HOUR)
    assert set(receiver.events) == days.said
    assert read_due(days.spool.folder)[0] <= days.now
