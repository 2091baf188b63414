"""What a pass does on the disk with one claimed segment: begin, set aside what is refused, note what came of it; and what
the whole pass came to.
"""

from collections.abc import Collection
from dataclasses import replace
from hashlib import sha256

from shipper import deletions
from shipper.delivery import days, journal, segment_progress, transitions
from shipper.delivery.journal import Journal
from shipper.delivery.messages import explain_left
from shipper.delivery.outcome import Outcome, Unreachable
from shipper.delivery.plan import PassState
from shipper.delivery.policy import WITNESSES
from shipper.delivery.result import PassResult
from shipper.delivery.segment_progress import Part, SegmentProgress
from shipper.recording.line import format_time
from shipper.recording.unlinked import unlinked_day
from shipper.spool import Spool
from shipper.spool.lines import Segment
from shipper.spool.names import is_losses
from shipper.spool.pending import lines_waiting
from shipper.wires import Wire, grouping
from shipper.wires.events import readable
from shipper.wires.message import Batch, Reply


def begin(
    spool: Spool,
    wire: Wire,
    segment: Segment,
    kept: Journal,
    sent: frozenset[str] = frozenset(),
    now: float | None = None,
    most: int = 1,
) -> SegmentProgress:
    """Begin with a segment's lines that are neither in quarantine nor, where the wire reads them, unreadable.

    `kept` knows how much the receiver takes at most, and which lines are suspected. `sent` are the days whose unlinked
    events this pass sends already, of `most` days, and `now` Unix seconds, None for a pass by hand: it sends all days.
    """
    refused = set(segment.quarantined)
    for line in segment.lines if wire.READS_EVENTS else ():
        why = readable(line.raw)
        if why and line.number not in refused:
            spool.quarantine(segment.name, line.number, line.raw, "damaged", why)
            refused.add(line.number)
    lines = [line for line in segment.lines if line.number not in refused]
    suspects = {
        line: found.trials for line, found in journal.suspects_of(kept, segment.name).items() if line not in refused
    }
    unlinked = {line.number: unlinked_day(line.raw).decode("ascii", "replace") for line in lines}
    later = days.postponed(unlinked, sent, now, most) if now is not None and any(unlinked.values()) else frozenset()
    group = grouping(wire)
    progress = segment_progress.begin(
        segment.name,
        [line for line in lines if line.number not in later],
        kept.limit,
        refused | later,
        (lambda raw: (unlinked_day(raw), group and group(raw))) if any(unlinked.values()) else group,
        is_losses(segment.name),
        {line: trials for line, trials in suspects.items() if line not in later},
        WITNESSES if kept.suspects else 1,
        segment.name in spool.unconfirmed(),
    )
    return replace(progress, later=later)


def days_sent(progress: SegmentProgress) -> frozenset[str]:
    """The days of the unlinked events that a segment sends in this pass."""
    return frozenset(day.decode() for part in progress.parts if (day := unlinked_day(part.lines[0].raw)))


def days_later(segment: Segment, progress: SegmentProgress) -> frozenset[str]:
    """The days of the events that wait for another pass."""
    waiting = (line.raw for line in segment.lines if line.number in progress.later)
    return frozenset(unlinked_day(raw).decode() for raw in waiting)


def batch(part: Part) -> Batch:
    """A part as a wire takes it. Unlinked events go in the order of their ids, which are random, under a key of their own:
    neither the order in which they happened nor the name of their segment leaves the machine.
    """
    day = unlinked_day(part.lines[0].raw).decode()
    if not day:
        return Batch(part.key, tuple(line.raw + b"\n" for line in part.lines))
    lines = tuple(line.raw + b"\n" for line in sorted(part.lines, key=lambda line: line.id))
    return Batch(f"{day}-{sha256(b''.join(lines)).hexdigest()[:16]}", lines)


def outcome(wire: Wire, sent: Batch, answer: Reply | Unreachable) -> Outcome:
    """What one send came to."""
    if not isinstance(answer, Reply):
        return answer
    read = wire.read(answer, sent)
    return replace(read, unsure=True) if answer.unsure else read


def set_aside(spool: Spool, progress: SegmentProgress) -> None:
    """Put what was refused into quarantine, before its segment goes or waits again (S4)."""
    raws = {line.number: line.raw for line in progress.given}
    for number, refusal in progress.rejected.items():
        spool.quarantine(progress.segment, number, raws[number], refusal.reason, refusal.detail)
    for share in progress.shares:
        lines = [(line.number, line.raw) for line in progress.given if share.first <= line.number <= share.last]
        spool.quarantine_share(progress.segment, lines, share.events, share.detail)


def expire_deferred(spool: Spool, state: PassState, name: str, now: float) -> PassState:
    """Give up what has been deferred for too long."""
    if not state.segments[name].deferred:
        return state
    return transitions.expire_deferred(state, name, spool.deferred_since(name), now)


def put_back(spool: Spool, progress: SegmentProgress, now: float) -> None:
    """Let an unsettled segment wait again (S5): for the next pass, or a day where the receiver cannot take it yet."""
    set_aside(spool, progress)
    if progress.deferred and not progress.parts:
        spool.defer(progress.segment, progress.accepted, now, progress.unsure)
    else:
        spool.release(progress.segment, progress.accepted, progress.unsure)


def history_entry(progress: SegmentProgress, endpoint: str, now: float) -> dict[str, object]:
    """A line of the history: when, where, events, bytes. `now` in Unix seconds."""
    sent = [line for line in progress.given if line.number in progress.accepted]
    return {
        "time": format_time(int(now * 1000)),
        "batch": progress.segment,
        "endpoint": endpoint,
        "events": len(sent) - sum(share.events for share in progress.shares),
        "duplicate": progress.duplicate,
        "rejected": progress.refused,
        "bytes": sum(len(line.raw) + 1 for line in sent),
    }


def result(spool: Spool, wire: Wire, state: PassState, begun: Collection[str], now: float) -> PassResult:
    """What the pass came to; `begun` are the segments that waited when it began."""
    counts = spool.counts() if state.forbidden else None
    waiting = [each.name for each in spool.waiting() if each.name in begun]
    left = counts.events + counts.held if counts else sum(lines_waiting(spool.folder, name) for name in waiting)
    return PassResult(
        delivered=state.delivered,
        duplicate=state.duplicate,
        quarantined=state.quarantined,
        set_aside=state.set_aside,
        deferred=state.deferred,
        deferred_why=state.deferred_why,
        endpoint=spool.manifest.endpoint,
        left=left,
        why=explain_left(state.journal, state.finish, state.suspected, now) if left else "",
        forbidden=state.forbidden,
        deletions=len(deletions.pending(spool, wire)),
    )
