"""Names are states: each reads back as what was written, and nothing foreign reads as ours."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.spool import names

MOMENTS = st.integers(0, names.LATEST)
SEGMENTS = st.builds(
    lambda when, random, losses: f"{names.stamp(when)}{'-losses' if losses else ''}-{random.hex()}",
    MOMENTS,
    st.binary(min_size=4, max_size=4),
    st.booleans(),
)


@given(MOMENTS)
def test_a_stamp_reads_back_as_its_time(when: int) -> None:
    stamp = names.stamp(when)
    assert names.milliseconds_of(stamp) == when
    assert datetime.strptime(stamp[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp() == when // 1000


@given(MOMENTS, MOMENTS)
def test_stamps_sort_by_time(one: int, other: int) -> None:
    assert (names.stamp(one) < names.stamp(other)) == (one < other)


@given(SEGMENTS)
def test_a_segment_is_known_by_its_name(segment: str) -> None:
    assert names.is_segment(segment)
    assert names.segments([segment + ".ndjson", segment, segment + ".ndjson~"]) == [segment]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "notes",
        "20261123T100000123Z",
        "20261123T100000123Z-",
        "20261123T100000123Z-1f2e3d4",
        "20261123T100000123Z-1f2e3d4cc",
        "20261123T100000123Z-1F2E3D4C",
        "20261123T100000123Z-lost-1f2e3d4c",
        "20261123T10000012\u0663Z-1f2e3d4c",  # an Arabic digit is a digit to str.isdigit
        "2026-11-23T10:00:00-1f2e3d4c",
        "../20261123T100000123Z-1f2e3d4c",
    ],
)
def test_what_is_no_segment_is_not_taken_for_one(name: str) -> None:
    assert not names.is_segment(name)


@given(SEGMENTS, SEGMENTS, st.sampled_from(names.EVICTED + names.QUARANTINED), st.integers(0, 999999999))
def test_a_loss_reads_back_as_what_was_lost(one: str, other: str, reason: str, count: int) -> None:
    for who in (one, f"{one}.3-7", f"{one}+{other}.1-1"):
        assert names.read_loss(names.loss(who, reason, count)) == (who, reason, count)


@pytest.mark.parametrize(
    "name",
    [
        "20261123T100000123Z-1f2e3d4c",
        "x.full.1",
        "20261123T100000123Z-1f2e3d4c.lunch.1",
        "20261123T100000123Z-1f2e3d4c.full.-1",
        "20261123T100000123Z-1f2e3d4c.full.",
        ".full.1",
        "20261123T100000123Z-1f2e3d4c+.full.1",
        "20261123T100000123Z-1f2e3d4c.3-.full.1",
    ],
)
def test_what_is_no_loss_is_not_counted(name: str) -> None:
    assert names.read_loss(name) is None


@given(SEGMENTS, st.integers(1, 9999), st.integers(0, 9), st.booleans())
def test_a_quarantine_name_reads_back(segment: str, first: int, more: int, new: bool) -> None:
    name = names.quarantined(segment, first, first + more, new)
    assert names.read_quarantined(name) == (segment, first, first + more, new)


@pytest.mark.parametrize(
    "name",
    [
        "x.1",
        "20261123T100000123Z-1f2e3d4c",
        "20261123T100000123Z-1f2e3d4c.x",
        "20261123T100000123Z-1f2e3d4c.1.2",
        "20261123T100000123Z-1f2e3d4c.1.new~",
    ],
)
def test_what_is_no_quarantine_name_is_left_alone(name: str) -> None:
    assert names.read_quarantined(name) is None
