"""The passes under way: each is a program of its own, so none can leak into the daemon, crash it or hang it."""

import os
import signal
import sys
import time

from shipper.daemon.schedule import rest
from shipper.recording.consent import variable
from shipper.wakeup.isolation import begun, cut, program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds that a pass may take. It ends itself after 60; this one holds if it hangs before it has set its alarm.
DEADLINE = 90.0
#: The exit codes of a pass that ended by itself: all is gone, something is left, nothing may leave.
_ENDED = (0, 3, 5)


class Passes:
    """What runs, since when, and how long each spool is to be left alone. Times are seconds of the monotonic clock."""

    def __init__(self, environ: "Mapping[str, str]") -> None:
        self._environ = environ
        self.running: dict[str, tuple[int, float]] = {}  #: spool -> (process, begun)
        self._rest: dict[str, float] = {}
        self._crashes: dict[str, int] = {}

    def start(self, spool: "str") -> "str":
        """Start a pass. Returns what went wrong, "" if it runs."""
        null = os.open(os.devnull, os.O_RDWR)
        try:
            actions = [(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1)]  # a traceback belongs in the journal
            environ = cut(self._environ, variable(spool.partition("@")[0]), begun())
            process = os.posix_spawn(sys.executable, program(spool), environ, file_actions=actions, setpgroup=0)
        except OSError as error:
            self._let_rest(spool, crashed=True)
            return f"cannot be started: {error.strerror}"
        finally:
            os.close(null)
        self.running[spool] = (process, time.monotonic())
        return ""

    def reap(self) -> "tuple[list[str], dict[str, str]]":
        """Take leave of the passes that have ended: those that ended as they should, and what is wrong with the others."""
        well, wrong = [], {}
        for spool, (process, _) in list(self.running.items()):
            ended, status = os.waitpid(process, os.WNOHANG)
            if not ended:
                continue
            del self.running[spool]
            code = os.waitstatus_to_exitcode(status)
            self._let_rest(spool, crashed=code not in _ENDED)
            if code in _ENDED:
                well.append(spool)
            else:
                wrong[spool] = f"was ended by {_signal(-code)}" if code < 0 else f"failed with exit code {code}"
        return well, wrong

    def _let_rest(self, spool: "str", crashed: "bool") -> "None":
        self._crashes[spool] = self._crashes.get(spool, 0) + 1 if crashed else 0
        self._rest[spool] = time.monotonic() + rest(self._crashes[spool])

    def rests(self) -> "dict[str, float]":
        """Seconds for which each spool is to be left alone."""
        now = time.monotonic()
        self._rest = {spool: until for spool, until in self._rest.items() if until > now}
        return {spool: until - now for spool, until in self._rest.items()}

    def forget_rests(self) -> "None":
        """Begin anew, as after a start: what made passes crash may be repaired."""
        self._rest.clear()
        self._crashes.clear()

    def end_overdue(self) -> "float | None":
        """End what is past its deadline. Returns the seconds until the next one is, None when nothing runs."""
        left = [begun + DEADLINE - time.monotonic() for _, begun in self.running.values()]
        for (process, _), seconds in zip(self.running.values(), left, strict=True):
            if seconds <= 0:
                os.kill(process, signal.SIGKILL)
        return max(1.0, min(left)) if left else None

    def end(self, number: "int") -> "None":
        """Send every pass a signal."""
        for process, _ in self.running.values():
            os.kill(process, number)


def _signal(number: "int") -> "str":
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
