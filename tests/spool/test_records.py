"""What passes remember: useful, bounded, and never in the way of a delivery."""

import json
import os
from collections.abc import Callable

import pytest

from shipper import files
from shipper.recording.folder import Folder
from shipper.recording.lock import Lock
from shipper.spool import manifest, records
from shipper.spool.manifest import DamagedManifest
from shipper.spool.manifest_upgrade import replace_manifest
from tests.fixtures.spools import NOW, a_spool, write_manifest


def overwrite(folder: Folder, name: str, data: bytes) -> None:
    with os.fdopen(folder.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
        file.write(data)


def test_the_journal_reads_back() -> None:
    with a_spool() as spool:
        assert spool.read_journal() == {}
        assert spool.write_journal({"failures": 3, "too_old": {"a": NOW}})
        assert spool.read_journal() == {"failures": 3, "too_old": {"a": NOW}}


@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"[]", b"{", b"[" * 100_000, b'"\xff"'])
def test_a_journal_that_cannot_be_read_is_none(data: bytes) -> None:
    with a_spool() as spool:
        overwrite(spool.folder, "journal.json", data)
        assert spool.read_journal() == {}
        assert spool.write_journal({"failures": 1})
        assert spool.read_journal() == {"failures": 1}


def test_a_journal_or_history_that_cannot_be_written_stops_nothing() -> None:
    with a_spool() as spool:
        for name in ("journal.json", "history.ndjson"):
            os.mkdir(os.path.join(spool.folder.path, name))
        assert not spool.write_journal({"failures": 1})
        assert not spool.add_history({"events": 1})
        assert spool.read_journal() == {}
        assert spool.history() == []
        assert os.listdir(os.path.join(spool.folder.path, "tmp")) == []


def test_history_keeps_the_newer_half_when_it_is_full() -> None:
    with a_spool() as spool:
        entry = {"time": NOW, "endpoint": "https://telemetry.example.com/" + "x" * 2000}
        for number in range(300):
            assert spool.add_history({**entry, "number": number})
        numbers = [one["number"] for one in spool.history()]
        assert numbers == list(range(numbers[0], 300))
        assert len(numbers) > 50
        assert spool.folder.stat("history.ndjson").st_size <= records.HISTORY_BYTES


def test_the_history_of_a_small_spool_leaves_room_for_its_events() -> None:
    with a_spool(bytes=100_000) as spool:
        for number in range(1000):
            assert spool.add_history({"time": NOW, "number": number})
        assert spool.folder.stat("history.ndjson").st_size <= 100_000 // records.HISTORY_SHARE
        assert spool.history()[-1]["number"] == 999


def test_history_leaves_out_what_cannot_be_read() -> None:
    with a_spool() as spool:
        spool.add_history({"number": 1})
        fd = spool.folder.open("history.ndjson", os.O_WRONLY | os.O_APPEND)
        os.write(fd, b'\0\0\n{"half\n[]\n')
        os.close(fd)
        spool.add_history({"number": 2})
        assert [one["number"] for one in spool.history()] == [1, 2]


def test_a_manifest_reads_as_it_was_declared() -> None:
    found = manifest.parse(
        b'{"shipper":1,"version":"0.150.0","app":"wunderctl","endpoint":"https://t.example","wire":"otlp",'
        b'"policy":"opt-out","policy_date":"2026-01-02","ci":"on","about":"https://a.example","write_key":"k",'
        b'"limits":{"bytes":5,"days":6,"files":7},"flush_interval":8,"durability":"power-loss",'
        b'"events":[{"name":"command"}],"of a newer version":[1]}\n'
    )
    assert (found.app, found.version, found.endpoint, found.wire) == (
        "wunderctl",
        "0.150.0",
        "https://t.example",
        "otlp",
    )
    assert (found.policy, found.policy_date, found.ci, found.about, found.write_key) == (
        "opt-out", "2026-01-02", "on", "https://a.example", "k",
    )  # fmt: skip
    assert (found.limits.bytes, found.limits.days, found.limits.files, found.flush_interval) == (5, 6, 7, 8)
    assert found.durability == "power-loss"
    assert found.events == ({"name": "command"},)


GOOD = {"app": "demo", "version": "1", "endpoint": "https://t.example"}


WRONG: tuple[dict[str, object], ...] = (
    {"app": 1},
    {"app": "a b"},
    {"version": ""},
    {"endpoint": ""},
    {"endpoint": "a\nb"},
    {"limits": 3},
    {"limits": {"bytes": -1}},
    {"limits": {"files": True}},
    {"flush_interval": 0},
    {"events": {}},
    {"events": [1]},
    {"wire": None},
)


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"[]", b"{}", b"[" * 100_000, b"\xff"] + [json.dumps({**GOOD, **wrong}).encode() for wrong in WRONG],
)
def test_a_damaged_manifest_says_what_to_do(data: bytes) -> None:
    with a_spool() as spool:
        overwrite(spool.folder, "app.json", data)
        with pytest.raises(DamagedManifest, match="is damaged") as caught:
            _ = spool.manifest
        assert "next event" in caught.value.hint


def test_a_missing_manifest_says_so() -> None:
    with a_spool() as spool:
        files.remove(spool.folder, "app.json")
        with pytest.raises(DamagedManifest, match="is missing"):
            _ = spool.manifest


def test_a_manifest_that_names_another_app_is_not_believed() -> None:
    """Its consent would be the other app's (S6)."""
    with a_spool() as spool:
        write_manifest(spool.folder, "other")
        with pytest.raises(DamagedManifest, match="names another app"):
            _ = spool.manifest


@pytest.mark.parametrize("damage", [lambda whole: whole[:60], lambda whole: whole[:60] + b"\0" * 40])
def test_a_newer_manifest_that_was_cut_or_overwritten_is_replaced(damage: Callable[[bytes], bytes]) -> None:
    newer = b'{"shipper":1,"version":"2.0","app":"demo","endpoint":"http://127.0.0.1:9","events":[]}\n'
    mine = newer.replace(b"2.0", b"1.0")
    with a_spool() as spool, Lock(spool.folder, 1):
        replace_manifest(spool.folder, newer, mine, "1.0", False)
        assert spool.folder.read("app.json", 4096) != mine
        replace_manifest(spool.folder, damage(newer), mine, "1.0", False)
        assert spool.folder.read("app.json", 4096) == mine
