"""The journal: right at every moment, whatever dies, jumps or was edited."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.delivery import journal
from shipper.delivery.journal import Evidence, Failure, Journal
from shipper.delivery.outcome import (
    Accepted,
    Outcome,
    Rejected,
    Throttled,
    TooLarge,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from shipper.delivery.policy import BACKOFF_CAP, LIMIT_DAYS, LIMIT_LEAST, REMEMBERED, RETRY_AFTER_CAP, SUSPECTS
from shipper.spool.records import JOURNAL_BYTES

NOW = 1_795_428_000.0
DAY = 86400.0
OUTCOMES: list[Outcome] = [
    Accepted(),
    TooLarge(status=413),
    Rejected(status=422),
    Throttled(status=429, retry_after=100.0),
    Unauthorized(status=401),
    Unavailable(status=500),
    Unreachable(cause="refused"),
]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=10,
)
FIELDS = sorted(Journal().to_json())


def test_an_attempt_is_written_as_though_it_would_die_in_the_middle() -> None:
    kept = journal.before(Journal(failures=2), NOW, 0.5)
    assert (kept.failures, kept.began, kept.not_before) == (3, NOW, NOW + 60)
    assert kept.failure == Failure("interrupted", NOW)


def test_an_acceptance_ends_the_row_of_failures() -> None:
    failing = journal.after(Journal(), Unavailable(status=500), NOW, 0.5)
    kept = journal.after(failing, Accepted(), NOW + 1, 0.5)
    assert (kept.failures, kept.failure, kept.not_before, kept.success) == (0, None, 0.0, NOW + 1)


@pytest.mark.parametrize("outcome", OUTCOMES[3:])
def test_a_failure_is_counted_once_and_sets_a_wait(outcome: Outcome) -> None:
    kept = journal.after(Journal(failures=1), outcome, NOW, 0.5)
    assert kept.failures == 2
    assert kept.not_before > NOW
    assert kept.failure is not None
    assert kept.failure.kind == outcome.kind


@pytest.mark.parametrize("outcome", OUTCOMES[1:3])
def test_a_refusal_of_the_bytes_is_noted_without_a_wait_unless_the_whole_pass_came_to_it(outcome: Outcome) -> None:
    kept = journal.after(Journal(), outcome, NOW, 0.5)
    assert (kept.failures, kept.not_before) == (0, 0.0)
    whole = journal.after_refusals(Journal(), outcome, NOW, 0.5)
    assert (whole.failures, whole.not_before) == (1, NOW + 15)
    assert whole.failure is not None
    assert whole.failure.cause == "refused-all"


def test_only_a_receiver_s_wait_may_last_a_day() -> None:
    asked = journal.after(Journal(), Throttled(retry_after=RETRY_AFTER_CAP), NOW, 0.0)
    assert journal.trusted(asked, NOW).not_before == NOW + DAY
    assert journal.trusted(replace(asked, asked=False), NOW).not_before == NOW + BACKOFF_CAP


def test_a_clock_that_was_ahead_when_the_wait_was_written_costs_one_wait_not_years() -> None:
    ahead = NOW + 3650 * DAY
    kept = journal.trusted(journal.after(Journal(), Unavailable(), ahead, 1.0), NOW)
    assert kept.not_before == NOW + 30
    assert journal.trusted(kept, NOW + 31).not_before == NOW + 30  # written back, it passes like any other


def test_a_wait_that_began_in_the_past_is_not_begun_again() -> None:
    kept = journal.after(Journal(), Unavailable(), NOW, 1.0)
    assert journal.trusted(kept, NOW + 20) == kept


def test_a_size_limit_is_forgotten_after_a_week_or_when_the_clock_went_back() -> None:
    kept = journal.with_limit(Journal(), 5000, NOW)
    assert journal.trusted(kept, NOW + LIMIT_DAYS * DAY).limit == 5000
    assert journal.trusted(kept, NOW + LIMIT_DAYS * DAY + 1).limit is None
    assert journal.trusted(kept, NOW - 1).limit is None
    assert journal.with_limit(Journal(), 1, NOW).limit == LIMIT_LEAST


def test_what_speaks_against_an_event_is_remembered_until_its_segment_is_gone() -> None:
    kept = journal.with_evidence(Journal(), "segment", 7, Evidence(levels=3))
    kept = journal.with_evidence(kept, "segment", 7, Evidence(levels=3, doubles=1))
    assert journal.suspects_of(kept, "segment") == {7: Evidence(levels=3, doubles=1)}
    assert Journal.from_json(json.loads(json.dumps(kept.to_json()))) == kept
    assert journal.forgotten(kept, "segment").suspects == {}


def test_levels_and_trials_beside_one_other_do_not_add_up() -> None:
    assert [Evidence(4, 3, 2).trials, Evidence(3, 4, 2).trials, Evidence().trials] == [6, 6, 0]


def test_what_is_remembered_of_segments_is_bounded() -> None:
    kept = Journal()
    for number in range(3 * SUSPECTS):
        name = f"20261123T100000000Z-{number:08x}"
        kept = journal.placed_last(journal.with_evidence(kept, name, 1000, Evidence(9, 9, 9)), name)
    assert (len(kept.suspects), len(kept.put_last)) == (SUSPECTS, REMEMBERED)
    assert kept.put_last[-1] == f"20261123T100000000Z-{3 * SUSPECTS - 1:08x}"
    assert len(json.dumps(kept.to_json())) < JOURNAL_BYTES


@given(st.dictionaries(st.sampled_from(FIELDS), ANY_JSON) | ANY_JSON, st.floats(0, 4e9))
def test_a_journal_that_was_damaged_or_edited_is_read_without_an_error_and_its_wait_is_bounded(
    found: Any, now: float
) -> None:
    kept = journal.trusted(Journal.from_json(found), now)
    assert kept.not_before <= now + RETRY_AFTER_CAP
    assert Journal.from_json(json.loads(json.dumps(kept.to_json()))) == kept


@given(st.lists(st.tuples(st.sampled_from(OUTCOMES), st.floats(0, 1), st.floats(0, 1e5)), max_size=20))
def test_any_history_survives_the_disk_and_its_wait_stays_within_its_bound(
    history: list[tuple[Outcome, float, float]],
) -> None:
    kept, now = Journal(), NOW
    for outcome, random, passed in history:
        now += passed
        died = journal.before(kept, now, random)
        assert died.failures == kept.failures + 1
        assert now <= died.not_before <= now + BACKOFF_CAP
        kept = journal.after(kept, outcome, now, random)
        assert kept.not_before <= now + RETRY_AFTER_CAP
        assert Journal.from_json(json.loads(json.dumps(kept.to_json()))) == kept
