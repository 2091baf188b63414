"""One segment's lines on their way: after any outcomes each line is in exactly one place."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.delivery import segment_progress
from shipper.delivery.outcome import Accepted, Outcome, Rejected, Throttled, TooLarge, Unreachable
from shipper.delivery.segment_progress import SegmentProgress

SEGMENT = "20261123T100000000Z-0a1b2c3d"


@dataclass(frozen=True)
class Line:
    number: int
    raw: bytes = b"x" * 99
    name: str = ""

    @property
    def id(self) -> str:
        return self.name or f"id{self.number}"


def lines(count: int, size: int = 99) -> list[Line]:
    return [Line(number, b"x" * size) for number in range(1, count + 1)]


def keys(work: SegmentProgress) -> list[str]:
    return [part.key.removeprefix(SEGMENT) for part in work.parts]


def places(work: SegmentProgress) -> list[int]:
    """The numbers of all lines, in whatever place they are."""
    waiting = [line.number for part in work.parts for line in part.lines]
    return sorted([*waiting, *work.accepted, *work.rejected, *work.suspects])


def test_a_segment_travels_whole_under_its_own_name() -> None:
    assert keys(segment_progress.begin(SEGMENT, lines(5), None)) == [""]
    assert keys(segment_progress.begin(SEGMENT, lines(5), 500)) == [""]


def test_a_known_limit_splits_it_in_order_and_a_larger_line_goes_alone() -> None:
    assert keys(segment_progress.begin(SEGMENT, lines(5), 250)) == [".1-2", ".3-4", ".5-5"]
    assert keys(segment_progress.begin(SEGMENT, lines(3), 1)) == [".1-1", ".2-2", ".3-3"]


def test_what_an_earlier_pass_left_travels_in_the_ranges_between_the_gaps() -> None:
    left = [line for line in lines(9) if line.number not in (1, 4, 5)]
    assert keys(segment_progress.begin(SEGMENT, left, None, (1, 4, 5))) == [".2-3", ".6-9"]
    assert keys(segment_progress.begin(SEGMENT, lines(3)[:2], None, (3,))) == [".1-2"]
    assert segment_progress.begin(SEGMENT, [], None, (1, 2)).settled


def test_a_wire_may_keep_neighbours_apart() -> None:
    found = [Line(1, b"a"), Line(2, b"a"), Line(3, b"b"), Line(4, b"a")]
    assert keys(segment_progress.begin(SEGMENT, found, None, (), bytes.decode)) == [".1-2", ".3-3", ".4-4"]
    assert keys(segment_progress.begin(SEGMENT, found[:2], None, (), bytes.decode)) == [""]


def test_too_large_halves_by_bytes_and_refused_by_lines() -> None:
    uneven = [Line(1, b"x" * 899), *lines(9)[1:]]
    work = segment_progress.begin(SEGMENT, uneven, None)
    assert keys(segment_progress.after(work, TooLarge())) == [".1-1", ".2-9"]
    assert keys(segment_progress.after(work, Rejected())) == [".1-4", ".5-9"]


@pytest.mark.parametrize("outcome", [Throttled(), Unreachable()])
def test_what_came_to_nothing_leaves_the_same_parts_under_the_same_keys(outcome: Outcome) -> None:
    work = segment_progress.begin(SEGMENT, lines(5), 250)
    assert segment_progress.after(work, outcome).parts == work.parts


def test_an_event_that_is_refused_alone_is_under_suspicion_and_not_settled() -> None:
    work = segment_progress.after(segment_progress.begin(SEGMENT, lines(1), None), Rejected(status=422, detail="no"))
    assert not work.settled
    assert work.suspects[1] == segment_progress.LineRefusal("rejected", "422 no")


def test_the_halves_of_what_is_refused_follow_each_other_in_an_order_of_chance() -> None:
    work = segment_progress.begin(SEGMENT, lines(8), None)
    first, last = segment_progress.after(work, Rejected(), 0.0), segment_progress.after(work, Rejected(), 0.9)
    assert (keys(first), keys(last)) == ([".1-4", ".5-8"], [".5-8", ".1-4"])
    assert keys(segment_progress.after(first, Rejected(), 0.9)) == [".5-8", ".3-4", ".1-2"]


def test_only_a_half_whose_other_half_is_accepted_counts_as_a_trial() -> None:
    work = segment_progress.after(segment_progress.begin(SEGMENT, lines(4), None), Rejected())
    refused = segment_progress.after(segment_progress.after(work, Rejected()), Accepted())
    assert [segment_progress.trials_against(refused, line) for line in (1, 2, 3, 4)] == [1, 1, 0, 0]
    accepted = segment_progress.after(segment_progress.after(work, Accepted()), Rejected())
    assert [segment_progress.trials_against(accepted, line) for line in (1, 2, 3, 4)] == [0, 0, 1, 1]
    both = segment_progress.after(segment_progress.after(work, Rejected()), Rejected())
    assert [segment_progress.trials_against(both, line) for line in (1, 2, 3, 4)] == [0, 0, 0, 0]


def test_a_suspect_of_an_earlier_pass_travels_alone_and_last_and_the_least_tried_first() -> None:
    work = segment_progress.begin(SEGMENT, lines(5), None, suspects={2: 5, 4: 1})
    assert keys(work) == [".1-1", ".3-3", ".5-5", ".4-4", ".2-2"]
    assert [part.trial for part in work.parts] == [False, False, False, True, True]
    assert keys(segment_progress.begin(SEGMENT, lines(5), None, witnesses=2)) == [".1-2", ".3-5"]
    assert keys(segment_progress.begin(SEGMENT, lines(1), None, witnesses=2)) == [""]


def outcomes_for(draw: st.DrawFn, work: SegmentProgress) -> Outcome:
    part = work.parts[0]
    ids = [line.id for line in part.lines]
    return draw(
        st.one_of(
            st.builds(TooLarge),
            st.builds(Rejected),
            st.builds(Throttled),
            st.builds(Unreachable),
            st.builds(Accepted, rejected=st.dictionaries(st.sampled_from(ids), st.text(max_size=80), max_size=3)),
        )
    )


@st.composite
def progresses(draw: st.DrawFn) -> tuple[SegmentProgress, set[int]]:
    """Some work after some outcomes, and the numbers of the lines that a receiver acknowledged, as we saw it."""
    found = lines(draw(st.integers(1, 20)), draw(st.integers(1, 300)))
    missing = draw(st.sets(st.integers(1, 20), max_size=5))
    left = [line for line in found if line.number not in missing]
    work = segment_progress.begin(SEGMENT, left, draw(st.none() | st.integers(1, 3000)), missing)
    acknowledged: set[int] = set()
    for _ in range(draw(st.integers(0, 30))):
        if not work.parts:
            break
        outcome = outcomes_for(draw, work)
        if isinstance(outcome, Accepted):
            acknowledged |= {line.number for line in work.parts[0].lines if line.id not in outcome.rejected}
        work = segment_progress.after(work, outcome, draw(st.floats(0, 1)))
    return work, acknowledged


@given(progresses())
def test_each_line_is_in_exactly_one_place_and_none_is_accepted_that_no_receiver_acknowledged(
    found: tuple[SegmentProgress, set[int]],
) -> None:
    work, acknowledged = found
    assert places(work) == [line.number for line in work.given]
    assert set(work.accepted) == acknowledged
    if work.settled:
        assert acknowledged | set(work.rejected) == {line.number for line in work.given}


@given(progresses())
def test_a_key_says_which_lines_it_is_for(found: tuple[SegmentProgress, set[int]]) -> None:
    for part in found[0].parts:
        if part.key != SEGMENT:
            first, last = map(int, part.key.rpartition(".")[2].split("-"))
            inside = [line.number for line in found[0].given if first <= line.number <= last]
            assert [line.number for line in part.lines] == inside


def bisected(found: Sequence[Line], poison: set[int]) -> SegmentProgress:
    work = segment_progress.begin(SEGMENT, found, None)
    while work.parts:
        refused = any(line.number in poison for line in work.parts[0].lines)
        work = segment_progress.after(work, Rejected() if refused else Accepted())
    return work


@given(st.integers(1, 1000), st.data())
def test_bisecting_finds_exactly_the_poison_within_its_budget(count: int, data: st.DataObject) -> None:
    poison = data.draw(st.sets(st.integers(1, count), min_size=1, max_size=4))
    work = bisected(lines(count), poison)
    assert set(work.suspects) == poison
    assert set(work.accepted) == set(range(1, count + 1)) - poison
    assert work.requests <= 1 + 2 * len(poison) * math.ceil(math.log2(count + 1))


def test_one_poison_event_among_a_thousand_costs_twenty_one_requests() -> None:
    assert max(bisected(lines(1000), {number}).requests for number in (1, 500, 501, 999, 1000)) == 21
