"""Sealing (S3): one rename, names that never go backwards, segments that never change."""

import os

from hypothesis import given
from hypothesis import strategies as st

from shipper import files
from shipper.recording.active import SEGMENT_BYTES, SEGMENT_LINES
from shipper.spool import names, segments
from tests.fixtures.spools import DAY, NOW, a_spool, line, milliseconds, record, sealed, tree


def test_sealing_moves_the_lines_as_they_are() -> None:
    with a_spool() as spool:
        lines = [line(number) for number in range(3)]
        name = sealed(spool, lines)
        assert tree(spool) == {f"sealed/{name}.ndjson": b"".join(lines)}
        assert name.startswith("20261123T100000000Z-")


def test_there_is_nothing_to_seal_in_an_empty_spool() -> None:
    with a_spool() as spool:
        assert spool.seal(NOW) is None
        os.close(spool.folder.open("active.ndjson", os.O_WRONLY | os.O_CREAT))
        assert spool.seal(NOW) is None


def test_a_clock_set_back_does_not_name_a_segment_below_the_largest() -> None:
    with a_spool() as spool:
        found = [sealed(spool, [line()], now) for now in (NOW, NOW - 400 * DAY, NOW - 1, 0.0, -5.0, NOW)]
        assert found == sorted(found)
        assert len(set(found)) == len(found)


def test_names_count_on_from_a_segment_that_is_being_sent_or_held() -> None:
    with a_spool() as spool:
        first = sealed(spool, [line()], NOW + DAY)
        spool.claim(first)
        second = sealed(spool, [line()])
        assert second > first
        spool.hold_back(NOW)
        assert sealed(spool, [line()]) > second


def test_a_clock_beyond_all_time_leaves_room_for_names() -> None:
    with a_spool() as spool:
        found = [sealed(spool, [line()], 1e13) for _ in range(3)]
        assert found == sorted(set(found))


@given(st.lists(st.integers(0, 10**14), min_size=1, max_size=6))
def test_names_grow_whatever_the_clock_says(clock: list[int]) -> None:
    with a_spool() as spool, spool.folder.folder("sealed", create=True) as folder:
        before = ""
        for now in clock:
            name = segments.new_name(spool.folder, now, os.urandom(4))
            assert name > before
            files.write(folder, name + names.SUFFIX, line())
            before = name
        spool.purge()


def test_what_was_held_is_sealed_in_its_place() -> None:
    with a_spool() as spool:
        record(spool, [line()], held=True)
        name = segments.seal(spool.folder, milliseconds(), os.urandom(4), held=True)
        assert list(tree(spool)) == [f"held/{name}.ndjson"]
        assert spool.waiting() == []


def test_a_folder_where_the_active_file_belongs_is_left_alone() -> None:
    with a_spool() as spool:
        os.mkdir(os.path.join(spool.folder.path, "active.ndjson"))
        assert spool.seal(NOW) is None
        assert os.path.isdir(os.path.join(spool.folder.path, "active.ndjson"))


def test_a_batch_stays_within_what_a_receiver_takes() -> None:
    # The wire's receiver refuses past 1 MiB of body and 10,000 lines: a whole segment has room to spare.
    assert SEGMENT_BYTES < 1024 * 1024
    assert SEGMENT_LINES < 10_000
