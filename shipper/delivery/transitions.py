"""The course of one pass, as a value: what each outcome changes. `shipper.flusher` carries it out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shipper.delivery import journal as memory
from shipper.delivery import parts
from shipper.delivery.journal import Journal
from shipper.delivery.outcome import Accepted, Outcome, Rejected, Throttled, TooLarge, Unavailable, Unreachable
from shipper.delivery.parts import Part, Work
from shipper.delivery.plan import Finish, Queued, State, View
from shipper.delivery.policy import LIMIT_LEAST, PASS_REST


@dataclass(frozen=True, slots=True)
class Course:
    """What the pass sees (`view`), the segments it has taken up (`works`), and what it has delivered, in events.

    `limit` is a size that a refusal (413) suggests, in bytes, until an acceptance proves that it helps: a receiver that
    finds everything too large must not make every later batch tiny.
    """

    view: View
    works: Mapping[str, Work] = field(default_factory=dict)
    refusal: Outcome | None = None
    limit: int | None = None
    delivered: int = 0
    duplicate: int = 0

    def part(self, name: str) -> Part:
        """What is to be sent next of a segment."""
        return self.works[name].parts[0]


def take_up(course: Course, work: Work) -> Course:
    """Have a segment in hand."""
    return replace(course, works={**course.works, work.segment: work})


def drop(course: Course, name: str) -> Course:
    """Take a segment out of the queue: done, or nothing more can be done with it in this pass."""
    queue = tuple(each for each in course.view.queue if each.name != name)
    return replace(course, view=replace(course.view, queue=queue))


def put_down(course: Course, name: str) -> Course:
    """Have a segment out of hand again: gone for good, or waiting for the next pass."""
    return drop(replace(course, works={key: work for key, work in course.works.items() if key != name}), name)


def settle(course: Course, name: str, outcome: Outcome, now: float, random: float) -> Course:
    """Take in what the send of a segment's next part came to. `now` in Unix seconds, `random` from 0 to 1."""
    part, first = course.part(name), course.works[name].requests == 0
    course = replace(course, view=replace(course.view, sends=course.view.sends + 1))
    course = take_up(course, parts.after(course.works[name], outcome))
    if isinstance(outcome, Accepted):
        course = _accepted(course, name, part, outcome, now, random)
    elif isinstance(outcome, TooLarge | Rejected):
        course = _refused(course, name, part, outcome, first, now, random)
    else:
        course = _failed(course, name, outcome, now, random)
    # What has only suspects left is judged at the end, when the pass knows more of the receiver.
    return course if course.works[name].parts else drop(course, name)


def _accepted(course: Course, name: str, part: Part, outcome: Accepted, now: float, random: float) -> Course:
    journal = memory.after(course.view.journal, outcome, now, random)
    if course.limit is not None:  # learned by a refusal, believed now: smaller parts are what it takes
        journal = memory.with_limit(journal, course.limit, now)
    course = replace(_queued(course, name, "current", journal, proven=True), limit=None)
    refused = len(outcome.rejected) + len(outcome.deferred) + outcome.unnamed
    delivered = course.delivered + len(part.lines) - refused
    return replace(course, delivered=delivered, duplicate=course.duplicate + outcome.duplicate)


def _refused(
    course: Course, name: str, part: Part, outcome: TooLarge | Rejected, first: bool, now: float, random: float
) -> Course:
    journal = memory.after(course.view.journal, outcome, now, random)
    if isinstance(outcome, TooLarge):
        course = replace(course, limit=parts.learned_limit(part, journal.limit, LIMIT_LEAST))
    aside = first and isinstance(outcome, Rejected)
    course = _queued(course, name, "aside" if aside else "current", journal, refusals=1, refused_whole=int(aside))
    return replace(course, refusal=outcome)


def _failed(course: Course, name: str, outcome: Outcome, now: float, random: float) -> Course:
    """The receiver itself does not want or cannot: the pass ends. One failure a pass, however many were under way."""
    journal = course.view.journal
    if not course.view.ended:
        journal = memory.after(journal, outcome, now, random)
    if course.view.proven and isinstance(outcome, Unavailable):
        journal = memory.placed_last(journal, name)
    return replace(course, view=replace(course.view, journal=journal, ended=True))


def _queued(
    course: Course,
    name: str,
    state: State,
    journal: Journal,
    proven: bool = False,
    refusals: int = 0,
    refused_whole: int = 0,
) -> Course:
    view = course.view
    return replace(
        course,
        view=replace(
            view,
            journal=journal,
            queue=tuple(Queued(name, state) if each.name == name else each for each in view.queue),
            proven=view.proven or proven,
            refusals=view.refusals + refusals,
            refused_whole=view.refused_whole + refused_whole,
        ),
    )


def deleted(course: Course, outcome: Outcome, now: float, random: float) -> Course:
    """Take in what a request for erasure came to. Only a receiver out of reach, or one that asks for patience, ends the
    pass: one that knows no erasure may still take events.
    """
    after = memory.after_refusals if isinstance(outcome, TooLarge | Rejected) else memory.after
    view = replace(course.view, journal=after(course.view.journal, outcome, now, random), sends=course.view.sends + 1)
    return replace(course, view=replace(view, ended=isinstance(outcome, Unreachable | Throttled)))


def judge(course: Course, now: float) -> Course:
    """Judge the events that were refused alone, now that the pass knows whether the receiver accepts others."""
    for name, work in course.works.items():
        if not work.suspects:
            continue
        journal = course.view.journal
        if course.view.proven and work.lines == 1:
            journal = memory.suspect(journal, name, now)
        judged = parts.judge(work, course.view.proven, len(journal.suspects.get(name, ())))
        course = take_up(replace(course, view=replace(course.view, journal=journal)), judged)
    return course


def remembered(course: Course, now: float, random: float) -> Journal:
    """The journal at the end of the pass. One that was refused everything waits like one that failed."""
    view = course.view
    if course.refusal is None or view.proven or view.ended:
        return view.journal
    return memory.after_refusals(view.journal, course.refusal, now, random)


def due(journal: Journal, finish: Finish, left: bool, now: float, interval: float) -> tuple[int, int]:
    """When to try again: (not before, next due) in Unix seconds. `left`: something waits that may be sent."""
    if finish.why != "forbidden" and journal.not_before > now:
        return int(journal.not_before) + 1, int(journal.not_before) + 1
    return 0, int(now + (PASS_REST if left and finish.why != "forbidden" else interval))
