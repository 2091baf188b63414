"""Every byte of a spool hit in turn: only what was hit is set aside, no wrong payload leaves, a pass always starts (S7)."""

import json
import os
import random
import shutil
from pathlib import Path

import pytest

from shipper.recording.folder import Folder
from shipper.spool.spool import Spool
from tests.crash.figures import note
from tests.crash.receiver import receiving
from tests.crash.workshop import DEEP, FRESH, declare, flush, look, opened
from tests.fixtures.spools import NOW, a_spool, line, sealed, told


def test_a_flipped_byte_costs_the_event_that_it_hits_and_is_counted() -> None:
    lines = [line(number) for number in range(3)]
    whole = b"".join(lines)
    chance = random.Random(1)
    flips = [
        (at, 1 << bit)
        for at in range(0, len(whole), 1 if DEEP else 3)
        for bit in (range(8) if DEEP else [chance.randrange(8)])
    ]
    with a_spool() as spool:
        for at, bit in flips:
            hit = bytearray(whole)
            hit[at] ^= bit
            name = sealed(spool, [bytes(hit)])
            segment = spool.claim(name)
            sent = [one.raw + b"\n" for one in segment.lines] if segment else []
            assert set(sent) <= set(lines), f"byte {at}: a wrong payload would have been sent"
            glued = whole[at : at + 1] == b"\n" and at != len(whole) - 1
            lost = 0 if at == len(whole) - 1 and len(sent) == 3 else 2 if glued else 1
            assert len(sent) == 3 - lost, f"byte {at}"
            assert told(spool).get("damaged", 0) == lost, f"byte {at}"
            spool.purge()
    note("flipped bytes of a segment", points=len(flips))


@pytest.mark.parametrize("name", ["app.json", "due", "journal.json", "history.ndjson", "active.ndjson"])
@pytest.mark.parametrize(
    "garbage", [b"", b"\0" * 4096, b"\xff\xfe garbage", b"[" * 100_000], ids=["empty", "NULs", "bytes", "depth"]
)
def test_whatever_stands_in_a_file_recording_and_passes_go_on(
    name: str, garbage: bytes, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPPER_HOME", str(place / "home"))
    monkeypatch.setenv("DEMO_TELEMETRY", "on")
    with receiving() as receiver:
        app = declare(receiver.url)
        assert all(app.record("tick", number=number) for number in range(5))
        with opened() as spool:
            spool.seal(NOW)
            spool.write_journal({"failures": 1})
            spool.add_history({"events": 1})
            (Path(spool.folder.path) / name).write_bytes(garbage)
        assert app.record("tick", number=FRESH)
        flush()
        flush()
        assert look(receiver.memory()).verdict(range(5)) == []


def overwrite(folder: Folder, name: str, data: bytes) -> None:
    with os.fdopen(folder.open(name, os.O_WRONLY | os.O_TRUNC), "wb") as file:
        file.write(data)


def test_every_byte_of_the_small_files_may_be_hit(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal, due and the manifest decide when and where, never what: nothing is lost by what stands in them."""
    monkeypatch.setenv("SHIPPER_HOME", str(place / "home"))
    monkeypatch.setenv("DEMO_TELEMETRY", "on")
    app = declare("http://127.0.0.1:9")
    assert app.record("tick", number=1)
    points = 0
    with opened() as spool:
        spool.write_journal({"failures": 3, "too_old": {"20261123T100000000Z-00000000": NOW}, "not_before": NOW})
        for name in ("journal.json", "due", "app.json"):
            whole = spool.folder.read(name, 1 << 20)
            for at in range(0, len(whole), 1 if DEEP else 7):
                overwrite(spool.folder, name, whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
                again = Spool(spool.folder, os.environ)
                again.read_journal()
                assert app.record("tick", number=2), f"{name}, byte {at}"
                assert again.manifest.endpoint == "http://127.0.0.1:9", "the app mends its manifest"
                overwrite(spool.folder, name, whole)
                points += 1
        assert len(list(spool.pending())) == points + 1
    note("flipped bytes of journal, due and manifest", points=points)


GOLDEN = Path(__file__).parent.parent / "spool" / "golden"


@pytest.mark.parametrize("version", sorted(path.name for path in GOLDEN.iterdir()))
def test_a_spool_of_an_earlier_version_is_delivered_whole(
    version: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What users have on their disks today is delivered by every later version, to the last state."""
    home = place / "home"
    monkeypatch.setenv("SHIPPER_HOME", str(home))
    monkeypatch.setenv("DEMO_TELEMETRY", "on")
    expected = json.loads((GOLDEN / version / "expected.json").read_text())
    shutil.copytree(GOLDEN / version / "demo", home / "state" / "shipper" / "apps" / "demo")
    for base, folders, files in os.walk(home):
        for folder in (base, *(os.path.join(base, name) for name in folders)):
            os.chmod(folder, 0o700)
        for name in files:
            os.chmod(os.path.join(base, name), 0o600)
    with receiving() as receiver:
        assert declare(receiver.url).record("tick", number=FRESH)
        flush()
        flush()
        memory = receiver.memory()
        arrived = [json.loads(one) for one in memory.events.values()]
        assert memory.wrong == []
        assert set(expected["ids"]) <= set(memory.events)
        sums: dict[str, int] = {}
        for one in arrived:
            if one["name"] == "shipper.losses":
                for reason, count in one["fields"].items():
                    sums[reason] = sums.get(reason, 0) + count
        assert sums == expected["losses"]
        assert look(memory).left == expected["held"]
