"""One pass over one app's spool: the one place where disk, decisions and network meet.

A pass does what the decisions of `shipper.delivery` say and decides nothing itself: it claims, asks for the next step,
sends, settles, and writes down what the next pass must know. At any moment it may be killed: what is claimed waits
again (S5), what is settled is settled on disk before its segment goes (S4), and the attempt was journalled before it.
"""

import os
import random as chance
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from shipper import files
from shipper.delivery import journal as memory
from shipper.delivery import parts, plan
from shipper.delivery import transitions as course
from shipper.delivery.journal import Journal
from shipper.delivery.messages import left_because
from shipper.delivery.outcome import Accepted, plain
from shipper.delivery.parts import Part, Work
from shipper.delivery.plan import Finish, Queued, View
from shipper.delivery.policy import LOCK_SECONDS, PASS_SECONDS, SEND_SECONDS
from shipper.delivery.transitions import Course
from shipper.recording import consent
from shipper.recording.folder import Folder, open_app, open_state
from shipper.recording.line import format_time
from shipper.recording.names import valid_id
from shipper.spool import Spool
from shipper.spool.lines import Segment
from shipper.spool.locks import flusher_lock
from shipper.spool.names import SUFFIX
from shipper.spool.segments import names_in, numbered_lines
from shipper.wakeup import doorbell
from shipper.wires import Carrier, carrier, choose, deleting, grouping
from shipper.wires.destination import destination
from shipper.wires.events import readable
from shipper.wires.message import Batch, Reply, Withdrawn

#: Characters of a receiver's reply to a request for erasure that are kept: its counts, in JSON.
RECEIPT = 500

Progress = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass came to, in events. `delivered` includes the duplicates, which the receiver had already.

    `left` is what still waits of what was there at the start, `why` says in one sentence for what; `forbidden` is the
    rule of consent that let nothing go. `deletions` are requests for erasure that still wait.
    """

    delivered: int = 0
    duplicate: int = 0
    quarantined: int = 0
    left: int = 0
    why: str = ""
    forbidden: str = ""
    deletions: int = 0


def run_pass(
    name: str,
    *,
    environ: Mapping[str, str] = os.environ,
    by_hand: bool = False,
    clock: Callable[[], float] = time.time,
    randomness: Callable[[], float] = chance.random,
    progress: Progress | None = None,
) -> PassResult:
    """Run one pass over the spool `name`. Call it in the main thread: a pass that nobody waits for sets an alarm.

    `by_hand` ignores the wait that an earlier failure left, works off the whole spool without pauses, and waits 10 s
    for a running pass. `progress(done, total)` is called with numbers of events. Raises Busy while another pass runs,
    DamagedManifest, UnknownWire, FileNotFoundError for a spool that is not there, and OSError when its folder cannot be
    used.
    """
    limit, patience = (0.0, LOCK_SECONDS) if by_hand else (PASS_SECONDS, 0.0)
    with (
        open_state(environ) as state,
        open_app(state, name) as folder,
        _hard_limit(limit),
        flusher_lock(folder, patience),
    ):
        doorbell.answer(folder)
        return _Pass(Spool(folder, environ), environ, by_hand, clock, randomness, progress).run()


@contextmanager
def _hard_limit(seconds: float) -> Iterator[None]:
    """End the process after so many seconds (0: never) whatever it does: SIGALRM at its default action.

    A handler would wait for getaddrinfo or a hung disk to return; sudden death does not, and costs nothing (S4, S5).
    A limit that runs already, set before anything was imported, is the earlier one and stays.
    """
    if not seconds or not hasattr(signal, "setitimer") or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return
    before = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


class _Pass:
    """One pass: it carries out the course on disk and network. The caller holds flusher.lock."""

    def __init__(
        self,
        spool: Spool,
        environ: Mapping[str, str],
        by_hand: bool,
        clock: Callable[[], float],
        random: Callable[[], float],
        progress: Progress | None,
    ) -> None:
        self.spool, self.environ, self.clock, self.random, self.progress = spool, environ, clock, random, progress
        self.manifest = spool.manifest
        self.wire = choose(self.manifest.wire, self.manifest.endpoint)
        self.about = destination(environ, self.manifest)
        self.ends = float("inf") if by_hand else time.monotonic() + PASS_SECONDS
        journal = memory.trusted(Journal.from_json(spool.read_journal()), clock())
        self.course = Course(View(journal, (), by_hand))
        self.finish = Finish("empty")
        self.total = self.quarantined = 0
        self.unsealed = False  # what was recorded since the last pass is left for the end of this one
        self.suspected = self.sound = False
        self.begun: tuple[str, ...] = ()

    def run(self) -> PassResult:
        """Do the pass."""
        with suppress(OSError):  # a full disk: to deliver makes room, and a later pass finishes what is half done
            self.spool.recover()
            self.sound = True
        mode, why = self.manifest.decide(self.environ)
        if why in consent.LASTING_OFF:
            self.spool.purge()  # S6: whatever a writer still brought in under `off`
        self._see(forbidden="" if mode == consent.ON else why)
        with carrier(self.manifest.endpoint, self.course.view.by_hand) as transport:
            self._delete_persons(transport)
            self._take_stock()
            self._loop(transport)
            if self.finish.why == "empty" and self.unsealed:
                self._queue_last(transport, self.spool.seal(self.clock()))
            if self.finish.why == "empty" and self.course.view.proven:
                # S7: what this very pass set aside is told by this pass, where the receiver is at hand.
                self._queue_last(transport, self._collect_losses())
        return self._result()

    def _see(self, **changes: object) -> None:
        self.course = replace(self.course, view=replace(self.course.view, **changes))  # type: ignore[arg-type]

    def _remember(self, journal: Journal) -> None:
        self.spool.write_journal(journal.to_json())

    def _next(self) -> plan.Step:
        self._see(left=self.ends - time.monotonic())
        return plan.next_step(self.course.view, self.clock(), self.random())

    def _take_stock(self) -> None:
        """Tidy and queue what waits; seal what was recorded until now only where something may be sent."""
        now, journal = self.clock(), self.course.view.journal
        if self.sound:
            with suppress(OSError):
                journal = replace(journal, too_old=self.spool.enforce_bounds(now, journal.too_old))
        self._see(journal=journal, queue=(Queued(""),))
        if isinstance(self._next(), plan.Send):
            self._collect_losses()
            self.unsealed = not plan.may_seal(self.course.view, bool(self.spool.waiting()))
            if not self.unsealed:
                self.spool.seal(now)
            self.total = self.spool.counts().events if self.progress else 0
        self.begun = tuple(each.name for each in self.spool.waiting())
        self._see(queue=plan.order(self.begun, journal, self.random()))

    def _loop(self, transport: Carrier) -> None:
        try:
            while isinstance(step := self._next(), plan.Send):
                if step.pause:  # to sleep for no time still gives the core away: on a busy machine milliseconds
                    time.sleep(step.pause)
                names = [name for name in step.names if self._in_hand(name)]
                if names:
                    self._send(transport, names, step.seconds)
            self.finish = step
        finally:
            self._put_down()

    def _queue_last(self, transport: Carrier, fresh: str | None) -> None:
        """Send a segment that came to be when everything else was through."""
        self.unsealed = False
        if fresh:
            self._see(queue=(Queued(fresh),))
            self._loop(transport)

    def _collect_losses(self) -> str | None:
        """S7: tell what was lost, but nothing that might be counted twice, and never at the price of a delivery."""
        if self.sound:
            with suppress(OSError):
                return self.spool.collect_losses(self.clock())
        return None

    def _in_hand(self, name: str) -> bool:
        """Have a segment claimed; False where there is nothing of it to send, which takes it out of the queue."""
        if name in self.course.works:
            return True
        with suppress(OSError):  # then it waits again; what is wrong with the disk is for `shipper doctor` to say
            segment = self.spool.claim(name)
            if segment is not None and segment.newer:
                self.spool.release(name)
            elif segment is not None:
                self.course = course.take_up(self.course, self._begin(segment))
                if self.course.works[name].parts:
                    return True
        self.course = course.drop(self.course, name)
        return False

    def _begin(self, segment: Segment) -> Work:
        """Take up a segment's lines that are neither in quarantine nor, where the wire reads them, unreadable."""
        refused = set(segment.quarantined)
        for line in segment.lines if self.wire.READS_EVENTS else ():
            why = readable(line.raw)
            if why and line.number not in refused:
                self.spool.quarantine(segment.name, line.number, line.raw, "damaged", why)
                refused.add(line.number)
        lines = [line for line in segment.lines if line.number not in refused]
        return parts.begin(segment.name, lines, self.course.view.journal.limit, refused, grouping(self.wire))

    def _send(self, transport: Carrier, names: Sequence[str], seconds: float) -> None:
        """Send the next part of each segment, and take in what it came to."""
        batches = [_batch(self.course.part(name)) for name in names]
        requests = [self.wire.encode(batch, self.about) for batch in batches]
        journal, begun = self.course.view.journal, time.monotonic()
        self._remember(memory.before(journal, self.clock(), self.random()))
        try:
            replies = transport.send_all(requests, seconds, lambda: self._allowed(names))
        except Withdrawn:
            self._remember(journal)
            self._see(forbidden=self.manifest.decide(self.environ)[1])
            return
        self._see(journal=replace(journal, round_trip=time.monotonic() - begun))
        read = zip(names, batches, replies, strict=True)
        found = [
            (name, self.wire.read(reply, batch) if isinstance(reply, Reply) else reply) for name, batch, reply in read
        ]
        # Acceptances first: what failed beside them is the later word on the receiver.
        for name, outcome in sorted(found, key=lambda each: not isinstance(each[1], Accepted)):
            self.course = course.settle(self.course, name, outcome, self.clock(), self.random())
            self._settle(name)
        self._remember(self.course.view.journal)
        if self.progress:
            self.progress(self.course.delivered + self.quarantined, self.total)

    def _allowed(self, names: Sequence[str]) -> bool:
        """S6, before every try. A segment that is gone was erased by its owner, who may have said `on` again since."""
        claimed = names_in(self.spool.folder, "sending")
        there = all(name + SUFFIX in claimed for name in names)
        return there and self.manifest.decide(self.environ)[0] == consent.ON

    def _settle(self, name: str) -> None:
        """S4: a segment goes when its work is settled, and what was refused is in quarantine before that."""
        work = self.course.works[name]
        if not work.settled:
            return
        self._quarantine(work)
        self.spool.delete(name)
        self.course = course.put_down(self.course, name)
        self._see(journal=memory.forgotten(self.course.view.journal, name))
        self.spool.add_history(self._entry(work))

    def _quarantine(self, work: Work) -> None:
        raws = {line.number: line.raw for line in work.given}
        for number, refusal in work.rejected.items():
            self.spool.quarantine(work.segment, number, raws[number], refusal.reason, refusal.detail)
        for share in work.shares:
            lines = [(line.number, line.raw) for line in work.given if share.first <= line.number <= share.last]
            self.spool.quarantine_share(work.segment, lines, share.events, share.detail)
        self.quarantined += len(work.rejected) + sum(share.events for share in work.shares)

    def _entry(self, work: Work) -> dict[str, object]:
        """A line of the history: when, where, events, bytes."""
        sent = [line for line in work.given if line.number in work.accepted]
        return {
            "time": format_time(int(self.clock() * 1000)),
            "batch": work.segment,
            "endpoint": self.manifest.endpoint,
            "events": len(sent) - sum(share.events for share in work.shares),
            "duplicate": work.duplicate,
            "rejected": len(work.rejected) + sum(share.events for share in work.shares),
            "bytes": sum(len(line.raw) + 1 for line in sent),
        }

    def _put_down(self) -> None:
        """Judge what was refused alone, put the rest back (S5), and write down when to come again."""
        now = self.clock()
        self.course = course.judge(self.course, now)
        self.suspected = self.course.view.proven and any(work.suspects for work in self.course.works.values())
        for name, work in self.course.works.items():
            self._settle(name)
            if not work.settled:
                self._quarantine(work)
                self.spool.release(name)
                self.course = course.put_down(self.course, name)
        journal = course.remembered(self.course, now, self.random())
        self._see(journal=journal)
        self._remember(journal)
        # What was filled and sealed beside this pass counts: who fills a segment while a pass runs starts no other.
        waits = self.unsealed or bool(self.spool.waiting()) or bool(self._persons())
        with suppress(OSError):  # the journal has it too
            self.spool.schedule(*course.due(journal, self.finish, waits, now, self.manifest.flush_interval))

    def _delete_persons(self, transport: Carrier) -> None:
        """Send the requests for erasure: the only thing that leaves without consent. S6 is about events."""
        wire, persons = deleting(self.wire), self._persons()
        view = self.course.view
        if wire is None or (not view.by_hand and self.clock() < view.journal.not_before):
            return
        for person in persons:
            journal = self.course.view.journal
            self._remember(memory.before(journal, self.clock(), self.random()))
            reply = transport.send(wire.encode_deletion(person, self.about), SEND_SECONDS, lambda: True)
            outcome = wire.read_deletion(reply, person) if isinstance(reply, Reply) else reply
            if isinstance(reply, Reply) and isinstance(outcome, Accepted):
                self.spool.add_history(self._receipt(person, reply))
                with self.spool.folder.folder("deletions") as waiting:
                    files.remove(waiting, person)
            self.course = course.deleted(self.course, outcome, self.clock(), self.random())
            self._remember(self.course.view.journal)
            if self.course.view.ended:
                return

    def _persons(self) -> list[str]:
        """The ids whose erasure is still to be asked for, where the wire can ask."""
        return [name for name in names_in(self.spool.folder, "deletions") if valid_id(name) and deleting(self.wire)]

    def _receipt(self, person: str, reply: Reply) -> dict[str, object]:
        """A line of the history: whom the receiver says to have erased, and its own words about it."""
        return {
            "time": format_time(int(self.clock() * 1000)),
            "deleted": person,
            "endpoint": self.manifest.endpoint,
            "receipt": plain(reply.body.decode("utf-8", "replace"), RECEIPT),
        }

    def _result(self) -> PassResult:
        view, counts = self.course.view, self.spool.counts() if self.course.view.forbidden else None
        waiting = [each.name for each in self.spool.waiting() if each.name in self.begun]
        left = counts.events + counts.held if counts else sum(_events(self.spool.folder, name) for name in waiting)
        return PassResult(
            delivered=self.course.delivered,
            duplicate=self.course.duplicate,
            quarantined=self.quarantined,
            left=left,
            why=left_because(view.journal, self.finish, self.suspected, self.clock()) if left else "",
            forbidden=view.forbidden,
            deletions=len(self._persons()),
        )


def _batch(part: Part) -> Batch:
    return Batch(part.key, tuple(line.raw + b"\n" for line in part.lines))


def _events(folder: Folder, segment: str) -> int:
    """Count the lines of a waiting segment; none when it went in the meantime."""
    try:
        with folder.folder("sealed") as sealed:
            fd = sealed.open(segment + SUFFIX, os.O_RDONLY)
    except FileNotFoundError:
        return 0
    try:
        return sum(1 for _ in numbered_lines(fd))
    finally:
        os.close(fd)
