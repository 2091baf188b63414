"""Losses (S7): each event counted once, the counts told, whatever dies half way."""

import json
import os

import pytest

from shipper import files
from shipper.reader import decode
from shipper.recording.lock import Lock
from shipper.spool import losses
from shipper.spool.limits import Limits, evict, evict_one
from shipper.spool.names import is_losses
from shipper.spool.segments import new_name
from tests.fixtures.spools import DAY, NOW, a_spool, line, milliseconds, sealed, told, tree


def test_the_losses_are_one_event_that_the_wire_accepts() -> None:
    with a_spool() as spool:
        name = sealed(spool, [line(), line(), b"damage\n"])
        segment = spool.claim(name)
        assert segment
        spool.quarantine(name, 1, segment.lines[0].raw, "rejected", "unknown event")
        segment_of_losses = spool.collect_losses(NOW)
        assert segment_of_losses
        assert is_losses(segment_of_losses)
        found = spool.claim(segment_of_losses)
        assert found
        told_of = decode(found.lines[0].raw)
        assert told_of["name"] == "shipper.losses"
        assert told_of["fields"] == {"damaged": 1, "rejected": 1}
        assert "user" not in told_of
        assert told_of["app"] == "demo"


def test_nothing_lost_is_nothing_to_tell() -> None:
    with a_spool() as spool:
        sealed(spool, [line()])
        assert spool.collect_losses(NOW) is None
        assert len(spool.waiting()) == 1


def test_what_was_told_is_not_told_again() -> None:
    with a_spool() as spool:
        sealed(spool, [b"damage\n"])
        spool.claim(spool.waiting()[0].name)
        assert spool.collect_losses(NOW)
        assert spool.collect_losses(NOW) is None
        assert spool.counts().lost == {}


def test_a_pass_that_died_while_telling_is_finished_by_the_next() -> None:
    for moment in ("moved", "written", "half removed"):
        with a_spool() as spool:
            for one in (sealed(spool, [line()]), sealed(spool, [line()])):
                with Lock(spool.folder, 1):
                    evict_one(spool.folder, "sealed", one, "full")
            with spool.folder.folder("lost") as lost:
                name = new_name(spool.folder, milliseconds(), os.urandom(4), losses=True)
                with lost.folder(name, create=True) as telling:
                    kept = [one for one in files.names(lost) if one != name]
                    for one in kept:
                        files.rename(lost, one, telling, one)
                    if moment != "moved":
                        with spool.folder.folder("sealed", create=True) as folder:
                            files.write(folder, name + ".ndjson", spool._losses_line({"full": 2}))
                    if moment == "half removed":
                        files.remove(telling, kept[0])
            assert told(spool) == {"full": 2}, moment
            spool.recover()
            assert told(spool) == {"full": 2}, moment
            assert [one.name for one in spool.waiting()] == [name]
            spool.purge()


def test_losses_do_not_pile_up_while_no_receiver_is_there() -> None:
    with a_spool() as spool:
        for number in range(300):
            name = sealed(spool, [line()], NOW + number)
            with Lock(spool.folder, 1):
                evict_one(spool.folder, "sealed", name, "full")
                losses.merge(spool.folder)
            spool.collect_losses(NOW + number)
        assert told(spool) == {"full": 300}
        assert len(spool.waiting()) == losses.WAITING
        assert len(os.listdir(os.path.join(spool.folder.path, "lost"))) <= losses.NAMES


def test_merging_keeps_every_reason_apart() -> None:
    with a_spool() as spool:
        for number in range(20):
            name = sealed(spool, [line()] * (number + 1), NOW + number)
            with Lock(spool.folder, 1):
                evict_one(spool.folder, "sealed", name, "old" if number % 2 else "full")
        before = told(spool)
        with Lock(spool.folder, 1):
            losses.merge(spool.folder, most=1)
        assert told(spool) == before == {"full": 100, "old": 110}
        assert len(os.listdir(os.path.join(spool.folder.path, "lost"))) == 2


@pytest.mark.parametrize("done", [1, 2])
def test_a_merge_half_done_counts_right_and_is_finished(done: int) -> None:
    with a_spool() as spool:
        for number in (1, 2):
            name = sealed(spool, [line()] * number, NOW + number)
            with Lock(spool.folder, 1):
                evict_one(spool.folder, "sealed", name, "full")
        with spool.folder.folder("lost") as lost:
            one, other = sorted(files.names(lost))
            who, other_who = one.partition(".")[0], other.partition(".")[0]
            files.rename(lost, one, lost, f"{who}+{other_who}.full.3")
            if done == 2:
                files.remove(lost, other)
        assert told(spool) == {"full": 3}
        spool.recover()
        assert told(spool) == {"full": 3}
        assert [name for name in tree(spool) if "+" in name] == []


def test_an_eviction_half_done_is_finished() -> None:
    with a_spool() as spool:
        name = sealed(spool, [line(), line()])
        path = spool.folder.path
        os.mkdir(path + "/lost", 0o700)
        os.rename(f"{path}/sealed/{name}.ndjson", f"{path}/lost/{name}.full.2")
        assert told(spool) == {"full": 2}
        spool.recover()
        assert tree(spool) == {f"lost/{name}.full.2": b""}


def test_a_quarantine_half_done_is_counted_once() -> None:
    for counted in (False, True):
        with a_spool() as spool:
            name = sealed(spool, [line(), line()])
            segment = spool.claim(name)
            assert segment
            spool.quarantine(name, 1, segment.lines[0].raw, "too-large")
            path = spool.folder.path
            os.rename(f"{path}/quarantine/{name}.1", f"{path}/quarantine/{name}.1.new")
            if not counted:
                os.unlink(f"{path}/lost/{name}.1-1.too-large.1")
            spool.recover()
            assert told(spool) == {"too-large": 1}
            assert [one.name for one in spool.quarantined()] == [f"{name}.1"]
            spool.purge()


def test_what_is_in_quarantine_is_not_counted_again_when_its_segment_goes() -> None:
    with a_spool() as spool:
        name = sealed(spool, [line(), line(), b"damage\n"])
        segment = spool.claim(name)
        assert segment
        spool.quarantine(name, 2, segment.lines[1].raw, "rejected")
        spool.release(name)
        with Lock(spool.folder, 1):
            assert evict(spool.folder, Limits(bytes=1)) == [name]
        assert told(spool) == {"damaged": 1, "rejected": 1, "full": 1}


def test_dropping_from_quarantine_while_the_segment_waits_counts_nothing_again() -> None:
    with a_spool() as spool:
        name = sealed(spool, [line(), b"damage\n"])
        spool.claim(name)
        spool.release(name)
        assert spool.drop(f"{name}.2") == 1
        assert list(spool.quarantined()) == []
        spool.claim(name)
        assert told(spool) == {"damaged": 1}
        spool.delete(name)
        spool.enforce_bounds(NOW + DAY, {})
        assert [path for path in tree(spool) if path.startswith("quarantine")] == []


def test_an_event_is_dropped_by_its_id() -> None:
    with a_spool() as spool:
        name = sealed(spool, [line()])
        segment = spool.claim(name)
        assert segment
        spool.quarantine(name, 1, segment.lines[0].raw, "rejected", "an unknown event\x1b[31m")
        spool.delete(name)
        (kept,) = spool.quarantined()
        assert (kept.id, kept.reason, kept.detail) == (segment.lines[0].id, "rejected", "an unknown event?[31m")
        assert json.loads(kept.raw)["id"] == kept.id
        assert spool.drop(kept.id) == 1
        assert spool.drop(kept.id) == 0
        assert told(spool) == {"rejected": 1}


def test_a_losses_segment_is_never_evicted() -> None:
    with a_spool() as spool:
        sealed(spool, [b"damage\n"])
        spool.claim(spool.waiting()[0].name)
        name = spool.collect_losses(NOW)
        with Lock(spool.folder, 1):
            assert evict(spool.folder, Limits(bytes=1, files=1)) == []
        spool.enforce_bounds(NOW + 400 * DAY, {})
        spool.enforce_bounds(NOW + 402 * DAY, {str(name): NOW + 400 * DAY})
        assert [one.name for one in spool.waiting()] == [name]
