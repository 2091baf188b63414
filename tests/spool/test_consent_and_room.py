"""Held, let go, emptied (S6)."""

from shipper import files
from shipper.spool.names import ACTIVE
from tests.fixtures.spools import NOW, a_spool, line, record, sealed, told, tree


def test_what_is_held_is_not_offered_to_a_pass() -> None:
    with a_spool() as spool:
        record(spool, [line()], held=True)
        assert spool.seal(NOW) is None
        assert spool.waiting() == []
        assert spool.counts().held == 1
        assert list(spool.pending()) == []


def test_switching_on_lets_what_is_held_go() -> None:
    with a_spool() as spool:
        lines = [line(number) for number in range(3)]
        record(spool, lines, held=True)
        assert spool.let_go(NOW) == 1
        assert [raw + b"\n" for raw in spool.pending()] == lines
        assert spool.let_go(NOW) == 0


def test_switching_to_local_takes_back_what_waits_but_not_the_counts() -> None:
    with a_spool() as spool:
        sealed(spool, [b"damage\n"])
        spool.claim(spool.waiting()[0].name)
        losses = spool.collect_losses(NOW)
        sealed(spool, [line()], NOW + 1)
        record(spool, [line()])
        assert spool.hold_back(NOW + 2) == 2
        assert [one.name for one in spool.waiting()] == [losses]
        assert spool.counts().held == 2


def test_switching_off_empties_everything_that_holds_an_event_or_counts_one() -> None:
    with a_spool() as spool:
        record(spool, [line()], held=True)
        sealed(spool, [line(), b"damage\n"])
        spool.claim(spool.waiting()[0].name)
        sealed(spool, [line()], NOW + 1)
        spool.collect_losses(NOW)
        record(spool, [line()])
        spool.write_journal({"failures": 2})
        with spool.folder.folder("tmp", create=True) as tmp:
            files.write(tmp, "20261123T100000123Z-1f2e3d4c.ndjson", line())
        spool.purge()
        assert tree(spool) == {}
        assert spool.read_journal() == {"failures": 2}
        assert spool.manifest.app == "demo"


def test_switching_off_finishes_what_it_had_begun() -> None:
    with a_spool() as spool:
        unfinished = "20261123T100000123Z-losses-1f2e3d4c"
        with spool.folder.folder("lost", create=True) as lost, lost.folder(unfinished, create=True) as telling:
            files.write(telling, "20261123T100000000Z-1f2e3d4c.full.3", b"")
        spool.purge()
        assert tree(spool) == {}
        assert told(spool) == {}


def test_a_pass_that_has_a_segment_in_hand_quarantines_nothing_of_it_once_it_is_emptied() -> None:
    with a_spool() as spool:
        name = sealed(spool, [line()])
        segment = spool.claim(name)
        assert segment
        spool.purge()
        spool.quarantine(name, 1, segment.lines[0].raw, "rejected")
        spool.release(name)
        spool.delete(name)
        assert tree(spool) == {}


def test_counts_are_those_of_the_disk() -> None:
    with a_spool() as spool:
        sealed(spool, [line(), line()])
        record(spool, [line()])
        record(spool, [line()] * 4, held=True)
        counts = spool.counts()
        assert (counts.events, counts.segments, counts.held, counts.quarantined) == (3, 1, 4, 0)
        assert counts.bytes == spool.waiting()[0].bytes
        assert spool.folder.stat(ACTIVE).st_size > 0
