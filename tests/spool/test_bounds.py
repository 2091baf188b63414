"""The bounds (S8, S9): what goes, in which order, and what never goes."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper import files
from shipper.errors import Busy
from shipper.recording.active import SEGMENT_BYTES
from shipper.recording.lock import Lock
from shipper.spool import limits, names, quarantine, retention
from shipper.spool.limits import Limits, Usage, choose, evict, measure
from tests.fixtures.spools import DAY, NOW, a_spool, line, record, sealed, told, tree, write_manifest


def segments_of(*sizes: int) -> list[tuple[str, str, int]]:
    return [(f"{names.stamp(second * 1000)}-00000000", "sealed", size) for second, size in enumerate(sizes)]


USAGES = st.lists(st.integers(0, 300_000), max_size=30).map(lambda sizes: segments_of(*sizes))


@given(USAGES, st.integers(0, 10**6), st.integers(0, 50), st.integers(1, 10**7), st.integers(1, 60))
def test_what_goes_is_the_oldest_and_no_more_than_must(
    evictable: list[tuple[str, str, int]], other: int, files: int, most: int, most_files: int
) -> None:
    usage = Usage(other + sum(size for _, _, size in evictable), files + len(evictable), evictable)
    bound = Limits(bytes=most, files=most_files)
    gone = choose(usage, bound)
    assert gone == [(name, room) for name, room, _ in evictable[: len(gone)]]
    room = most - min(SEGMENT_BYTES, most // 2)
    kept = usage.bytes - sum(size for _, _, size in evictable[: len(gone)])
    if len(gone) < len(evictable):
        assert kept <= room
        assert usage.files - len(gone) < most_files
    if gone:  # one fewer would not have been enough
        last = evictable[len(gone) - 1][2]
        assert kept + last > room or usage.files - len(gone) + 1 >= most_files


def test_the_oldest_segment_goes_and_is_counted() -> None:
    with a_spool() as spool:
        found = [sealed(spool, [line()] * 200, NOW + number) for number in range(5)]
        size = measure(spool.folder).bytes
        with Lock(spool.folder, 1):
            gone = evict(spool.folder, Limits(bytes=size))
        assert gone == found[: len(gone)]
        assert 0 < len(gone) < 5
        assert told(spool) == {"full": 200 * len(gone)}
        assert [one.name for one in spool.waiting()] == found[len(gone) :]


def test_a_segment_that_is_being_sent_is_not_evicted() -> None:
    with a_spool() as spool:
        first = sealed(spool, [line()])
        second = sealed(spool, [line()], NOW + 1)
        assert spool.claim(first)
        with Lock(spool.folder, 1):
            assert evict(spool.folder, Limits(bytes=1)) == [second]
        spool.release(first)
        assert [one.name for one in spool.waiting()] == [first]


def test_what_is_held_is_bounded_too() -> None:
    with a_spool() as spool:
        record(spool, [line()], held=True)
        spool.let_go(NOW)
        spool.hold_back(NOW)
        with Lock(spool.folder, 1):
            assert len(evict(spool.folder, Limits(bytes=1))) == 1
        assert told(spool) == {"full": 1}


def test_the_files_of_a_spool_stay_within_their_bound_though_each_eviction_leaves_a_count() -> None:
    bound = Limits(files=60)
    with a_spool() as spool:
        for number in range(200):
            sealed(spool, [line()], NOW + number)
            with Lock(spool.folder, 1):
                evict(spool.folder, bound)
            assert measure(spool.folder).files <= bound.files
        kept = len(spool.waiting())
        assert kept > 10
        assert told(spool) == {"full": 200 - kept}


def test_an_empty_segment_goes_without_a_count() -> None:
    with a_spool() as spool:
        sealed(spool, [b"\n"])
        with Lock(spool.folder, 1):
            assert len(evict(spool.folder, Limits(bytes=1))) == 1
        assert told(spool) == {}
        assert tree(spool) == {}


def test_age_alone_removes_nothing_the_first_time() -> None:
    with a_spool(days=90) as spool:
        name = sealed(spool, [line(), line()])
        late = NOW + 91 * DAY
        remembered = spool.enforce_bounds(late, {})
        assert remembered == {name: late}
        assert spool.enforce_bounds(late + DAY - 1, remembered) == remembered
        assert [one.name for one in spool.waiting()] == [name]
        assert spool.enforce_bounds(late + DAY, remembered) == {}
        assert told(spool) == {"old": 2}


def test_a_clock_that_jumps_ahead_for_an_hour_removes_nothing() -> None:
    with a_spool() as spool:
        sealed(spool, [line()])
        remembered: dict[str, float] = {}
        for now in (NOW, NOW + 3650 * DAY, NOW + 3650 * DAY + 3600, NOW + 7200, NOW + 2 * DAY):
            remembered = spool.enforce_bounds(now, remembered)
        assert remembered == {}
        assert told(spool) == {}


@given(
    st.lists(st.integers(0, 400), max_size=8),
    st.lists(st.floats(0, 1000, allow_nan=False), min_size=1, max_size=8),
)
def test_nothing_goes_for_age_that_was_not_too_old_a_day_before(ages: list[int], clock: list[float]) -> None:
    waiting = {f"{names.stamp(day * DAY * 1000)}-00000000" for day in ages}
    remembered: dict[str, float] = {}
    found_old: list[tuple[float, set[str]]] = []
    for days in clock:
        now = days * DAY
        old = retention.too_old(waiting, 90, now)
        going, remembered = retention.choose_expired(sorted(old), remembered, now)
        for name in going:
            assert any(now - then >= DAY and name in seen for then, seen in found_old)
        found_old.append((now, set(old)))
        waiting -= set(going)


def test_what_is_too_old_goes_within_two_days_of_passes() -> None:
    waiting = [f"{names.stamp(day * DAY * 1000)}-00000000" for day in range(10)]
    remembered: dict[str, float] = {}
    for half_day in range(180, 220):
        old = retention.too_old(waiting, 90, half_day * DAY / 2)
        going, remembered = retention.choose_expired(old, remembered, half_day * DAY / 2)
        waiting = [name for name in waiting if name not in going]
        assert all(names.milliseconds_of(name) / 1000 >= (half_day / 2 - 92) * DAY for name in waiting)
    assert waiting == []


def test_quarantine_has_a_share_of_the_spool_and_the_oldest_leaves_it() -> None:
    with a_spool(bytes=1024 * 1024, files=80) as spool:
        kept = []
        for number in range(30):
            name = sealed(spool, [line()], NOW + number)
            segment = spool.claim(name)
            assert segment
            spool.quarantine(name, 1, segment.lines[0].raw, "rejected")
            spool.delete(name)
            kept.append(f"{name}.1")
        spool.enforce_bounds(NOW, {})
        assert [one.name for one in spool.quarantined()] == kept[-80 // quarantine.SHARE :]
        assert told(spool) == {"rejected": 30}


def test_a_second_outage_is_bounded_like_the_first() -> None:
    bound = Limits(bytes=400_000, files=100)
    with a_spool() as spool:
        for outage in range(2):
            for number in range(40):
                sealed(spool, [line()] * 100, NOW + outage * DAY + number)
                with Lock(spool.folder, 1):
                    evict(spool.folder, bound)
                assert measure(spool.folder).bytes <= bound.bytes
            for waiting in spool.waiting():
                assert spool.claim(waiting.name)
                spool.delete(waiting.name)
            lost = told(spool)["full"]
            assert lost % 100 == 0
            assert spool.collect_losses(NOW + outage * DAY)
            told_of = spool.claim(spool.waiting()[0].name)
            assert told_of
            spool.delete(told_of.name)
            assert told(spool) == {}


FOREIGN = ("notes.txt", "20261123T100000123Z-1f2e3d4c.ndjson.bak", ".hidden", "x.1", "20261123.full.3")


@pytest.mark.parametrize("tidy", ["enforce", "purge", "recover"])
def test_the_janitor_removes_nothing_that_is_not_its_own(tidy: str) -> None:
    with a_spool() as spool:
        sealed(spool, [line(), b"damage\n"])
        spool.claim(spool.waiting()[0].name)
        spool.release(spool.waiting()[0].name if spool.waiting() else "")
        planted = {}
        for room in limits.FOLDERS:
            with spool.folder.folder(room, create=True) as folder:
                for name in FOREIGN:
                    files.write(folder, name, name.encode())
                    planted[f"{room}/{name}"] = name.encode()
                    os.utime(os.path.join(folder.path, name), (0, 0))
        if tidy == "enforce":
            spool.enforce_bounds(NOW + 1000 * DAY, {"20261124T000000000Z-00000000": NOW})
        elif tidy == "purge":
            spool.purge()
        else:
            spool.recover()
        assert planted.items() <= tree(spool).items()


def test_rubbish_in_tmp_goes_after_a_day() -> None:
    with a_spool() as spool, spool.folder.folder("tmp", create=True) as tmp:
        for name, age in (("due.0123456789abcdef", 2 * DAY), ("20261123T100000123Z-1f2e3d4c.ndjson", 2 * DAY),
                          ("app.json.0123456789abcdef", 60)):  # fmt: skip
            files.write(tmp, name, b"half")
            os.utime(os.path.join(tmp.path, name), (NOW - age, NOW - age))
        spool.enforce_bounds(NOW, {})
        assert files.names(tmp) == ["app.json.0123456789abcdef"]


def test_a_folder_in_tmp_with_a_name_of_ours_stops_no_pass() -> None:
    with a_spool() as spool, spool.folder.folder("tmp", create=True) as tmp:
        tmp.folder("due.0123456789abcdef", create=True).close()
        os.utime(os.path.join(tmp.path, "due.0123456789abcdef"), (0, 0))
        spool.enforce_bounds(NOW, {})


def test_the_manifest_sets_the_bounds() -> None:
    with a_spool(files=3) as spool:
        for number in range(6):
            sealed(spool, [line()], NOW + number)
        spool.enforce_bounds(NOW, {})
        assert len(spool.waiting()) < 6
        write_manifest(spool.folder)


def test_a_pass_keeps_no_writer_waiting_while_it_looks_at_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """S12: at 2,000 files the look takes as long as a writer waits for the lock in all its life."""
    monkeypatch.setattr("shipper.spool.spool.PATIENCE", 0)
    with a_spool(files=6) as spool:
        sealed(spool, [line()], NOW)
        with Lock(spool.folder, 1):
            spool.enforce_bounds(NOW, {})
        for number in range(6):
            sealed(spool, [line()], NOW + number)
        with Lock(spool.folder, 1), pytest.raises(Busy):
            spool.enforce_bounds(NOW, {})
        spool.enforce_bounds(NOW, {})
        assert len(spool.waiting()) < 6
