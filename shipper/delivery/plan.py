"""Which step a pass takes next: `next_step(view, now, random) -> step`.

A pass works in this order, so that no segment can stand in front of all others for ever:

1. whole segments, the oldest first; those that once failed where others were accepted come last, and after several
   failures in a row the order is drawn anew;
2. a segment that turned out too large, part by part;
3. segments that were refused whole, bisected one after the other until the poison event is alone.

Any answer that speaks of the receiver and not of the bytes (throttled, unauthorized, unavailable, unreachable) ends it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shipper.delivery.journal import Journal
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
State = Literal["fresh", "current", "aside"]


@dataclass(frozen=True, slots=True)
class Queued:
    """A segment that this pass has still to do with."""

    name: str
    state: State = "fresh"


@dataclass(frozen=True, slots=True)
class View:
    """All that the next step depends on."""

    journal: Journal
    queue: tuple[Queued, ...]
    by_hand: bool = False
    forbidden: str = ""
    ended: bool = False
    proven: bool = False
    refusals: int = 0
    refused_whole: int = 0
    sends: int = 0
    left: float = float("inf")


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


def next_step(view: View, now: float, random: float) -> Step:
    """Decide what the pass does now; `now` in Unix seconds, `random` drawn from 0 to 1."""
    if view.forbidden:
        return Finish("forbidden")
    if not view.queue:
        return Finish("empty")
    if view.ended:
        return Finish("failed")
    if not view.by_hand and view.sends == 0 and now < view.journal.not_before:
        return Finish("waiting")
    names = _chosen(view)
    if not names:
        return Finish("refused")
    pause = 0.0 if view.by_hand or view.sends == 0 else PACE * 2 * random
    seconds = min(SEND_SECONDS, view.left - PASS_RESERVE - pause)
    return Send(names, pause, seconds) if seconds >= SEND_LEAST else Finish("time")


def may_seal(view: View, waiting: bool) -> bool:
    """Whether the pass seals what was recorded since the last one before it sends, or after everything else is through.

    While the receiver is away, what waits already is enough to ask with. A segment more with each try would be a request
    more for each try when it is back: ten for each client after two hours, all in the same minute.
    """
    return view.by_hand or not waiting or not view.journal.failures


def _chosen(view: View) -> tuple[str, ...]:
    current = [each.name for each in view.queue if each.state == "current"]
    if current:
        return (current[0],) if _may_be_refused(view) else ()
    fresh = [each.name for each in view.queue if each.state == "fresh"]
    if fresh and (view.proven or view.refused_whole < REFUSED_WHOLE):
        return tuple(fresh[: PARALLEL if _parallel(view, len(fresh)) else 1])
    aside = [each.name for each in view.queue if each.state == "aside"]
    return (aside[0],) if aside and _may_be_refused(view) else ()


def _may_be_refused(view: View) -> bool:
    """The request budget: each refusal costs the receiver and us a request that delivers nothing."""
    return view.refusals < (REFUSALS if view.proven else REFUSALS_UNPROVEN)


def _parallel(view: View, fresh: int) -> bool:
    """Only where somebody waits, the receiver has proven itself, and its round trip is what takes the time."""
    return view.by_hand and view.proven and fresh >= PARALLEL_BACKLOG and view.journal.round_trip >= PARALLEL_ROUND_TRIP
