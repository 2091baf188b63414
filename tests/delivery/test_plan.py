"""Which step comes next, as a table; and what no pass does whatever it sees."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.delivery import plan
from shipper.delivery.journal import Journal
from shipper.delivery.plan import Finish, Queued, Send, View, next_step
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
    ("view", "names"),
    [
        (View(Journal(), ONE), ("a",)),
        (View(Journal(), NINE), ("a",)),
        (View(Journal(), (Queued("a", "aside"), Queued("b"))), ("b",)),
        (View(Journal(), (Queued("a", "aside"), Queued("b", "current"), Queued("c"))), ("b",)),
        (View(Journal(), (Queued("a", "aside"), Queued("b", "aside"))), ("a",)),
        (View(WAITING, ONE, by_hand=True), ("a",)),
        (View(WAITING, ONE, sends=1), ("a",)),
        (View(FAR, NINE, by_hand=True, proven=True), tuple("abcdefghi"[:PARALLEL])),
        (View(FAR, NINE, proven=True), ("a",)),
        (View(FAR, NINE, by_hand=True), ("a",)),
        (View(FAR, NINE[:7], by_hand=True, proven=True), ("a",)),
        (View(Journal(round_trip=0.01), NINE, by_hand=True, proven=True), ("a",)),
        (View(Journal(), (Queued("a", "aside"), Queued("b")), refused_whole=REFUSED_WHOLE, proven=True), ("b",)),
        (View(Journal(), (Queued("a", "aside"), Queued("b")), refused_whole=REFUSED_WHOLE), ("a",)),
    ],
)
def test_the_next_step_sends(view: View, names: tuple[str, ...]) -> None:
    step = next_step(view, NOW, 0.5)
    assert isinstance(step, Send)
    assert step.names == names


@pytest.mark.parametrize(
    ("view", "why"),
    [
        (View(Journal(), ()), "empty"),
        (View(Journal(), ONE, forbidden="DO_NOT_TRACK is set", by_hand=True), "forbidden"),
        (View(WAITING, ONE), "waiting"),
        (View(Journal(), ONE, ended=True), "failed"),
        (View(Journal(), ONE, left=PASS_RESERVE + SEND_LEAST - 0.1), "time"),
        (View(Journal(), ONE, left=-5.0), "time"),
        (View(Journal(), (Queued("a", "aside"),), refusals=REFUSALS_UNPROVEN), "refused"),
        (View(Journal(), (Queued("a", "aside"),), refusals=REFUSALS, proven=True), "refused"),
        (View(Journal(), (Queued("a", "current"),), refusals=REFUSALS, proven=True), "refused"),
    ],
)
def test_the_next_step_ends_the_pass(view: View, why: str) -> None:
    assert next_step(view, NOW, 0.5) == Finish(why)  # type: ignore[arg-type]  # a word of the table


@pytest.mark.parametrize(
    ("view", "random", "pause"),
    [
        (View(Journal(), ONE), 0.9, 0.0),
        (View(Journal(), ONE, sends=1), 0.0, 0.0),
        (View(Journal(), ONE, sends=1), 0.5, PACE),
        (View(Journal(), ONE, sends=1), 1.0, 2 * PACE),
        (View(Journal(), ONE, sends=9, by_hand=True), 1.0, 0.0),
    ],
)
def test_only_a_pass_that_nobody_waits_for_paces_its_batches(view: View, random: float, pause: float) -> None:
    step = next_step(view, NOW, random)
    assert isinstance(step, Send)
    assert step.pause == pause


def test_a_send_never_has_more_time_than_the_pass_has_left() -> None:
    view = View(Journal(), ONE, sends=1)
    for left in (10.0, 12.0, 20.0, 31.0, 60.0, float("inf")):
        step = next_step(replace(view, left=left), NOW, 0.5)
        if isinstance(step, Send):
            assert SEND_LEAST <= step.seconds <= SEND_SECONDS
            assert step.pause + step.seconds + PASS_RESERVE <= left


@given(
    st.builds(
        View,
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
def test_nothing_is_sent_that_may_not_be(view: View, now: float, random: float) -> None:
    step = next_step(view, now, random)
    if isinstance(step, Finish):
        return
    assert not view.forbidden
    assert not view.ended
    assert view.by_hand or view.sends or now >= view.journal.not_before
    assert 1 <= len(step.names) <= PARALLEL
    assert set(step.names) <= {each.name for each in view.queue}
    assert 0 <= step.pause <= 2 * PACE
    assert view.refusals < REFUSALS or all(each.state == "fresh" for each in view.queue if each.name in step.names)


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
