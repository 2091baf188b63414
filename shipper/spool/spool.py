"""One app's spool in the hands of whoever holds flusher.lock; who only looks needs no lock."""

import os
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from shipper import files
from shipper.errors import Refused
from shipper.recording import automation
from shipper.recording.due import write_due
from shipper.recording.event import LOSSES
from shipper.recording.folder import Folder
from shipper.recording.line import MAX_LINE, VERSION, format_time, new_id, seal_line, surroundings
from shipper.recording.lock import Lock
from shipper.recording.modes import NONE
from shipper.recording.unlinked import DAY_END, unlinked_day, unlinked_line
from shipper.spool import deferral, losses, quarantine, records, retention, returning, unconfirmed
from shipper.spool.holding import BECAUSE, move_to_held
from shipper.spool.limits import settled_lines
from shipper.spool.lines import Line, Segment, classify_line, classify_lines
from shipper.spool.names import ACTIVE, SUFFIX, segments
from shipper.spool.reading import ReadableSpool
from shipper.spool.segments import names_in, numbered_lines, seal
from shipper.spool.without_lock import seal_overflow

#: Seconds that a pass waits for spool.lock. A writer holds it for some 30 microseconds; who holds it longer is stopped.
PATIENCE = 5.0


class Spool(ReadableSpool):
    """The spool in `folder`, to work with. The caller keeps the folder open for as long as it uses the spool.

    Times are Unix seconds. A pass calls every method under flusher.lock. What people do while a pass may be running
    (`purge`, `drop`, `retry`, `hold_back`, `let_go`) needs no flusher.lock. What changes something takes spool.lock
    itself, and raises Busy when it does not get it.
    """

    def __init__(self, folder: Folder, environ: Mapping[str, str]) -> None:
        super().__init__(folder)
        self._environ = environ

    def _lock(self) -> Lock:
        return Lock(self.folder, PATIENCE)

    def recover(self) -> None:
        """Finish whatever a dead pass or writer left half done. Call it first, before anything is claimed or counted.

        The order matters: a line is counted before its segment is put back where a bound could remove it, and segments
        are back before the losses, whose own segment may be among them.
        """
        with self._lock():
            losses.finish(self.folder)
            quarantine.finish(self.folder)
            seal_overflow(self.folder, time.time_ns() // 1_000_000)
            self._put_back()
            returning.finish(self.folder)
            losses.finish_collecting(self.folder, self._losses_line)

    def _put_back(self) -> None:
        """S5: what a dead pass had claimed waits again, under the same name."""
        with self.folder.folder("sending", create=True) as sending, self.folder.folder("sealed", create=True) as sealed:
            for name in segments(files.names(sending)):
                files.rename(sending, name + SUFFIX, sealed, name + SUFFIX)

    def seal(self, now: float) -> str | None:
        """Seal the active file, if there is anything in it, and return the segment's name.

        S1: what was recorded until now is then on the disk, and so is the folder's entry.
        """
        with self._lock():
            try:
                name = seal(self.folder, int(now * 1000), os.urandom(4))
            except Refused:  # a link or a folder stands where the file belongs; `shipper doctor` says so
                return None
        if name:
            _sync(self.folder, "sealed", name)
        return name

    def active_day(self) -> str:
        """The day of the first event in the active file where that is of the level "none", else ""."""
        try:
            return unlinked_day(self.folder.read(ACTIVE, DAY_END + 1)).decode("ascii", "replace")
        except OSError:
            return ""

    def claim(self, name: str) -> Segment | None:
        """Take a segment in hand and read it; None when it is gone (evicted, or emptied by `off`) or holds no line.

        S5: by one rename, so that no bound and no other pass can touch it. Damage goes to quarantine here, before the
        first send. Raises OSError when that, or reading, is impossible; the segment then waits again.
        """
        try:
            return self._take(name) if self._move(name, "sealed", "sending") else None
        except OSError:
            with suppress(OSError):  # else the next pass puts it back
                self.release(name, unsure=True)
            raise

    def _take(self, name: str) -> Segment | None:
        lines = self._read(name)
        for line in lines:
            if line.condition == "damaged":
                self._quarantine(name, line, "damaged", line.why)
        rest = tuple(line for line in lines if line.condition != "damaged")
        if not rest:
            self.delete(name)
            return None
        return Segment(name, rest, settled_lines(self.folder, name))

    def _read(self, name: str) -> list[Line]:
        with self.folder.folder("sending") as sending:
            fd = sending.open(name + SUFFIX, os.O_RDONLY)
            try:
                with suppress(OSError):  # S1; but it is about to be sent, which is more than the disk could do for it
                    os.fsync(fd)
                return list(classify_lines(numbered_lines(fd)))
            finally:
                os.close(fd)

    def _move(self, name: str, source: str, target: str) -> bool:
        with self._lock(), self.folder.folder(source) as old, self.folder.folder(target, create=True) as new:
            try:
                files.rename(old, name + SUFFIX, new, name + SUFFIX)
            except FileNotFoundError:
                return False
        return True

    def mark_sent(self, name: str) -> None:
        """Note that a segment is about to be sent: from now on it may have arrived, until `release` or `delete` knows."""
        with suppress(OSError):  # a full disk: not to deliver would be worse than to count what may have arrived
            unconfirmed.mark(self.folder, name)

    def unconfirmed(self) -> frozenset[str]:
        """The segments that may have arrived although nobody said so."""
        return unconfirmed.marked(self.folder)

    def release(self, name: str, accepted: Collection[int] = (), unsure: bool = False) -> None:
        """Put a claimed segment back: it waits again, unchanged (S3). Lines that were `accepted`, by number, are neither
        sent again nor counted if a bound removes it. `unsure`: others may have arrived.
        """
        if accepted:
            with self._lock():
                quarantine.keep_places(self.folder, name, accepted)
        self._move(name, "sending", "sealed")
        if not unsure:
            unconfirmed.clear(self.folder, name)

    def defer(self, name: str, accepted: Collection[int], now: float, unsure: bool = False) -> None:
        """Put a claimed segment, of which a receiver cannot take some yet, where it waits for `resume_deferred`."""
        with self._lock():
            if accepted:
                quarantine.keep_places(self.folder, name, accepted)
            deferral.defer(self.folder, name, int(now * 1000))
        if not unsure:
            unconfirmed.clear(self.folder, name)

    def deferred_since(self, name: str) -> float | None:
        """Since when a segment has been deferred; None when it never was."""
        found = deferral.since(self.folder, name)
        return None if found is None else found / 1000

    def resume_deferred(self) -> int:
        """Have every deferred segment wait to be sent again, and return how many."""
        if not segments(names_in(self.folder, "deferred")):
            return 0
        with self._lock():
            return deferral.resume(self.folder)

    def delete(self, name: str) -> None:
        """Remove a claimed segment. S4: the caller has each of its lines accepted or in quarantine."""
        with self.folder.folder("sending") as sending, suppress(FileNotFoundError):  # `off` was faster
            files.remove(sending, name + SUFFIX)
        quarantine.give_up_places(self.folder, name)
        deferral.forget(self.folder, name)
        unconfirmed.clear(self.folder, name)

    def quarantine(self, name: str, number: int, raw: bytes, reason: str, detail: str = "") -> None:
        """Set a line of a claimed segment aside and count it as lost; doing it again changes nothing.

        `reason` is "rejected" or "too-large"; anything else counts as rejected and is kept as the detail, which people
        read and nothing else does.
        """
        self._quarantine(name, classify_line(number, raw), reason, detail)

    def quarantine_share(self, name: str, lines: Sequence[tuple[int, bytes]], events: int, detail: str) -> None:
        """Set aside what a receiver refused without naming it: `events` of these lines (number, raw) of a segment.

        One entry holds all of them (16 KiB at most) and counts so many as lost; doing it again changes nothing.
        """
        raw = b"\n".join(each for _, each in lines)[:MAX_LINE]
        share = Line(lines[0][0], raw, last=lines[-1][0], events=events)
        self._quarantine(name, share, "rejected", detail)

    def _quarantine(self, name: str, line: Line, reason: str, detail: str) -> None:
        with self._lock():
            if name + SUFFIX in names_in(self.folder, "sending"):  # S6: `off` was faster, and nothing of it stays
                quarantine.put(self.folder, name, line, reason, detail, time.time_ns() // 1_000_000)

    def collect_losses(self, now: float) -> str | None:
        """Turn the counts in lost/ into a losses segment, which then waits like any other; None when nothing is lost.

        Call it after `recover`, and again after a pass's first acceptance, so that a loss noted in a pass is sent by
        the next one at the latest.
        """
        with self._lock():
            return losses.collect(self.folder, int(now * 1000), self._losses_line)

    def _losses_line(self, counts: Mapping[str, int]) -> bytes:
        """The one line of a losses segment: an event like any other, of no person and no session of a command."""
        now, ci = time.time_ns() // 1_000_000, automation.in_ci(self._environ) != ""
        fields = ",".join(f'"{reason}":{count}' for reason, count in sorted(counts.items()))
        app, version = self.manifest.app, self.manifest.version
        if self.manifest.identity == NONE:
            return unlinked_line(os.urandom(16), format_time(now)[:10], app, version, LOSSES, ci, "", fields)
        return seal_line(
            f'{{"v":{VERSION},"id":"{new_id(now, os.urandom(10))}","time":"{format_time(now)}",'
            f'"app":"{app}","version":"{version}","name":"{LOSSES}",'
            f'"session":"{os.urandom(8).hex()}","ci":{"true" if ci else "false"},'
            f'{surroundings()},"fields":{{{fields}}}'
        )

    def enforce_bounds(self, now: float, too_old: Mapping[str, float]) -> dict[str, float]:
        """Bring the spool within its bounds (S8) and tidy up; writers are kept waiting only when something has to go.

        `too_old` is what the call before returned, as the journal kept it (at first an empty mapping): S9 lets nothing
        go for its age that was not too old a day ago already.
        """
        return retention.enforce(self.folder, self.manifest.limits, too_old, now, self._lock)

    def purge(self) -> None:
        """Remove everything that holds an event (S6). Needs no flusher.lock: a running pass finds its segment gone."""
        with self._lock():
            retention.purge(self.folder)

    def hold_back(self, now: float) -> int:
        """Move what waits to held/, which no pass reads: mode `local` was chosen. Returns how many segments."""
        with self._lock():
            return move_to_held(self.folder, int(now * 1000))

    def let_go(self, now: float) -> int:
        """Move what is held to sealed/: mode `on` was chosen. Returns how many segments."""
        with self._lock():
            seal(self.folder, int(now * 1000), os.urandom(4), held=True)
            seal_overflow(self.folder, int(now * 1000))
            with self.folder.folder("held") as held, self.folder.folder("sealed", create=True) as sealed:
                moving = segments(files.names(held))
                for name in moving:
                    files.rename(held, name + SUFFIX, sealed, name + SUFFIX)
                with suppress(FileNotFoundError):
                    files.remove(held, BECAUSE)
        return len(moving)

    def drop(self, id: str) -> int:  # noqa: A002 - the field's name is id everywhere
        """Remove from quarantine what has this event id, or this name; returns how many."""
        with self._lock():
            found = [one.name for one in self.quarantined() if id in (one.id, one.name)]
            for name in found:
                quarantine.drop(self.folder, name)
        return len(found)

    def retry(self) -> int:
        """Have every whole event in quarantine wait to be sent again, its loss taken back; returns how many."""
        with self._lock():
            return returning.put_back(self.folder, list(self.quarantined()), time.time_ns() // 1_000_000)

    def write_journal(self, journal: Mapping[str, Any]) -> bool:
        """Replace the journal; False when that was impossible, which never stops a delivery."""
        return records.write_journal(self.folder, journal)

    def add_history(self, entry: Mapping[str, Any]) -> bool:
        """Append a line to the history of delivered batches; False when that was impossible."""
        return records.add_history(self.folder, entry, self.manifest.limits.bytes)

    def schedule(self, not_before: int, next_due: int) -> None:
        """Write `due`: the times before which no pass, and at which the next pass, is to run."""
        with self._lock():
            write_due(self.folder, not_before, next_due)


def _sync(folder: Folder, room: str, name: str) -> None:
    """Bring a segment and its entry to the disk. A disk that cannot is no reason not to deliver."""
    with suppress(OSError), folder.folder(room) as place:
        fd = place.open(name + SUFFIX, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        files.sync_entries(place)
