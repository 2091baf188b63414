"""One segment's lines on their way, as a value: what is still to be sent, and what is settled.

S4 rests on one fact that holds after any sequence of outcomes: each line of the segment is in exactly one place,
waiting in a part, accepted, rejected or deferred by an acknowledgement, or under suspicion. Only `settled` lets a
segment go.

A segment travels whole under its own name. Split (too large) or bisected (refused), a part's key is
`<segment>.<first>-<last>`, line numbers, the same on every try and in every process (S3).
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import Literal, Protocol

from shipper.delivery.outcome import Accepted, Outcome, Rejected, TooLarge, plain_reason
from shipper.delivery.policy import DEFERRED_DAYS


class SentLine(Protocol):
    """A line of a segment whose checksum holds, by its number in the segment; `raw` is without its newline."""

    @property
    def number(self) -> int: ...  # noqa: D102  the protocol's words are the class's
    @property
    def raw(self) -> bytes: ...  # noqa: D102
    @property
    def id(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class LineRefusal:
    """Why a line is not delivered: the word that losses are counted by, and the receiver's own words."""

    reason: Literal["rejected", "too-large"]
    detail: str


@dataclass(frozen=True, slots=True)
class Share:
    """So many of the lines `first` to `last` were refused, and nobody says which."""

    first: int
    last: int
    events: int
    detail: str


@dataclass(frozen=True, slots=True)
class Part:
    """Lines that travel together under one key.

    `trial`: a line that an earlier pass suspects. The halves of a refused part are sent one right after the other:
    `leads` marks the first, `follows` is what stands in the second of the first: "waiting", "accepted", or its key.
    """

    key: str
    lines: tuple[SentLine, ...]
    trial: bool = False
    leads: bool = False
    follows: str = ""

    @property
    def bytes(self) -> int:
        """The decoded size of the batch, newlines included."""
        return _size(self.lines)


@dataclass(frozen=True, slots=True)
class SegmentProgress:
    """A segment in a pass: the lines `given` of its `lines` (those that are settled already are not given).

    `parts` are sent in order. `suspects` were refused alone, `trials` speak against the lines (first, last), `deferred`
    are events that the receiver cannot take yet. `losses`: it tells what was lost, and whatever a receiver says of it,
    that is never lost in its turn: it is deferred. `unsure`: of some that wait, nobody knows whether they arrived.
    `later` are lines that are not given because they are for another pass.
    """

    segment: str
    given: tuple[SentLine, ...]
    lines: int
    parts: tuple[Part, ...]
    accepted: frozenset[int] = frozenset()
    duplicate: int = 0
    rejected: Mapping[int, LineRefusal] = field(default_factory=dict)
    deferred: Mapping[int, str] = field(default_factory=dict)
    shares: tuple[Share, ...] = ()
    suspects: Mapping[int, LineRefusal] = field(default_factory=dict)
    trials: tuple[tuple[int, int], ...] = ()
    losses: bool = False
    unsure: bool = False
    later: frozenset[int] = frozenset()
    requests: int = 0
    refusals: int = 0

    @property
    def settled(self) -> bool:
        """Whether every line is accepted or rejected: then, and only then, the segment may go (S4)."""
        return not self.parts and not self.suspects and not self.deferred and not self.later

    @property
    def refused(self) -> int:
        """How many of its events are to be set aside."""
        return len(self.rejected) + sum(share.events for share in self.shares)


def begin(
    segment: str,
    lines: Sequence[SentLine],
    limit: int | None,
    refused: Collection[int] = (),
    group: Callable[[bytes], object] | None = None,
    losses: bool = False,
    suspects: Mapping[int, int] = MappingProxyType({}),
    witnesses: int = 1,
    unsure: bool = False,
) -> SegmentProgress:
    """Begin with a segment: whole, or in parts of at most `limit` bytes where the receiver is known to take no more.

    `refused` are the numbers of lines that are settled already and that `lines` no longer has. The segment's own key
    belongs to all of its lines, so what is left travels in the ranges between the gaps. `suspects`, by number with the
    trials against each, travel alone, after all others. `group` says what neighbours must have in common to travel
    together, where the wire asks for that. `witnesses` is how many requests the segment makes at least, if it has the
    lines: suspects of other segments are tried beside them. `unsure`: an earlier pass may have delivered some of it.
    """
    gaps = {*refused, *suspects}
    runs = _runs([line for line in lines if line.number not in suspects], gaps, group)
    if witnesses > 1 and len(runs) == 1 and len(runs[0]) > 1:
        runs = [runs[0][: len(runs[0]) // 2], runs[0][len(runs[0]) // 2 :]]
    if len(runs) == 1 and not gaps and (limit is None or _size(runs[0]) <= limit):
        whole = (Part(segment, tuple(lines)),)
        return SegmentProgress(segment, tuple(lines), len(lines), whole, losses=losses, unsure=unsure)
    parts = tuple(part for run in runs for part in _packed(segment, run, limit))
    least_tried = sorted((suspects[line.number], line.number, line) for line in lines if line.number in suspects)
    alone = tuple(replace(_part(segment, [line]), trial=True) for _, _, line in least_tried)
    found = (*parts, *alone)
    return SegmentProgress(segment, tuple(lines), len(lines) + len(refused), found, losses=losses, unsure=unsure)


def after(progress: SegmentProgress, outcome: Outcome, random: float = 0.0) -> SegmentProgress:
    """Settle the first part by what its send came to. What came to nothing leaves the progress as it was.

    `random`, from 0 to 1, decides which half of a refused part is sent first: so no balancer's turn lines up with them.
    """
    progress = replace(progress, requests=progress.requests + 1)
    if isinstance(outcome, Accepted):
        return _accepted(progress, outcome)
    progress = replace(progress, unsure=progress.unsure or outcome.unsure)
    return _refused(progress, outcome, random) if isinstance(outcome, TooLarge | Rejected) else progress


def _accepted(progress: SegmentProgress, outcome: Accepted) -> SegmentProgress:
    part = progress.parts[0]
    rejected = {
        line.number: LineRefusal("rejected", plain_reason(outcome.rejected[line.id]))
        for line in part.lines
        if line.id in outcome.rejected
    }
    deferred = {
        line.number: plain_reason(outcome.deferred[line.id]) for line in part.lines if line.id in outcome.deferred
    }
    if progress.losses:
        deferred, rejected = {**deferred, **{number: why.detail for number, why in rejected.items()}}, {}
    named = rejected.keys() | deferred.keys()
    taken = frozenset(line.number for line in part.lines if line.number not in named)
    lines = _lines_of(part.follows)
    return replace(
        progress,
        parts=_rest(progress, "accepted"),
        accepted=progress.accepted | taken,
        duplicate=progress.duplicate + outcome.duplicate,
        rejected={**progress.rejected, **rejected},
        deferred={**progress.deferred, **deferred},
        shares=(*progress.shares, *_share(part, outcome)),
        trials=(*progress.trials, lines) if lines else progress.trials,
    )


def _refused(progress: SegmentProgress, outcome: TooLarge | Rejected, random: float) -> SegmentProgress:
    part = progress.parts[0]
    progress = replace(progress, refusals=progress.refusals + 1)
    if part.trial:
        return progress  # what speaks against it is counted by the pass, and it stays where it is
    if part.follows == "accepted":
        progress = replace(progress, trials=(*progress.trials, (part.lines[0].number, part.lines[-1].number)))
    rest = _rest(progress, part.key)
    ahead = 1 if part.leads else 0  # the other half is sent right after this one
    if len(part.lines) > 1:
        middle = _middle_byte(part) if isinstance(outcome, TooLarge) else len(part.lines) // 2
        halves = [_part(progress.segment, half) for half in (part.lines[:middle], part.lines[middle:])]
        one, other = halves if random < 0.5 else reversed(halves)
        pair = (replace(one, leads=True), replace(other, follows="waiting"))
        return replace(progress, parts=(*rest[:ahead], *pair, *rest[ahead:]))
    refusal = line_refusal(part, outcome)
    if progress.losses:
        return replace(progress, parts=rest, deferred={part.lines[0].number: refusal.detail})
    return replace(progress, parts=rest, suspects={**progress.suspects, part.lines[0].number: refusal})


def _rest(progress: SegmentProgress, came_to: str) -> tuple[Part, ...]:
    """The parts behind the first; its other half learns what it came to."""
    part, rest = progress.parts[0], progress.parts[1:]
    return (replace(rest[0], follows=came_to), *rest[1:]) if part.leads else rest


def _lines_of(key: str) -> tuple[int, int] | None:
    """The lines of a part's key, first and last; None for what is no key of a part."""
    first, dash, last = key.rpartition(".")[2].partition("-")
    return (int(first), int(last)) if dash and first.isdigit() else None


def _share(part: Part, outcome: Accepted) -> tuple[Share, ...]:
    if not outcome.unnamed:
        return ()
    detail = plain_reason(f"{outcome.unnamed} of {len(part.lines)}: {outcome.detail}")
    return (Share(part.lines[0].number, part.lines[-1].number, outcome.unnamed, detail),)


def trials_against(progress: SegmentProgress, line: int) -> int:
    """How many trials of this pass's bisection speak against a line."""
    return sum(first <= line <= last for first, last in progress.trials)


def rotated(progress: SegmentProgress) -> SegmentProgress:
    """Have the next suspect tried before this one is tried again."""
    return replace(progress, parts=(*progress.parts[1:], progress.parts[0]))


def give_up(progress: SegmentProgress, refusal: LineRefusal) -> SegmentProgress:
    """Refuse the suspect that is next: enough trials speak against it."""
    part = progress.parts[0]
    return replace(progress, parts=progress.parts[1:], rejected={**progress.rejected, part.lines[0].number: refusal})


def give_up_deferred(progress: SegmentProgress) -> SegmentProgress:
    """Refuse what has been deferred for too long."""
    if progress.losses:
        return progress
    given_up = {
        number: LineRefusal("rejected", plain_reason(f"deferred for {DEFERRED_DAYS} days: {reason}"))
        for number, reason in progress.deferred.items()
    }
    return replace(progress, deferred={}, rejected={**progress.rejected, **given_up})


def line_refusal(part: Part, outcome: TooLarge | Rejected) -> LineRefusal:
    """Why a part of one line is refused."""
    if isinstance(outcome, Rejected):
        return LineRefusal("rejected", outcome.reason)
    return LineRefusal("too-large", plain_reason(f"{part.bytes} bytes are too many for the receiver"))


def learned_limit(part: Part, known: int | None, least: int) -> int:
    """What to send at most after a 413 for this part: half of it, never more than what was known."""
    half = max(part.bytes // 2, least)
    return half if known is None else min(half, known)


def _part(segment: str, lines: Sequence[SentLine]) -> Part:
    return Part(_range(segment, lines), tuple(lines))


def _range(segment: str, lines: Sequence[SentLine]) -> str:
    return f"{segment}.{lines[0].number}-{lines[-1].number}"


def _runs(
    lines: Sequence[SentLine], refused: Collection[int], group: Callable[[bytes], object] | None
) -> list[list[SentLine]]:
    """Cut the lines wherever a refused one is missing between two of them, or the group changes."""
    gaps = sorted(refused)
    keys = ((bisect_left(gaps, line.number), group(line.raw) if group else None) for line in lines)
    return [[line for _, line in found] for _, found in groupby(zip(keys, lines, strict=True), key=itemgetter(0))]


def _packed(segment: str, lines: Sequence[SentLine], limit: int | None) -> list[Part]:
    """Fill parts in order up to the limit; a line that is larger by itself travels alone."""
    groups: list[list[SentLine]] = [[]]
    size = 0
    for line in lines:
        if groups[-1] and limit is not None and size + len(line.raw) + 1 > limit:
            groups.append([])
            size = 0
        groups[-1].append(line)
        size += len(line.raw) + 1
    return [_part(segment, group) for group in groups]


def _size(lines: Sequence[SentLine]) -> int:
    return sum(len(line.raw) + 1 for line in lines)


def _middle_byte(part: Part) -> int:
    """Cut where half of the bytes lie on each side, with at least one line on each."""
    half, size = part.bytes / 2, 0
    for index, line in enumerate(part.lines):
        size += len(line.raw)
        if size >= half:
            return min(max(index, 1), len(part.lines) - 1)
    return len(part.lines) // 2
