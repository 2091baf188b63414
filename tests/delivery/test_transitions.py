"""Whole passes without disk or network: the real decisions against every receiver that chance can think of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.delivery import plan, segment_progress, transitions
from shipper.delivery.journal import Journal, suspects_of
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
from shipper.delivery.plan import Finish, PassState, Send
from shipper.delivery.policy import LIMIT_LEAST, REFUSALS, REFUSALS_UNPROVEN, REFUSED_WHOLE
from shipper.delivery.segment_progress import Part, SegmentProgress
from tests.delivery.test_segment_progress import Line

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
                suspects = {line: found.trials for line, found in suspects_of(going.journal, name).items()}
                begun = segment_progress.begin(name, spool[name], going.journal.limit, suspects=suspects)
                going = transitions.add_segment(going, begun)
            part = going.part(name)
            outcome = receive(part)
            note(seen, part, outcome)
            going = transitions.settle(going, name, outcome, now, random)
    going = transitions.note_suspects(going)
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


def passes(spool: dict[str, list[Line]], receive: Callable[[Part], Outcome], most: int = 200) -> tuple[Seen, set[str]]:
    """Passes, each with two fresh events, until nothing is left; what all came to, and what was set aside."""
    whole, aside, kept = Seen(Journal()), set[str](), dict(spool)
    for number in range(most):
        fresh = {f"t{number:04d}{which}": [Line(1, name=f"f{number}{which}")] for which in "ab"}
        seen = run({**kept, **fresh}, receive, whole.journal, NOW + number * 900, random=(number * 0.618) % 1)
        whole.journal, whole.requests = seen.journal, whole.requests + seen.requests
        whole.acknowledged |= seen.acknowledged
        aside |= quarantined(seen)
        done = {line.id for line in (line for lines in kept.values() for line in lines)} & (whole.acknowledged | aside)
        kept = {name: [line for line in lines if line.id not in done] for name, lines in kept.items()}
        kept = {name: lines for name, lines in kept.items() if lines}
        if not kept:
            break
    return whole, aside


@given(st.lists(st.integers(2, 20), min_size=1, max_size=4), st.data())
@settings(max_examples=25, deadline=None)
def test_few_poison_events_are_quarantined_and_everything_else_is_delivered(
    sizes: list[int], data: st.DataObject
) -> None:
    spool = segments(*sizes)
    every = {line.id for found in spool.values() for line in found}
    poison = data.draw(st.sets(st.sampled_from(sorted(every)), max_size=3).filter(lambda some: some != every))
    first = run(spool, poisonous(*poison))
    assert first.acknowledged == every - poison
    assert quarantined(first) == set()
    whole, aside = passes(spool, poisonous(*poison))
    assert aside == poison
    assert whole.acknowledged >= every - poison


def test_a_segment_that_is_all_poison_is_found_out_once_another_is_accepted() -> None:
    first = run(segments(2, 3), poisonous("e1", "e2"))
    assert (quarantined(first), first.acknowledged) == (set(), {"e3", "e4", "e5"})
    assert set(first.journal.suspects) == {"s0000.1", "s0000.2"}
    assert passes(segments(2, 3), poisonous("e1", "e2"))[1] == {"e1", "e2"}


def test_more_poison_than_the_budget_is_worked_off_in_several_passes() -> None:
    spool = segments(200)
    poison = {f"e{number}" for number in range(1, 200, 20)}
    whole, aside = passes(spool, poisonous(*poison), most=1000)
    assert aside == poison
    assert whole.acknowledged >= {line.id for line in spool["s0000"]} - poison


def test_a_single_event_is_given_up_in_no_single_pass_however_much_is_accepted_beside_it() -> None:
    spool = segments(*[1] * 200)
    first = run(spool, poisonous("e1"))
    assert (quarantined(first), len(first.acknowledged)) == (set(), 199)
    second = run(spool, poisonous("e1"), first.journal)
    assert quarantined(second) == {"e1"}


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
