"""What was set aside comes back under its own id, its loss is taken back, and a segment's accepted lines count no more."""

from collections.abc import Mapping

import pytest

from shipper.spool.limits import evict_one
from shipper.spool.losses import MOST_TOLD, collect, count_lines, counted, merge
from shipper.spool.names import loss, read_deferral, read_loss
from tests.fixtures.spools import NOW, a_spool, id_of, line, sealed, told, tree

LINES = [line(number) for number in range(4)]


def test_what_was_set_aside_waits_again_and_is_counted_no_more_however_often() -> None:
    with a_spool() as spool:
        sealed(spool, LINES)
        for _ in range(3):
            name = spool.waiting()[0].name
            segment = spool.claim(name)
            assert segment
            for found in segment.lines:
                spool.quarantine(name, found.number, found.raw, "rejected", "no")
            spool.delete(name)
            assert spool.retry() == 4
            assert list(spool.quarantined()) == []
            assert [raw + b"\n" for raw in spool.pending()] == LINES
        lost = told(spool)
        assert lost["rejected"] - lost["recovered"] == 0


def test_what_comes_back_while_its_segment_waits_is_sent_once() -> None:
    with a_spool() as spool:
        name = sealed(spool, LINES)
        segment = spool.claim(name)
        assert segment
        spool.quarantine(name, 2, LINES[1][:-1], "rejected", "no")
        spool.release(name)
        assert spool.retry() == 1
        assert sorted(raw + b"\n" for raw in spool.pending()) == sorted(LINES)
        assert spool.waiting()[0].name == name


def test_damage_and_a_share_of_which_nobody_says_which_cannot_come_back() -> None:
    with a_spool() as spool:
        sealed(spool, [LINES[0], b"damage\n", LINES[1]])
        name = spool.waiting()[0].name
        assert spool.claim(name)
        spool.quarantine_share(name, [(1, LINES[0][:-1]), (3, LINES[1][:-1])], 1, "1 of 2: no")
        spool.release(name)
        assert spool.retry() == 0
        assert len(list(spool.quarantined())) == 2


def test_a_bound_that_removes_a_segment_counts_no_line_that_was_accepted() -> None:
    with a_spool() as spool:
        name = sealed(spool, LINES)
        assert spool.claim(name)
        spool.release(name, accepted={1, 2, 4})
        assert [raw + b"\n" for raw in spool.pending()] == [LINES[2]]
        evict_one(spool.folder, "sealed", name, "full")
        assert told(spool) == {"full": 1}


def test_what_is_deferred_is_within_the_bounds_and_goes_with_off() -> None:
    with a_spool() as spool:
        name = sealed(spool, LINES)
        assert spool.claim(name)
        spool.defer(name, {1}, NOW)
        assert (spool.deferred_since(name), spool.counts().deferred) == (NOW, 3)
        spool.resume_deferred()
        assert spool.claim(name)
        spool.defer(name, {1}, NOW + 86400)
        assert spool.deferred_since(name) == NOW
        evict_one(spool.folder, "deferred", name, "full")
        assert told(spool) == {"full": 3}
        spool.purge()
        assert tree(spool) == {}


def test_one_losses_event_never_tells_more_than_a_receiver_takes() -> None:
    with a_spool() as spool:
        names = [sealed(spool, [LINES[0]], NOW + number) for number in range(40)]
        for name in names:
            count_lines(spool.folder, name, 1, 1, "rejected", MOST_TOLD // 3)
        merge(spool.folder)
        told_of: list[dict[str, int]] = []

        def tell(counts: Mapping[str, int]) -> bytes:
            told_of.append(dict(counts))
            return LINES[0]

        for second in range(40):
            collect(spool.folder, int((NOW + second) * 1000), tell)
            if not counted(spool.folder):
                break
        assert sum(counts["rejected"] for counts in told_of) == 40 * (MOST_TOLD // 3)
        assert max(counts["rejected"] for counts in told_of) <= MOST_TOLD


@pytest.mark.parametrize("name", ["20261123T100000000Z-0a1b2c3d.20261124T100000123Z"])
def test_a_mark_says_since_when(name: str) -> None:
    assert read_deferral(name) == ("20261123T100000000Z-0a1b2c3d", 1795514400123)
    assert read_deferral(name + "Z") is None
    assert read_loss(loss("20261123T100000000Z-0a1b2c3d", "recovered", 3)) is not None
    assert id_of(LINES[0]) != id_of(LINES[1])
