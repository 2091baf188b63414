"""What the daemon makes of how a pass ended, and of what the manager asks for."""

import os
import sys

import pytest

from shipper.daemon import passes, sd_notify
from shipper.daemon.passes import Passes
from tests.fixtures.waiting import until


@pytest.mark.parametrize(("code", "least", "most"), [(0, 0, 5), (3, 0, 5), (5, 0, 5), (1, 50, 60), (70, 50, 60)])
def test_only_after_a_crash_a_spool_is_left_alone_for_a_minute(
    monkeypatch: pytest.MonkeyPatch, code: int, least: float, most: float
) -> None:
    monkeypatch.setattr(passes, "program", lambda _: [sys.executable, "-c", f"raise SystemExit({code})"])
    started = Passes(os.environ)
    assert started.start("demo") == ""
    until(lambda: any(started.reap()), 60, "the pass has ended")
    assert least <= started.rests().get("demo", 0) <= most


@pytest.mark.parametrize(
    ("asked", "every"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "400000"}, 0.2),
        ({"WATCHDOG_USEC": "400000", "WATCHDOG_PID": "7"}, 0.2),
        ({"WATCHDOG_USEC": "400000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_a_sign_of_life_is_given_twice_as_often_as_it_is_asked_for(asked: dict[str, str], every: float | None) -> None:
    assert sd_notify.watchdog(asked, 7) == every
