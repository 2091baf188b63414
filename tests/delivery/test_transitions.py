"""Whole passes without disk or network: the real decisions against every receiver that chance can think of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.delivery import parts, plan, transitions
from shipper.delivery.journal import Journal
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
from shipper.delivery.parts import Part, SegmentProgress
from shipper.delivery.plan import Finish, PassState, Send
from shipper.delivery.policy import LIMIT_LEAST, REFUSALS, REFUSALS_UNPROVEN, REFUSED_WHOLE
from tests.delivery.test_parts import Line

NOW = 1_795_428_000.0
DAY = 86400.0


@dataclass
class Seen:
    """What a pass came to, and what the receiver knows of it."""

    journal: Journal
    finish: Finish = field(default_factory=lambda: Finish("empty"))
    deleted: list[SegmentProgress] = field(default_factory=list)
    kept: list[SegmentProgress] = field(default_factory=list)
    requests: int = 0
    acknowledged: set[str] = field(default_factory=set)
    refused_alone: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)


def segments(*sizes: int) -> dict[str, list[Line]]:
    """Segments of so many lines, every line with an id of its own: e1, e2, ..."""
    ids = (f"e{number}" for number in count(1))
    return {
        f"s{place:04d}": [Line(number, name=next(ids)) for number in range(1, size + 1)]
        for place, size in enumerate(sizes)
    }


def run(
    spool: dict[str, list[Line]],
    receive: Callable[[Part], Outcome],
    journal: Journal | None = None,
    now: float = NOW,
    random: float = 0.5,
) -> Seen:
    """One pass by hand, as the flusher carries it out, with `receive` in place of the network."""
    journal = journal or Journal()
    going = PassState(journal, plan.order(list(spool), journal, random), by_hand=True)
    seen = Seen(journal)
    while isinstance(step := plan.next_step(going, now, random), Send):
        for name in step.names:
            if name not in going.segments:
                going = transitions.add_segment(going, parts.begin(name, spool[name], going.journal.limit))
            part = going.part(name)
            outcome = receive(part)
            note(seen, part, outcome)
            going = transitions.settle(going, name, outcome, now, random)
    going = transitions.confirm_refusals(going, now)
    seen.finish = step
    for work in going.segments.values():
        (seen.deleted if work.settled else seen.kept).append(work)
    seen.journal = transitions.last_journal(going, journal.success, now, random)
    return seen


def note(seen: Seen, part: Part, outcome: Outcome) -> None:
    seen.requests += 1
    if isinstance(outcome, Accepted):
        seen.named |= set(outcome.rejected)
        seen.acknowledged |= {line.id for line in part.lines} - set(outcome.rejected)
    elif isinstance(outcome, TooLarge | Rejected) and len(part.lines) == 1:
        seen.refused_alone.add(part.lines[0].id)


def quarantined(seen: Seen) -> set[str]:
    return {line.id for work in [*seen.deleted, *seen.kept] for line in work.given if line.number in work.rejected}


def poisonous(*poison: str) -> Callable[[Part], Outcome]:
    return lambda part: Rejected(status=422) if {line.id for line in part.lines} & set(poison) else Accepted()


@st.composite
def receivers(draw: st.DrawFn) -> Callable[[Part], Outcome]:
    """A receiver that answers each request by chance."""
    kinds = draw(
        st.lists(
            st.sampled_from(
                [
                    Accepted(),
                    Accepted(),
                    TooLarge(status=413),
                    Rejected(status=422),
                    Throttled(status=429, retry_after=60.0),
                    Unauthorized(status=401),
                    Unavailable(status=500),
                    Unreachable(),
                ]
            ),
            min_size=1,
            max_size=40,
        )
    )
    named = draw(st.sets(st.integers(1, 30).map(lambda number: f"e{number}"), max_size=3))
    answers: Iterator[Outcome] = iter(kinds)

    def receive(part: Part) -> Outcome:
        outcome = next(answers, kinds[-1])
        mine = {line.id: "no" for line in part.lines if line.id in named}
        return replace(outcome, rejected=mine) if isinstance(outcome, Accepted) else outcome

    return receive


SIZES = st.lists(st.integers(1, 12), min_size=1, max_size=12)


@given(SIZES, receivers(), st.floats(0, 1), st.integers(0, 5))
def test_no_sequence_of_outcomes_deletes_an_event_that_was_not_acknowledged_or_refused_by_name(
    sizes: list[int], receive: Callable[[Part], Outcome], random: float, failures: int
) -> None:
    seen = run(segments(*sizes), receive, Journal(failures=failures), random=random)
    for work in seen.deleted:
        for line in work.given:
            assert line.id in seen.acknowledged | seen.named | seen.refused_alone
    assert quarantined(seen) <= seen.named | seen.refused_alone
    if not seen.acknowledged and not seen.named:
        assert seen.deleted == []
        assert quarantined(seen) == set()


@given(SIZES, receivers(), st.floats(0, 1))
def test_every_pass_ends_and_within_its_budget(
    sizes: list[int], receive: Callable[[Part], Outcome], random: float
) -> None:
    seen = run(segments(*sizes), receive, random=random)
    # Each segment whole, each refusal of the budget, and the two halves that a refusal makes.
    assert seen.requests <= len(sizes) + 3 * REFUSALS
    if not seen.acknowledged and not seen.named:
        assert seen.requests <= REFUSED_WHOLE + REFUSALS_UNPROVEN + 1


@given(SIZES, st.sampled_from([TooLarge(status=413), Rejected(status=400), Rejected(status=422)]))
def test_a_receiver_that_refuses_everything_costs_no_event_and_gets_time_to_recover(
    sizes: list[int], outcome: Outcome
) -> None:
    seen = run(segments(*sizes), lambda _: outcome)
    assert (seen.deleted, quarantined(seen), seen.journal.failures) == ([], set(), 1)
    assert seen.journal.not_before > NOW
    assert seen.journal.limit is None


@given(st.lists(st.integers(2, 40), min_size=1, max_size=10), st.data())
def test_few_poison_events_are_quarantined_and_everything_else_is_delivered(
    sizes: list[int], data: st.DataObject
) -> None:
    spool = segments(*sizes)
    every = {line.id for found in spool.values() for line in found}
    poison = data.draw(st.sets(st.sampled_from(sorted(every)), max_size=3).filter(lambda some: some != every))
    seen = run(spool, poisonous(*poison))
    assert quarantined(seen) == poison
    assert seen.acknowledged == every - poison
    assert seen.kept == []


def test_a_segment_that_is_all_poison_is_found_out_once_another_is_accepted() -> None:
    seen = run(segments(2, 3), poisonous("e1", "e2"))
    assert quarantined(seen) == {"e1", "e2"}
    assert seen.acknowledged == {"e3", "e4", "e5"}


def test_more_poison_than_the_budget_is_worked_off_in_several_passes() -> None:
    spool = segments(400)
    poison = {f"e{number}" for number in range(1, 400, 4)}
    found: set[str] = set()
    for _ in range(40):
        left = {name: [line for line in given if line.id not in found] for name, given in spool.items()}
        seen = run(left, poisonous(*poison))
        assert seen.requests <= 3 * REFUSALS
        assert quarantined(seen) > set() or not poison - found
        found |= quarantined(seen)
        if not seen.kept:
            break
    assert found == poison
    assert seen.acknowledged >= {line.id for line in spool["s0000"]} - poison


def test_a_single_event_is_under_suspicion_for_three_days() -> None:
    spool, journal = segments(1, 1), Journal()
    days = []
    for day in (0.0, 0.3, 1.0, 2.0):
        seen = run(spool, poisonous("e1"), journal, NOW + day * DAY)
        journal = seen.journal
        days.append(len(quarantined(seen)))
    assert days == [0, 0, 0, 1]


@pytest.mark.parametrize("outcome", [Throttled(), Unauthorized(), Unavailable(), Unreachable()])
def test_the_first_word_on_the_receiver_itself_ends_the_pass(outcome: Outcome) -> None:
    seen = run(segments(1, 1, 1), lambda _: outcome)
    assert (seen.requests, seen.finish.why, seen.journal.failures) == (1, "failed", 1)


def test_a_segment_that_breaks_the_receiver_is_tried_last_from_then_on() -> None:
    answers = iter([Accepted(), Unavailable(status=500)])
    seen = run(segments(1, 1, 1), lambda _: next(answers))
    assert seen.journal.put_last == ("s0001",)
    order = [each.name for each in plan.order(["s0001", "s0002"], seen.journal, 0.5)]
    assert order == ["s0002", "s0001"]


def test_a_learned_limit_is_believed_when_smaller_parts_are_accepted() -> None:
    seen = run(segments(8), lambda part: TooLarge() if part.bytes > 400 else Accepted())
    assert seen.journal.limit == LIMIT_LEAST
    assert seen.kept == []


@pytest.mark.parametrize(
    ("journal", "why", "left", "not_before", "next_due"),
    [
        (Journal(not_before=NOW + 30.5), "failed", True, 1795428031, 1795428031),
        (Journal(not_before=NOW + 30.5), "waiting", True, 1795428031, 1795428031),
        (Journal(), "empty", False, 0, 1795428900),
        (Journal(), "time", True, 0, 1795428060),
        (Journal(not_before=NOW + 30.5), "forbidden", True, 0, 1795428900),
    ],
)
def test_when_the_next_pass_is_due(journal: Journal, why: str, left: bool, not_before: int, next_due: int) -> None:
    finish = Finish(why)  # type: ignore[arg-type]  # a word of the table
    assert transitions.due(journal, finish, left, NOW, 900) == (not_before, next_due)


@pytest.mark.parametrize(
    ("outcome", "ended"),
    [
        (Accepted(), False),
        (Unavailable(status=404, longest=True), False),
        (Rejected(status=400), False),
        (Unauthorized(status=401), False),
        (Throttled(retry_after=60.0), True),
        (Unreachable(), True),
    ],
)
def test_a_request_for_erasure_that_fails_holds_events_up_only_where_they_would_fail_too(
    outcome: Outcome, ended: bool
) -> None:
    after = transitions.settle_deletion(PassState(Journal()), outcome, NOW, 0.5)
    assert after.ended is ended
    assert (after.journal.not_before > NOW) is not isinstance(outcome, Accepted)
