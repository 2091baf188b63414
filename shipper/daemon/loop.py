"""The daemon itself: it waits for the doorbell, a signal or the next due time, and starts the passes that are due.

Without a watchdog nothing else wakes it. Nothing that it knows is worth keeping: every state is in the spools, so it may
be killed at any moment and started again.
"""

import errno
import os
import select
import signal
import time
from contextlib import ExitStack, contextmanager, suppress

from shipper import files
from shipper.daemon import schedule, sd_notify, spools
from shipper.daemon.passes import Passes
from shipper.daemon.sd_notify import INFO, NOTICE, WARNING
from shipper.errors import Busy
from shipper.recording.folder import Folder, open_state
from shipper.recording.lock import Lock
from shipper.wakeup import doorbell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Seconds that passes are given when the daemon is told to stop: to finish, which spares a receiver the same events once
#: more, and then, told to end themselves, to die. With what the daemon does itself it stops within five.
FINISH, GRACE = 2.0, 1.5
#: Seconds between two looks at all spools, however often the doorbell rings: at most four a second.
REST_BETWEEN_LOOKS = 0.25
#: How many times as long as the last look took the next one waits at least: a thousand spools cost a tenth of a core.
REST_FACTOR = 10
#: Seconds between two looks where no doorbell could be made: nobody can tell us anything.
LOOK_WITHOUT_DOORBELL = 60.0

EXIT_RUNNING = 4
"""Another daemon serves this person already."""

EXIT_GONE = 1
"""The folder or the doorbell was taken away under us; whoever started us starts us again."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


def serve(environ: "Mapping[str, str]", once: "bool" = False) -> "int":
    """Serve all apps of this person until SIGTERM or SIGINT; with `once`, until nothing is due any more.

    Returns the exit code. Raises OSError where the state folder cannot be used.
    """
    os.chdir("/")
    with open_state(environ, create=True) as state:
        try:
            with ExitStack() as held:
                with _without_room():
                    _write_process_id(held.enter_context(Lock(state, 0, doorbell.LOCK)).fd)
                return _Daemon(environ, state).run_once() if once else _Daemon(environ, state).run()
        except Busy:
            return _already(environ, state)


@contextmanager
def _without_room() -> "Iterator[None]":
    """Let a full disk pass: without our own small files we still deliver, and that is what makes room.

    Without the lock a second daemon may run; then flusher.lock alone sees to it that each spool has one pass.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise


def _write_process_id(fd: "int") -> "None":
    os.ftruncate(fd, 0)
    os.write(fd, b"%d\n" % os.getpid())


def _already(environ: "Mapping[str, str]", state: "Folder") -> "int":
    """Under the manager this is no failure: it would start us again and again, and the person is served."""
    text = f"another daemon serves this person already: process {doorbell.holder(state) or 'unknown'}"
    sd_notify.log(environ, NOTICE, text)
    served = sd_notify.notify(environ, f"READY=1\nSTATUS={text}\n")
    return 0 if served else EXIT_RUNNING


class _Daemon:
    """The loop. The caller holds daemon.lock."""

    def __init__(self, environ: "Mapping[str, str]", state: "Folder") -> None:
        self.environ, self.state = environ, state
        self.passes = Passes(environ)
        self.beat = sd_notify.watchdog(environ, os.getpid())
        self.troubled: dict[str, str] = {}
        self.status = ""
        self.doorbell = -1  #: -1 where none could be made
        self.signals, writing = os.pipe()
        os.set_blocking(self.signals, False)
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)  # the wakeup descriptor tells; a handler must exist for that

    def run(self) -> int:
        """Serve until told to stop."""
        with _without_room():
            self.doorbell = doorbell.open_doorbell(self.state)
        sd_notify.log(self.environ, INFO, f"serving {self.state.path}")
        code, ready = -1, "READY=1\n"
        while code < 0:
            begun = time.monotonic()
            seconds = self._look()
            self._tell(ready)
            ready = ""
            took = time.monotonic() - begun
            code = self._wait(seconds, begun, max(REST_BETWEEN_LOOKS, took * REST_FACTOR))
        self._stop(code)
        return code

    def _wait(self, seconds: "float | None", looked: float, rest: float) -> int:
        """Wait until the next look is due. Returns the exit code with which to end, -1 to look.

        Who rings before the last look (`looked`, monotonic seconds) is `rest` seconds ago waits until then, and with him
        whoever rings meanwhile: a flood of rings gets a look at that interval and no more. Signals are heard at once.
        """
        both, signals = select.poll(), select.poll()
        for fd in (self.signals, self.doorbell):
            if fd >= 0:
                both.register(fd, select.POLLIN)
        signals.register(self.signals, select.POLLIN)
        if self.doorbell < 0:
            seconds = min(LOOK_WITHOUT_DOORBELL, seconds if seconds is not None else LOOK_WITHOUT_DOORBELL)
        both.poll(None if seconds is None else int(seconds * 1000) + 1)
        early = looked + rest - time.monotonic()
        if early > 0:
            signals.poll(int(early * 1000) + 1)
        return self._heard()

    def run_once(self) -> int:
        """Start what is due, wait for it, and end. There is no doorbell: nobody would answer it a moment later."""
        waiting = select.poll()
        waiting.register(self.signals, select.POLLIN)
        while True:
            seconds = self._look()
            if not self.passes.running:
                return 0
            waiting.poll(None if seconds is None else int(seconds * 1000) + 1)
            if self._signalled() == 0:
                self._end_passes()
                return 0

    def _look(self) -> "float | None":
        """Reap, start what is due, and return the seconds until the next look is due: None for none."""
        ended, wrong = self.passes.reap()
        for spool in ended:
            self.troubled.pop(spool, None)
        for spool, trouble in wrong.items():
            self._warn(spool, trouble)
        now = time.time()
        seen = spools.look(self.state)
        start, seconds = schedule.plan(seen, self.passes.running, self.passes.rests(), now)
        for spool in start:
            spools.move_on(self.state, spool, now)
            trouble = self.passes.start(spool)
            if trouble:
                self._warn(spool, trouble)
        waits = [wait for wait in (seconds, self.passes.end_overdue(), self.beat) if wait is not None]
        self._describe(len(seen), seconds)
        return min(waits, default=None)

    def _warn(self, spool: str, trouble: str) -> None:
        """Say what is wrong when it begins, and keep it in the status until a pass ends as it should."""
        if self.troubled.get(spool) != trouble:
            sd_notify.log(self.environ, WARNING, f"{spool}: a pass {trouble}")
        self.troubled[spool] = trouble

    def _describe(self, apps: int, seconds: "float | None") -> None:
        running = f", sending for {', '.join(sorted(self.passes.running))}" if self.passes.running else ""
        then = "" if running or seconds is None else f", next look in {round(seconds / 60)} min"
        trouble = "".join(f"; {spool}: the last pass {what}" for spool, what in sorted(self.troubled.items()))
        self.status = (
            f"{apps} spool{'s' * (apps != 1)}{running}{then or (not running) * ', waiting for the doorbell'}{trouble}"
        )

    def _tell(self, ready: str) -> None:
        beat = "WATCHDOG=1\n" if self.beat is not None else ""
        sd_notify.notify(self.environ, f"{ready}{beat}STATUS={self.status}\n")

    def _heard(self) -> int:
        """Take in what woke us. Returns the exit code with which to end, -1 to go on."""
        with suppress(BlockingIOError):
            while self.doorbell >= 0 and os.read(self.doorbell, 65536):
                pass
        code = self._signalled()
        return code if code >= 0 or self._in_place() else EXIT_GONE

    def _signalled(self) -> int:
        try:
            told = os.read(self.signals, 512)
        except BlockingIOError:
            return -1
        if signal.SIGHUP in told:
            sd_notify.log(self.environ, INFO, "looking at everything anew")
            self.passes.forget_rests()
        return 0 if signal.SIGTERM in told or signal.SIGINT in told else -1

    def _in_place(self) -> bool:
        """Whether the doorbell that people ring is still ours: the folder may have been removed and made again."""
        if self.doorbell < 0:
            return True
        try:
            return os.path.samestat(os.stat(os.path.join(self.state.path, doorbell.NAME)), os.fstat(self.doorbell))
        except OSError:
            return False

    def _stop(self, code: int) -> None:
        sd_notify.notify(self.environ, "STOPPING=1\nSTATUS=ending the passes in hand\n")
        self._end_passes()
        if code == 0 and self.doorbell >= 0:
            files.remove(self.state, doorbell.NAME)  # under daemon.lock: it can be nobody else's
        elif code:
            sd_notify.log(self.environ, WARNING, f"{self.state.path} or its doorbell was taken away; ending")

    def _end_passes(self) -> None:
        """Let the passes finish, then end them. S4, S5: one may die at any moment, and what it had in hand waits again."""
        for seconds, then in ((FINISH, signal.SIGTERM), (GRACE, signal.SIGKILL)):
            deadline = time.monotonic() + seconds
            while self.passes.running and time.monotonic() < deadline:
                select.select([self.signals], [], [], 0.1)
                self._signalled()
                self.passes.reap()
            self.passes.end(then)
