"""One pass over one app's spool: the one place where disk, decisions and network meet.

A pass does what the decisions of `shipper.delivery` say and decides nothing itself: it claims, asks for the next step,
sends, settles, and writes down what the next pass must know. At any moment it may be killed: what is claimed waits
again (S5), what is settled is settled on disk before its segment goes (S4), and the attempt was journalled before it.
"""

import os
import random as chance
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from shipper import deletions, settling
from shipper.delivery import days, journal, plan, transitions
from shipper.delivery.journal import Journal
from shipper.delivery.outcome import Accepted
from shipper.delivery.plan import PassState, Queued
from shipper.delivery.policy import LOCK_SECONDS, PASS_SECONDS
from shipper.delivery.result import PassResult
from shipper.recording import consent
from shipper.recording.folder import open_app, open_state
from shipper.recording.modes import NONE, ON
from shipper.spool import Spool
from shipper.spool.locks import flusher_lock
from shipper.spool.names import SUFFIX
from shipper.spool.segments import names_in
from shipper.wakeup import alarm, doorbell
from shipper.wires import Carrier, carrier, choose
from shipper.wires.destination import destination
from shipper.wires.message import Withdrawn

Progress = Callable[[int, int], object]
#: How a pass ends that has tried whatever it may try.
THROUGH = ("empty", "suspected")


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
        alarm.hard_limit(limit),
        flusher_lock(folder, patience),
    ):
        doorbell.answer(folder)
        return _Pass(Spool(folder, environ), environ, by_hand, clock, randomness, progress).run()


class _Pass:
    """One pass: it carries out on disk and network what its state decides. The caller holds flusher.lock."""

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
        self.destination = destination(environ, self.manifest, os.path.basename(spool.folder.path))
        self.ends = float("inf") if by_hand else time.monotonic() + PASS_SECONDS
        kept = journal.trusted(Journal.from_json(spool.read_journal()), clock())
        self.state = PassState(kept, by_hand=by_hand)
        self.success = kept.success
        self.recovered = self.unsealed = False
        self.begun: tuple[str, ...] = ()
        #: Whether nobody waits for it: then it sends the unlinked events of one day, which is over. `day` is that day,
        #: `later` are the days of which events wait, by segment.
        self.unasked, self.days = not by_hand, frozenset[str]()
        self.later: dict[str, frozenset[str]] = {}
        self.total = 0

    def run(self) -> PassResult:
        """Do the pass."""
        with suppress(OSError):  # a full disk: to deliver makes room, and a later pass finishes what is half done
            self.spool.recover()
            self.recovered = True
        mode, why = self.manifest.decide(self.environ)
        if why in consent.LASTING_OFF:
            self.spool.purge()  # S6: whatever a writer still brought in under `off`
        self._update(forbidden="" if mode == ON else why)
        with carrier(self.manifest.endpoint, self.state.by_hand) as transport:
            self.state = deletions.request(
                self.spool, self.wire, self.destination, transport, self.state, self.clock, self.random
            )
            self._take_stock()
            self._send_queue(transport)
            if self.state.finish.why in THROUGH and self.unsealed:
                self._send_last(transport, self.spool.seal(self.clock()))
            if self.state.finish.why in THROUGH and self.state.proven:
                # S7: what this very pass set aside is told by this pass, where the receiver is at hand.
                self._send_last(transport, self._collect_losses())
        return settling.result(self.spool, self.wire, self.state, self.begun, self.clock())

    def _update(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)

    def _next_step(self) -> plan.Step:
        self._update(left=self.ends - time.monotonic())
        return plan.next_step(self.state, self.clock(), self.random())

    def _take_stock(self) -> None:
        """Tidy and queue what waits; seal what was recorded until now only where something may be sent."""
        now, kept = self.clock(), self.state.journal
        if self.recovered:
            with suppress(OSError):
                kept = replace(kept, too_old=self.spool.enforce_bounds(now, kept.too_old))
        self._update(journal=kept, queue=(Queued(""),))
        if isinstance(self._next_step(), plan.Send):
            if self.state.by_hand or journal.may_resume(kept, now):
                self.spool.resume_deferred()
                kept = replace(kept, resumed=now)
            self._collect_losses()
            self.unsealed = not plan.may_seal(self.state, bool(self.spool.waiting()))  # else it is sealed at the end
            if not self.unsealed and not (
                self.unasked and days.postponed({0: self.spool.active_day()}, frozenset(), now)
            ):
                self.spool.seal(now)
            self.total = self.spool.counts().events if self.progress else 0
        self.begun = tuple(each.name for each in self.spool.waiting())
        self._update(journal=kept, queue=plan.order(self.begun, kept, self.random(), self.spool.unconfirmed()))

    def _send_queue(self, transport: Carrier) -> None:
        try:
            while isinstance(step := self._next_step(), plan.Send):
                if step.pause:  # to sleep for no time still gives the core away: on a busy machine milliseconds
                    time.sleep(step.pause)
                names = [name for name in step.names if self._claim(name)]
                if names:
                    self._send(transport, names, step.seconds)
            self._update(finish=step)
        finally:
            self._end()

    def _send_last(self, transport: Carrier, fresh: str | None) -> None:
        """Send a segment that came to be when everything else was through."""
        self.unsealed = False
        if fresh:
            self._update(queue=(Queued(fresh),))
            self._send_queue(transport)

    def _collect_losses(self) -> str | None:
        """S7: tell what was lost, but nothing that might be counted twice, and never at the price of a delivery."""
        if self.recovered:
            with suppress(OSError):
                return self.spool.collect_losses(self.clock())
        return None

    def _claim(self, name: str) -> bool:
        """Have a segment claimed; False where there is nothing of it to send, which takes it out of the queue."""
        if name in self.state.segments:
            return True
        with suppress(OSError):  # then it waits again; what is wrong with the disk is for `shipper doctor` to say
            segment = self.spool.claim(name)
            if segment is not None and segment.newer:
                self.spool.release(name)
            elif segment is not None:
                now = self.clock() if self.unasked else None
                begun = settling.begin(
                    self.spool,
                    self.wire,
                    segment,
                    self.state.journal,
                    self.days,
                    now,
                    days.days_of_pass(len(self.begun)),
                )
                self.days |= settling.days_sent(begun)
                if begun.later:
                    self.later[name] = settling.days_later(segment, begun)
                self.state = transitions.add_segment(self.state, begun)
                if self.state.segments[name].parts:
                    return True
        self.state = transitions.unqueue(self.state, name)
        return False

    def _send(self, transport: Carrier, names: Sequence[str], seconds: float) -> None:
        """Send the next part of each segment, and take in what it came to."""
        batches = [settling.batch(self.state.part(name)) for name in names]
        requests = [self.wire.encode(batch, self.destination) for batch in batches]
        kept, begun = self.state.journal, time.monotonic()
        for name in names:
            self.spool.mark_sent(name)
        self.spool.write_journal(journal.before(kept, self.clock(), self.random()).to_json())
        try:
            replies = transport.send_all(requests, seconds, lambda: self._allowed(names))
        except Withdrawn:
            self.spool.write_journal(kept.to_json())
            self._update(forbidden=self.manifest.decide(self.environ)[1])
            return
        self._update(journal=replace(kept, round_trip=time.monotonic() - begun))
        read = zip(names, batches, replies, strict=True)
        found = [(name, settling.outcome(self.wire, batch, reply)) for name, batch, reply in read]
        # Acceptances first: what failed beside them is the later word on the receiver.
        for name, outcome in sorted(found, key=lambda each: not isinstance(each[1], Accepted)):
            self.state = transitions.settle(self.state, name, outcome, self.clock(), self.random())
            self._settle(name)
        self.spool.write_journal(self.state.journal.to_json())
        if self.progress:
            self.progress(self.state.delivered + self.state.quarantined, self.total)

    def _allowed(self, names: Sequence[str]) -> bool:
        """S6, before every try. A segment that is gone was erased by its owner, who may have said `on` again since."""
        claimed = names_in(self.spool.folder, "sending")
        there = all(name + SUFFIX in claimed for name in names)
        return there and self.manifest.decide(self.environ)[0] == ON

    def _settle(self, name: str) -> None:
        """S4: a segment goes when each of its lines is settled, and what was refused is in quarantine before that."""
        self.state = settling.expire_deferred(self.spool, self.state, name, self.clock())
        progress = self.state.segments[name]
        if not progress.settled:
            return
        settling.set_aside(self.spool, progress)
        self.spool.delete(name)
        self.state = transitions.drop_segment(self.state, name)
        self.spool.add_history(settling.history_entry(progress, self.manifest.endpoint, self.clock()))

    def _end(self) -> None:
        """Note what was refused alone, put the rest back (S5), and write down when to come again."""
        now = self.clock()
        self.state = transitions.note_suspects(self.state)
        for name in self.state.segments:
            self._settle(name)
        for name, progress in self.state.segments.items():
            if not progress.settled:
                settling.put_back(self.spool, progress, now)
                self.state = transitions.drop_segment(self.state, name)
        self._update(journal=transitions.last_journal(self.state, self.success, now, self.random()))
        self.spool.write_journal(self.state.journal.to_json())
        # What was filled and sealed beside this pass counts: who fills a segment while a pass runs starts no other.
        waiting = [each.name for each in self.spool.waiting() if each.name not in self.later]
        left = self.unsealed or bool(waiting) or bool(deletions.pending(self.spool, self.wire))
        with suppress(OSError):  # the journal has it too
            self.spool.schedule(*self._due(left, now))

    def _due(self, left: bool, now: float) -> tuple[int, int]:
        interval = self.manifest.flush_interval
        found = transitions.due(self.state.journal, self.state.finish, left, now, interval)
        if self.manifest.identity != NONE or left or found[0]:
            return found
        another = any(days.is_over(day, now) for later in self.later.values() for day in later)
        return 0, days.next_pass(now, interval, another, self.random())
