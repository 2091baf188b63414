"""Which step a pass takes next: `next_step(state, now, random) -> step`.

A pass works in this order, so that no segment can stand in front of all others for ever:

1. whole segments, the oldest first; those that once failed where others were accepted come last, and after several
   failures in a row the order is drawn anew;
2. a segment that turned out too large, part by part;
3. segments that were refused whole, bisected one after the other until the poison event is alone.

Any answer that speaks of the receiver and not of the bytes (throttled, unauthorized, unavailable, unreachable) ends it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from shipper.delivery.journal import Journal
from shipper.delivery.outcome import Outcome
from shipper.delivery.parts import Part, SegmentProgress
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
)

#: fresh: not tried yet. current: in parts, being worked on. aside: refused whole, to be bisected.
Stage = Literal["fresh", "current", "aside"]


@dataclass(frozen=True, slots=True)
class Queued:
    """A segment that this pass has still to do with."""

    name: str
    stage: Stage = "fresh"


@dataclass(frozen=True, slots=True)
class PassState:
    """All that a pass knows, and all that its next step depends on.

    `queue` are the segments to be sent, `segments` how far those have come that were claimed. `left` are the seconds that
    the pass still has. `proven`: the receiver accepted something in this pass. `ended`: it does not want, or cannot, take
    more. `refused` is its last refusal, `limit` the bytes that a 413 suggests, until an acceptance proves that they help:
    a receiver that finds everything too large must not make every later batch tiny.

    What was `delivered`, was a `duplicate` or was `quarantined` is counted in events; `taken` is what was delivered apart
    from counts of losses, `set_aside` what was quarantined, by reason. `deferred` events wait for a newer receiver.
    `suspected`: something was refused alone, and that is not believed yet.
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
    limit: int | None = None
    delivered: int = 0
    duplicate: int = 0
    taken: int = 0
    quarantined: int = 0
    set_aside: Mapping[str, int] = field(default_factory=dict)
    deferred: int = 0
    deferred_why: str = ""
    suspected: bool = False
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
    """The pass is over. `why`: empty, forbidden, waiting, failed, time or refused."""

    why: Literal["empty", "forbidden", "waiting", "failed", "time", "refused"]


Step = Send | Finish


def order(names: Sequence[str], journal: Journal, random: float) -> tuple[Queued, ...]:
    """Queue a pass's segments: the oldest first (names sort by age), the notorious last, or turned by chance."""
    ranked = sorted(names, key=lambda name: (name in journal.put_last, name))
    if journal.failures >= SHUFFLE_AFTER and len(ranked) > 1:
        turn = int(random * len(ranked)) % len(ranked)
        ranked = ranked[turn:] + ranked[:turn]
    return tuple(Queued(name) for name in ranked)


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
    names = _chosen(state)
    if not names:
        return Finish("refused")
    pause = 0.0 if state.by_hand or state.sends == 0 else PACE * 2 * random
    seconds = min(SEND_SECONDS, state.left - PASS_RESERVE - pause)
    return Send(names, pause, seconds) if seconds >= SEND_LEAST else Finish("time")


def may_seal(state: PassState, waiting: bool) -> bool:
    """Whether the pass seals what was recorded since the last one before it sends, or after everything else is through.

    While the receiver is away, what waits already is enough to ask with. A segment more with each try would be a request
    more for each try when it is back: ten for each client after two hours, all in the same minute.
    """
    return state.by_hand or not waiting or not state.journal.failures


def _chosen(state: PassState) -> tuple[str, ...]:
    current = [each.name for each in state.queue if each.stage == "current"]
    if current:
        return (current[0],) if _may_be_refused(state) else ()
    fresh = [each.name for each in state.queue if each.stage == "fresh"]
    if fresh and (state.proven or state.refused_whole < REFUSED_WHOLE):
        return tuple(fresh[: PARALLEL if _parallel(state, len(fresh)) else 1])
    aside = [each.name for each in state.queue if each.stage == "aside"]
    return (aside[0],) if aside and _may_be_refused(state) else ()


def _may_be_refused(state: PassState) -> bool:
    """The request budget: each refusal costs the receiver and us a request that delivers nothing."""
    return state.refusals < (REFUSALS if state.proven else REFUSALS_UNPROVEN)


def _parallel(state: PassState, fresh: int) -> bool:
    """Only where somebody waits, the receiver has proven itself, and its round trip is what takes the time."""
    return (
        state.by_hand and state.proven and fresh >= PARALLEL_BACKLOG and state.journal.round_trip >= PARALLEL_ROUND_TRIP
    )
