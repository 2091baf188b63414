"""Which step a pass takes next: `next_step(state, now, random) -> step`.

A pass works in this order, so that no segment can stand in front of all others for ever:

1. whole segments: those that may have arrived, then the oldest; those that once failed where others were accepted come
   last, and after several failures in a row the order is drawn anew;
2. a segment that turned out too large, part by part;
3. segments that were refused whole, bisected one after the other until the poison event is alone;
4. beside 1, a suspect of an earlier pass before or after each whole segment, as chance decides: a trial (`policy.TRIALS`).

Any answer that speaks of the receiver and not of the bytes (throttled, unauthorized, unavailable, unreachable) ends it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from shipper.delivery.journal import Journal
from shipper.delivery.journal import may_probe as may_probe_alone
from shipper.delivery.outcome import Outcome
from shipper.delivery.policy import (
    PACE,
    PARALLEL,
    PARALLEL_BACKLOG,
    PARALLEL_ROUND_TRIP,
    PASS_RESERVE,
    REFUSALS,
    REFUSALS_UNPROVEN,
    REFUSED_WHOLE,
    SEND_LEAST,
    SEND_SECONDS,
    SHUFFLE_AFTER,
    UNSURE_MOST,
    UNSURE_SPARED,
    WITNESSES,
)
from shipper.delivery.segment_progress import LineRefusal, Part, SegmentProgress

#: fresh: not tried yet. current: in parts, being worked on. aside: refused whole, to be bisected. suspect: only events are
#: left of it that an earlier pass suspects.
Stage = Literal["fresh", "current", "aside", "suspect"]


@dataclass(frozen=True, slots=True)
class Queued:
    """A segment that this pass has still to do with."""

    name: str
    stage: Stage = "fresh"


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial under way: the segment whose suspect was refused in it, and how many others were accepted."""

    refused: str = ""
    accepted: int = 0


@dataclass(frozen=True, slots=True)
class PassState:
    """All that a pass knows, and all that its next step depends on.

    `queue` are the segments to be sent, `segments` how far those have come that were claimed. `left` are the seconds that
    the pass still has. `proven`: the receiver accepted something in this pass. `ended`: it does not want, or cannot, take
    more. `refused` is its last refusal, `refusal` the last of
    a suspect, `limit` the bytes that a 413 suggests, until an acceptance proves that they help:
    a receiver that finds everything too large must not make every later batch tiny.

    What was `delivered`, was a `duplicate` or was `quarantined` is counted in events; `taken` is what was delivered apart
    from counts of losses, `set_aside` what was quarantined, by reason. `deferred` events wait for a newer receiver.
    `suspected`: something was refused alone, and that is not believed yet. `trial` is the one under way.
    """

    journal: Journal
    queue: tuple[Queued, ...] = ()
    by_hand: bool = False
    forbidden: str = ""
    ended: bool = False
    proven: bool = False
    refusals: int = 0
    refused_whole: int = 0
    sends: int = 0
    left: float = float("inf")
    segments: Mapping[str, SegmentProgress] = field(default_factory=dict)
    refused: Outcome | None = None
    refusal: LineRefusal | None = None
    limit: int | None = None
    delivered: int = 0
    duplicate: int = 0
    taken: int = 0
    quarantined: int = 0
    set_aside: Mapping[str, int] = field(default_factory=dict)
    deferred: int = 0
    deferred_why: str = ""
    suspected: bool = False
    trial: "Trial" = field(default_factory=lambda: Trial())
    finish: "Finish" = field(default_factory=lambda: Finish("empty"))

    def part(self, name: str) -> Part:
        """What is to be sent next of a segment."""
        return self.segments[name].parts[0]


@dataclass(frozen=True, slots=True)
class Send:
    """Wait `pause` seconds, then send the next part of each of these segments, at the same time, within `seconds`."""

    names: tuple[str, ...]
    pause: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Finish:
    """The pass is over. `why`: empty, forbidden, waiting, failed, time, refused or suspected (only suspects are left)."""

    why: Literal["empty", "forbidden", "waiting", "failed", "time", "refused", "suspected"]


Step = Send | Finish


def order(names: Sequence[str], journal: Journal, random: float, unsure: Collection[str] = ()) -> tuple[Queued, ...]:
    """Queue a pass's segments: those that may have arrived first, then the oldest (names sort by age), the notorious last.

    After several failures the order is turned by chance: of all, or of those that may have arrived where they are many.
    """
    ranked = sorted(names, key=lambda name: (name in journal.put_last, name not in unsure, name))
    if journal.failures >= SHUFFLE_AFTER and len(ranked) > 1:
        ahead = sum(name in unsure and name not in journal.put_last for name in ranked)
        spared = random * 4096 % 1 * UNSURE_SPARED < 1
        many = ahead if ahead >= UNSURE_MOST and not spared else len(ranked)
        turn = int(random * many) % many
        ranked = ranked[turn:many] + ranked[:turn] + ranked[many:]
    suspected = {key.rpartition(".")[0] for key in journal.suspects}
    return tuple(Queued(name, "suspect" if name in suspected else "fresh") for name in ranked)


def next_step(state: PassState, now: float, random: float) -> Step:
    """Decide what the pass does now; `now` in Unix seconds, `random` drawn from 0 to 1."""
    if state.forbidden:
        return Finish("forbidden")
    if not state.queue:
        return Finish("empty")
    if state.ended:
        return Finish("failed")
    if not state.by_hand and state.sends == 0 and now < state.journal.not_before:
        return Finish("waiting")
    names = _chosen(state, now, random)
    if not names:
        return Finish("suspected" if all(each.stage == "suspect" for each in state.queue) else "refused")
    pause = 0.0 if state.by_hand or state.sends == 0 else PACE * 2 * random
    seconds = min(SEND_SECONDS, state.left - PASS_RESERVE - pause)
    return Send(names, pause, seconds) if seconds >= SEND_LEAST else Finish("time")


def may_seal(state: PassState, waiting: bool) -> bool:
    """Whether the pass seals what was recorded since the last one before it sends, or after everything else is through.

    While the receiver is away, what waits already is enough to ask with. A segment more with each try would be a request
    more for each try when it is back: ten for each client after two hours, all in the same minute.
    """
    return state.by_hand or not waiting or not state.journal.failures


def _chosen(state: PassState, now: float, random: float) -> tuple[str, ...]:
    current = [each.name for each in state.queue if each.stage == "current"]
    if current:
        return (current[0],) if _may_be_refused(state) else ()
    fresh = [each.name for each in state.queue if each.stage == "fresh"]
    suspects = [each.name for each in state.queue if each.stage == "suspect"]
    if fresh and (state.proven or state.refused_whole < REFUSED_WHOLE):
        if suspects:
            return _in_trial(state, fresh[0], suspects, random)
        return tuple(fresh[: PARALLEL if _parallel(state, len(fresh)) else 1])
    if suspects and state.trial.accepted and not state.trial.refused and _may_be_refused(state):
        return (_drawn(suspects, random),)  # nothing else is left to be accepted: a trial beside one other
    aside = [each.name for each in state.queue if each.stage == "aside"]
    if aside:
        return (aside[0],) if _may_be_refused(state) else ()
    may_probe = not state.proven and (state.by_hand or may_probe_alone(state.journal, now))
    return (_drawn(suspects, random),) if suspects and may_probe and _may_be_refused(state) else ()


def _in_trial(state: PassState, fresh: str, suspects: Sequence[str], random: float) -> tuple[str, ...]:
    """What comes next in a trial: each order of the suspect and the others is as probable."""
    digits = random * 1024 % 1  # not those that decide on the pause
    probe = not state.trial.refused and digits * (1 + WITNESSES - state.trial.accepted) < 1
    return (_drawn(suspects, random),) if probe and _may_be_refused(state) else (fresh,)


def _drawn(names: Sequence[str], random: float) -> str:
    return names[int(random * len(names)) % len(names)]


def _may_be_refused(state: PassState) -> bool:
    """The request budget: each refusal costs the receiver and us a request that delivers nothing."""
    return state.refusals < (REFUSALS if state.proven else REFUSALS_UNPROVEN)


def _parallel(state: PassState, fresh: int) -> bool:
    """Only where somebody waits, the receiver has proven itself, and its round trip is what takes the time."""
    return (
        state.by_hand and state.proven and fresh >= PARALLEL_BACKLOG and state.journal.round_trip >= PARALLEL_ROUND_TRIP
    )
