"""What each outcome changes in a pass: a PassState goes in, a PassState comes out. `shipper.flusher` carries it out."""

from collections import Counter
from dataclasses import replace

from shipper.delivery import journal, segment_progress
from shipper.delivery.journal import Evidence, Journal
from shipper.delivery.outcome import Accepted, Outcome, Rejected, Throttled, TooLarge, Unavailable, Unreachable
from shipper.delivery.plan import Finish, PassState, Queued, Stage, Trial
from shipper.delivery.policy import DAY, DEFERRED_DAYS, LIMIT_LEAST, PASS_REST, TRIALS, WITNESSES
from shipper.delivery.segment_progress import Part, SegmentProgress


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
    fresh = any(each.name == name and each.stage == "fresh" for each in state.queue)
    state = replace(state, sends=state.sends + 1)
    state = add_segment(state, segment_progress.after(state.segments[name], outcome, random))
    if isinstance(outcome, Accepted):
        state = _accepted(state, name, part, outcome, now, random)
        state = _witnessed(state) if fresh and not part.trial else replace(state, trial=Trial())
    elif isinstance(outcome, TooLarge | Rejected) and part.trial:
        state = _probed(state, name, part, outcome, now)
    elif isinstance(outcome, TooLarge | Rejected):
        state = _refused(replace(state, trial=Trial()), name, part, outcome, first, now, random)
    else:
        state = _failed(state, name, outcome, now, random)
    rest = state.segments[name].parts
    if not rest:  # it may have suspects: they are noted at the end, when the pass knows more of the receiver
        return unqueue(state, name)
    return _staged(state, name, "suspect") if rest[0].trial else state


def _witnessed(state: PassState) -> PassState:
    """Something else was accepted, which is a part of a trial where there are suspects."""
    if not state.trial.refused and not any(each.stage == "suspect" for each in state.queue):
        return state
    trial = replace(state.trial, accepted=state.trial.accepted + 1)
    if not trial.refused:
        return replace(state, trial=replace(trial, accepted=min(trial.accepted, WITNESSES)))
    return _completed(replace(state, trial=trial), trial.refused)


def _probed(state: PassState, name: str, part: Part, outcome: TooLarge | Rejected, now: float) -> PassState:
    """A suspect was refused again: that speaks against it only together with what is accepted right before or after."""
    state = replace(
        state,
        refusals=state.refusals + 1,
        refused=outcome,
        refusal=segment_progress.line_refusal(part, outcome),
        trial=replace(state.trial, refused=name),
    )
    if state.trial.accepted or _fresh(state):
        return _completed(state, name)
    return unqueue(replace(state, trial=Trial(), journal=replace(state.journal, probed=now)), name)


def _fresh(state: PassState) -> bool:
    return any(each.stage == "fresh" for each in state.queue)


def _completed(state: PassState, name: str) -> PassState:
    """End a trial that has all that it can have: more speaks against the suspect, and after enough of it it is given up."""
    accepted = state.trial.accepted
    if accepted < WITNESSES and _fresh(state):
        return state
    progress, line = state.segments[name], state.part(name).lines[0].number
    known = journal.suspects_of(state.journal, name).get(line, Evidence())
    more = (
        replace(known, singles=known.singles + 1) if accepted < WITNESSES else replace(known, doubles=known.doubles + 1)
    )
    state = replace(state, trial=Trial(), journal=journal.with_evidence(state.journal, name, line, more))
    if more.trials < TRIALS or state.refusal is None:
        return add_segment(state, segment_progress.rotated(progress))
    state = add_segment(state, segment_progress.give_up(progress, state.refusal))
    return state if state.segments[name].parts else unqueue(state, name)


def _accepted(state: PassState, name: str, part: Part, outcome: Accepted, now: float, random: float) -> PassState:
    after = journal.after(state.journal, outcome, now, random)
    if state.limit is not None:  # learned by a refusal, believed now: smaller parts are what it takes
        after = journal.with_limit(after, state.limit, now)
    refused = len(outcome.rejected) + len(outcome.deferred) + outcome.unnamed
    return replace(
        _staged(state, name, "current" if state.segments[name].refusals else "fresh"),
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
        limit=segment_progress.learned_limit(part, state.journal.limit, LIMIT_LEAST) if too_large else state.limit,
    )


def _failed(state: PassState, name: str, outcome: Outcome, now: float, random: float) -> PassState:
    """The receiver itself does not want or cannot: the pass ends. One failure a pass, however many were under way."""
    after = state.journal if state.ended else journal.after(state.journal, outcome, now, random)
    if state.proven and (isinstance(outcome, Unavailable) or outcome.unsure):
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


def note_suspects(state: PassState) -> PassState:
    """Remember what was refused alone, if the receiver accepted something else in this pass: later passes put it to trials.

    A receiver that refuses everything has a bad day, not our events.
    """
    left = any(each.stage == "suspect" for each in state.queue)
    suspected = left or any(progress.suspects for progress in state.segments.values())
    for name, progress in state.segments.items() if state.proven else ():
        for line in progress.suspects:
            found = Evidence(levels=segment_progress.trials_against(progress, line))
            state = replace(state, journal=journal.with_evidence(state.journal, name, line, found))
    return replace(state, suspected=suspected and (state.proven or left))


def expire_deferred(state: PassState, name: str, since: float | None, now: float) -> PassState:
    """Give up what a segment's receiver has deferred `since` then, in Unix seconds, once that is too long ago."""
    if since is None or now - since < DEFERRED_DAYS * DAY:
        return state
    return add_segment(state, segment_progress.give_up_deferred(state.segments[name]))


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
