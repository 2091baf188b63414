"""What each outcome changes in a pass: a PassState goes in, a PassState comes out. `shipper.flusher` carries it out."""

from collections import Counter
from dataclasses import replace

from shipper.delivery import journal, parts
from shipper.delivery.journal import Journal
from shipper.delivery.outcome import Accepted, Outcome, Rejected, Throttled, TooLarge, Unavailable, Unreachable
from shipper.delivery.parts import Part, SegmentProgress
from shipper.delivery.plan import Finish, PassState, Queued, Stage
from shipper.delivery.policy import DAY, DEFERRED_DAYS, LIMIT_LEAST, PASS_REST


def add_segment(state: PassState, progress: SegmentProgress) -> PassState:
    """Note a claimed segment, or how far it has come now."""
    return replace(state, segments={**state.segments, progress.segment: progress})


def unqueue(state: PassState, name: str) -> PassState:
    """Take a segment out of the queue: done, or nothing more can be done with it in this pass."""
    return replace(state, queue=tuple(each for each in state.queue if each.name != name))


def drop_segment(state: PassState, name: str) -> PassState:
    """Let go of a segment: for good when it is settled, else it waits for the next pass. What was refused is set aside."""
    progress = state.segments[name]
    reasons = Counter(state.set_aside)
    for refusal in progress.rejected.values():
        reasons[refusal.detail] += 1
    for share in progress.shares:
        reasons[share.detail] += share.events
    return replace(
        unqueue(state, name),
        segments={key: each for key, each in state.segments.items() if key != name},
        quarantined=state.quarantined + progress.refused,
        set_aside=reasons,
        deferred=state.deferred + (0 if progress.losses else len(progress.deferred)),
        deferred_why=next(iter(progress.deferred.values()), state.deferred_why),
        journal=journal.forgotten(state.journal, name) if progress.settled else state.journal,
    )


def settle(state: PassState, name: str, outcome: Outcome, now: float, random: float) -> PassState:
    """Take in what the send of a segment's next part came to. `now` in Unix seconds, `random` from 0 to 1."""
    part, first = state.part(name), state.segments[name].requests == 0
    state = replace(state, sends=state.sends + 1)
    state = add_segment(state, parts.after(state.segments[name], outcome))
    if isinstance(outcome, Accepted):
        state = _accepted(state, name, part, outcome, now, random)
    elif isinstance(outcome, TooLarge | Rejected):
        state = _refused(state, name, part, outcome, first, now, random)
    else:
        state = _failed(state, name, outcome, now, random)
    # What has only suspects left is confirmed at the end, when the pass knows more of the receiver.
    return state if state.segments[name].parts else unqueue(state, name)


def _accepted(state: PassState, name: str, part: Part, outcome: Accepted, now: float, random: float) -> PassState:
    after = journal.after(state.journal, outcome, now, random)
    if state.limit is not None:  # learned by a refusal, believed now: smaller parts are what it takes
        after = journal.with_limit(after, state.limit, now)
    refused = len(outcome.rejected) + len(outcome.deferred) + outcome.unnamed
    return replace(
        _staged(state, name, "current"),
        journal=after,
        proven=True,
        limit=None,
        delivered=state.delivered + len(part.lines) - refused,
        taken=state.taken + (0 if state.segments[name].losses else len(part.lines) - refused),
        duplicate=state.duplicate + outcome.duplicate,
    )


def _refused(
    state: PassState, name: str, part: Part, outcome: TooLarge | Rejected, first: bool, now: float, random: float
) -> PassState:
    aside = first and isinstance(outcome, Rejected)
    too_large = isinstance(outcome, TooLarge)
    return replace(
        _staged(state, name, "aside" if aside else "current"),
        journal=journal.after(state.journal, outcome, now, random),
        refusals=state.refusals + 1,
        refused_whole=state.refused_whole + aside,
        refused=outcome,
        limit=parts.learned_limit(part, state.journal.limit, LIMIT_LEAST) if too_large else state.limit,
    )


def _failed(state: PassState, name: str, outcome: Outcome, now: float, random: float) -> PassState:
    """The receiver itself does not want or cannot: the pass ends. One failure a pass, however many were under way."""
    after = state.journal if state.ended else journal.after(state.journal, outcome, now, random)
    if state.proven and isinstance(outcome, Unavailable):
        after = journal.placed_last(after, name)
    return replace(state, journal=after, ended=True)


def _staged(state: PassState, name: str, stage: Stage) -> PassState:
    return replace(state, queue=tuple(Queued(name, stage) if each.name == name else each for each in state.queue))


def settle_deletion(state: PassState, outcome: Outcome, now: float, random: float) -> PassState:
    """Take in what a request for erasure came to. Only a receiver out of reach, or one that asks for patience, ends the
    pass: one that knows no erasure may still take events.
    """
    change = journal.after_refusals if isinstance(outcome, TooLarge | Rejected) else journal.after
    after = change(state.journal, outcome, now, random)
    return replace(state, journal=after, sends=state.sends + 1, ended=isinstance(outcome, Unreachable | Throttled))


def confirm_refusals(state: PassState, now: float) -> PassState:
    """Believe the refusals of single events or not, now that the pass knows whether the receiver accepts others."""
    for name, progress in state.segments.items():
        if not progress.suspects:
            continue
        if state.proven and progress.lines == 1:
            state = replace(state, journal=journal.suspect(state.journal, name, now))
        confirmed = parts.confirm(progress, state.proven, len(state.journal.suspects.get(name, ())))
        state = add_segment(state, confirmed)
    suspected = state.proven and any(progress.suspects for progress in state.segments.values())
    return replace(state, suspected=suspected)


def expire_deferred(state: PassState, name: str, since: float | None, now: float) -> PassState:
    """Give up what a segment's receiver has deferred `since` then, in Unix seconds, once that is too long ago."""
    if since is None or now - since < DEFERRED_DAYS * DAY:
        return state
    return add_segment(state, parts.give_up_deferred(state.segments[name]))


def last_journal(state: PassState, success: float, now: float, random: float) -> Journal:
    """The journal at the end of the pass; `success` is when the last one before it delivered something.

    A pass whose requests were all refused waits like one that failed. One whose events were all refused by name knows
    that the receiver is well, so it does not wait; but it delivered nothing, and `status` must not say that it did.
    """
    if state.quarantined and not state.taken and not state.ended:
        why = next(iter(state.set_aside), "")
        return journal.with_nothing_taken(state.journal, success, why, now)
    if state.refused is None or state.proven or state.ended:
        return state.journal
    return journal.after_refusals(state.journal, state.refused, now, random)


def due(kept: Journal, finish: Finish, left: bool, now: float, interval: float) -> tuple[int, int]:
    """When to try again: (not before, next due) in Unix seconds. `left`: something waits that may be sent."""
    if finish.why != "forbidden" and kept.not_before > now:
        return int(kept.not_before) + 1, int(kept.not_before) + 1
    return 0, int(now + (PASS_REST if left and finish.why != "forbidden" else interval))
