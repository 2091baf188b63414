"""The power goes before each call of a writer and of a pass, on an ext4 and on two stricter disks (S1, S4, S7).

What was promised before is on the disk when the operation begins. What is promised meanwhile has to outlive the cut only
with durability="power-loss"; what the pass has in hand has to in both modes.
"""

import os
from functools import partial
from pathlib import Path

import pytest

from tests.crash.conftest import QUICK
from tests.crash.cuts import NamesFirst, PowerCut, RealDisk, StrictDisk
from tests.crash.figures import note
from tests.crash.images import no_images
from tests.crash.operations import (
    fill,
    lose_some,
    record_damage,
    record_into_full,
    record_local,
    record_one,
    record_some,
    record_without_lock,
    sending,
    switch_on,
)
from tests.crash.receiver import receiving
from tests.crash.sweep import Operation
from tests.crash.workshop import DEEP

SAFE = {"durability": "power-loss"}


def record_and_send(endpoint: str, durability: str) -> None:
    record_one(endpoint, durability=durability)
    sending(endpoint)


WRITERS = [
    Operation("first use of an empty home", partial(record_one, **SAFE)),
    Operation("record", partial(record_one, **SAFE), record_some),
    Operation("record in mode local", partial(record_local, **SAFE), record_some, recover=switch_on),
    Operation("record into a full segment", partial(record_into_full, **SAFE), fill),
    Operation("record into a full spool: evict", partial(record_into_full, max_bytes=4000, **SAFE), fill),
    Operation("record without the lock: overflow", partial(record_without_lock, **SAFE), record_some),
]
PASSES = [
    Operation("flush: seal, claim, send, delete", sending, fill),
    Operation("flush: events refused one by one", sending, record_some, {"reject": [1, 3]}),
    Operation("flush: a poison event, bisect", sending, record_some, {"poison": [2]}),
    Operation("flush: the receiver has them and does not say so", sending, record_some, {"silent": True}),
    Operation("flush: damage to quarantine", sending, record_damage),
    Operation("flush: count and deliver losses", sending, lose_some),
]
BOTH = [
    Operation(f"record and flush, durability {mode}", partial(record_and_send, durability=mode), fill)
    for mode in ("process", "power-loss")
]
DISKS: dict[str, type[PowerCut]] = {"ext4": RealDisk, "the strictest disk": StrictDisk, "names first": NamesFirst}


@pytest.mark.parametrize("disk", DISKS)
@pytest.mark.parametrize("operation", WRITERS + PASSES + BOTH, ids=lambda operation: operation.name)
def test_nothing_promised_is_lost_wherever_the_power_goes(
    operation: Operation, disk: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if disk == "ext4" and no_images():
        pytest.skip(no_images())
    if disk != "ext4" and not str(place).startswith(QUICK):
        pytest.skip("the stricter disks count on inode numbers that are used once, as a tmpfs gives them")
    monkeypatch.setenv("DEMO_TELEMETRY", "on")
    os.chmod(place, 0o700)
    with receiving() as receiver:
        durable = "durability process" not in operation.name
        figures = DISKS[disk](operation, receiver, place, monkeypatch, DEEP, durable).run()
    note(f"power cut, {disk}: {operation.name}", points=figures.points)
    assert figures.wrong == []
    assert figures.points > 2
