"""SIGKILL before each call that touches the disk, in every operation, and again in the recovery that follows (S1 to S8).

The oracle is in workshop.py: what was promised is delivered, in quarantine or counted; nothing else arrives.
"""

from pathlib import Path

import pytest

from tests.crash.figures import note
from tests.crash.operations import OPERATIONS
from tests.crash.receiver import receiving
from tests.crash.sweep import Operation, Sweep
from tests.crash.workshop import DEEP


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.name for operation in OPERATIONS])
def test_nothing_promised_is_lost_wherever_the_process_dies(
    operation: Operation, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_TELEMETRY", "on")
    with receiving() as receiver:
        figures = Sweep(operation, receiver, place, monkeypatch, DEEP).run()
    note(f"SIGKILL: {operation.name}", points=figures.points, recovery_points=figures.recovery_points)
    assert figures.wrong == []
    assert figures.points > 2
