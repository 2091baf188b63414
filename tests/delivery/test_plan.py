"""Which step comes next, as a table; and what no pass does whatever it sees."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.delivery import plan
from shipper.delivery.journal import Journal
from shipper.delivery.plan import Finish, PassState, Queued, Send, next_step
from shipper.delivery.policy import (
    PACE,
    PARALLEL,
    PASS_RESERVE,
    REFUSALS,
    REFUSALS_UNPROVEN,
    REFUSED_WHOLE,
    SEND_LEAST,
    SEND_SECONDS,
    SHUFFLE_AFTER,
)

NOW = 1000.0
ONE = (Queued("a"),)
NINE = tuple(Queued(name) for name in "abcdefghi")
WAITING = Journal(not_before=NOW + 1)
FAR = Journal(round_trip=0.2)


@pytest.mark.parametrize(
    ("state", "names"),
    [
        (PassState(Journal(), ONE), ("a",)),
        (PassState(Journal(), NINE), ("a",)),
        (PassState(Journal(), (Queued("a", "aside"), Queued("b"))), ("b",)),
        (PassState(Journal(), (Queued("a", "aside"), Queued("b", "current"), Queued("c"))), ("b",)),
        (PassState(Journal(), (Queued("a", "aside"), Queued("b", "aside"))), ("a",)),
        (PassState(WAITING, ONE, by_hand=True), ("a",)),
        (PassState(WAITING, ONE, sends=1), ("a",)),
        (PassState(FAR, NINE, by_hand=True, proven=True), tuple("abcdefghi"[:PARALLEL])),
        (PassState(FAR, NINE, proven=True), ("a",)),
        (PassState(FAR, NINE, by_hand=True), ("a",)),
        (PassState(FAR, NINE[:7], by_hand=True, proven=True), ("a",)),
        (PassState(Journal(round_trip=0.01), NINE, by_hand=True, proven=True), ("a",)),
        (PassState(Journal(), (Queued("a", "aside"), Queued("b")), refused_whole=REFUSED_WHOLE, proven=True), ("b",)),
        (PassState(Journal(), (Queued("a", "aside"), Queued("b")), refused_whole=REFUSED_WHOLE), ("a",)),
    ],
)
def test_the_next_step_sends(state: PassState, names: tuple[str, ...]) -> None:
    step = next_step(state, NOW, 0.5)
    assert isinstance(step, Send)
    assert step.names == names


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (PassState(Journal(), ()), "empty"),
        (PassState(Journal(), ONE, forbidden="DO_NOT_TRACK is set", by_hand=True), "forbidden"),
        (PassState(WAITING, ONE), "waiting"),
        (PassState(Journal(), ONE, ended=True), "failed"),
        (PassState(Journal(), ONE, left=PASS_RESERVE + SEND_LEAST - 0.1), "time"),
        (PassState(Journal(), ONE, left=-5.0), "time"),
        (PassState(Journal(), (Queued("a", "aside"),), refusals=REFUSALS_UNPROVEN), "refused"),
        (PassState(Journal(), (Queued("a", "aside"),), refusals=REFUSALS, proven=True), "refused"),
        (PassState(Journal(), (Queued("a", "current"),), refusals=REFUSALS, proven=True), "refused"),
    ],
)
def test_the_next_step_ends_the_pass(state: PassState, why: str) -> None:
    assert next_step(state, NOW, 0.5) == Finish(why)  # type: ignore[arg-type]  # a word of the table


@pytest.mark.parametrize(
    ("state", "random", "pause"),
    [
        (PassState(Journal(), ONE), 0.9, 0.0),
        (PassState(Journal(), ONE, sends=1), 0.0, 0.0),
        (PassState(Journal(), ONE, sends=1), 0.5, PACE),
        (PassState(Journal(), ONE, sends=1), 1.0, 2 * PACE),
        (PassState(Journal(), ONE, sends=9, by_hand=True), 1.0, 0.0),
    ],
)
def test_only_a_pass_that_nobody_waits_for_paces_its_batches(state: PassState, random: float, pause: float) -> None:
    step = next_step(state, NOW, random)
    assert isinstance(step, Send)
    assert step.pause == pause


def test_a_send_never_has_more_time_than_the_pass_has_left() -> None:
    state = PassState(Journal(), ONE, sends=1)
    for left in (10.0, 12.0, 20.0, 31.0, 60.0, float("inf")):
        step = next_step(replace(state, left=left), NOW, 0.5)
        if isinstance(step, Send):
            assert SEND_LEAST <= step.seconds <= SEND_SECONDS
            assert step.pause + step.seconds + PASS_RESERVE <= left


@given(
    st.builds(
        PassState,
        st.builds(Journal, not_before=st.floats(0, 2000), round_trip=st.floats(0, 1)),
        st.lists(
            st.builds(Queued, st.sampled_from("abcdefghijkl"), st.sampled_from(("fresh", "current", "aside"))),
            unique_by=lambda each: each.name,
        ).map(tuple),
        by_hand=st.booleans(),
        forbidden=st.sampled_from(("", "off")),
        ended=st.booleans(),
        proven=st.booleans(),
        refusals=st.integers(0, 200),
        refused_whole=st.integers(0, 20),
        sends=st.integers(0, 50),
        left=st.floats(-10, 100),
    ),
    st.floats(0, 2000),
    st.floats(0, 1),
)
def test_nothing_is_sent_that_may_not_be(state: PassState, now: float, random: float) -> None:
    step = next_step(state, now, random)
    if isinstance(step, Finish):
        return
    assert not state.forbidden
    assert not state.ended
    assert state.by_hand or state.sends or now >= state.journal.not_before
    assert 1 <= len(step.names) <= PARALLEL
    assert set(step.names) <= {each.name for each in state.queue}
    assert 0 <= step.pause <= 2 * PACE
    assert state.refusals < REFUSALS or all(each.stage == "fresh" for each in state.queue if each.name in step.names)


NAMES = ["20261123T100000000Z-0000000a", "20261123T100000001Z-00000000", "20261124T100000000Z-00000000"]


def test_the_oldest_go_first_and_the_notorious_last() -> None:
    assert [each.name for each in plan.order(NAMES[::-1], Journal(), 0.9)] == NAMES
    notorious = plan.order(NAMES, Journal(put_last=(NAMES[0],)), 0.9)
    assert [each.name for each in notorious] == [*NAMES[1:], NAMES[0]]


def test_after_failures_in_a_row_chance_decides_who_comes_first() -> None:
    failing = Journal(failures=SHUFFLE_AFTER)
    firsts = {plan.order(NAMES, failing, random)[0].name for random in (0.0, 0.4, 0.7, 1.0)}
    assert firsts == set(NAMES)


@given(st.sets(st.text(min_size=1, max_size=5), max_size=20), st.floats(0, 1), st.integers(0, 10), st.data())
def test_no_segment_is_forgotten_or_queued_twice(names: set[str], random: float, failures: int, data: Any) -> None:
    last = tuple(data.draw(st.sets(st.sampled_from(sorted(names)))) if names else ())
    ordered = plan.order(sorted(names), Journal(failures=failures, put_last=last), random)
    assert sorted(each.name for each in ordered) == sorted(names)
