"""How long to wait: never negative, never above the cap, never shorter than what the receiver asked for."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.delivery.backoff import backoff_step, retry_after, wait_after
from shipper.delivery.outcome import Outcome, Rejected, Throttled, Unauthorized, Unavailable, Unreachable
from shipper.delivery.policy import BACKOFF_CAP, BACKOFF_FIRST, RETRY_AFTER_CAP

FAILURES = st.integers(0, 10**9)
CHANCE = st.floats(0, 1)
ASKED = st.none() | st.floats(0, 1e12)
FAILED = st.one_of(
    st.builds(Unreachable),
    st.builds(Unauthorized),
    st.builds(Throttled, retry_after=ASKED),
    st.builds(Unavailable, retry_after=ASKED, longest=st.booleans()),
)


@pytest.mark.parametrize(
    ("failures", "step"),
    [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 960), (7, 1920), (8, 3600), (9, 3600), (10**6, 3600), (0, 30)],
)
def test_the_backoff_doubles_from_thirty_seconds_to_an_hour(failures: int, step: float) -> None:
    assert backoff_step(failures) == step


@pytest.mark.parametrize(
    ("outcome", "failures", "random", "wait"),
    [
        (Unreachable(), 1, 0.0, 0),
        (Unreachable(), 1, 1.0, 30),
        (Unreachable(), 8, 0.5, 1800),
        (Unauthorized(), 1, 0.5, 1800),
        (Unavailable(longest=True), 1, 0.5, 1800),
        (Unavailable(), 1, 0.5, 15),
        (Throttled(retry_after=60.0), 1, 0.5, 75),
        (Throttled(retry_after=0.0), 1, 0.5, 15),
        (Unavailable(retry_after=86400.0), 9, 1.0, 86400),
        (Unavailable(retry_after=1e12), 1, 0.0, 86400),
    ],
)
def test_the_wait_is_the_jittered_step_on_top_of_what_was_asked_for(
    outcome: Outcome, failures: int, random: float, wait: float
) -> None:
    assert wait_after(outcome, failures, random) == wait


@given(FAILED, FAILURES, CHANCE)
def test_a_wait_is_never_negative_never_above_its_cap_and_never_shorter_than_asked(
    outcome: Outcome, failures: int, random: float
) -> None:
    wait = wait_after(outcome, failures, random)
    asked = outcome.retry_after if isinstance(outcome, Throttled | Unavailable) else None
    assert 0 <= wait <= (BACKOFF_CAP if asked is None else RETRY_AFTER_CAP)
    assert wait >= min(asked or 0.0, RETRY_AFTER_CAP)


@given(FAILED, FAILURES, st.floats(-1e9, 1e9))
def test_even_a_broken_source_of_chance_stays_within_the_bounds(outcome: Outcome, failures: int, random: float) -> None:
    assert 0 <= wait_after(outcome, failures, random) <= RETRY_AFTER_CAP


@given(FAILURES)
def test_the_jitter_is_full_and_applied_after_the_cap(failures: int) -> None:
    step = wait_after(Unreachable(), failures, 1.0)
    assert BACKOFF_FIRST <= step <= BACKOFF_CAP
    assert wait_after(Unreachable(), failures, 0.0) == 0
    assert wait_after(Unreachable(), failures, 0.25) == pytest.approx(step / 4)


def test_a_refusal_of_the_bytes_waits_like_any_failure_when_a_whole_pass_came_to_it() -> None:
    assert wait_after(Rejected(), 2, 1.0) == 60


HEADERS = st.lists(st.text(max_size=60) | st.integers().map(str) | st.floats().map(str), max_size=4)


@given(HEADERS, st.none() | st.text(max_size=60), st.floats(0, 4e9))
def test_whatever_stands_in_the_header_is_a_wait_within_a_day_or_nothing(
    values: list[str], date: str | None, now: float
) -> None:
    wait = retry_after(values, date, now)
    assert wait is None or 0 <= wait <= RETRY_AFTER_CAP


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_of_two_valid_waits_the_longer_holds_in_either_order(first: int, second: int) -> None:
    longest = min(max(first, second), RETRY_AFTER_CAP)
    assert retry_after([str(first), str(second)], None, 0.0) == longest
    assert retry_after([str(second), "soon", str(first)], None, 0.0) == longest
    assert retry_after([f"{first}, {second}"], None, 0.0) == longest


@given(st.integers(0, 4 * 10**9), st.integers(-(10**6), 10**6), st.floats(0, 4e9))
def test_a_date_is_measured_from_the_reply_s_own_date_whatever_our_clock_says(
    date: int, ahead: int, ours: float
) -> None:
    then = max(date + ahead, 0)
    wait = retry_after([formatdate(then, usegmt=True)], formatdate(date, usegmt=True), ours)
    assert wait == min(max(then - date, 0), RETRY_AFTER_CAP)
