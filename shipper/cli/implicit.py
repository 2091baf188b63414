"""`shipper flush --implicit SPOOL`: the pass that nobody waits for, started by a CLI or by the daemon. It says nothing.

It is dispatched before argparse, as its limits must stand before the first import that could hang.
"""

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: Seconds from the first line of this file to the end of the process, whatever it does; policy.PASS_SECONDS with the
#: imports in it.
LIFETIME = 60.0
#: A compiler or an editor beside us never notices that we are there.
NICENESS = 10

EXIT_LEFT = 3
EXIT_FORBIDDEN = 5


def main(spools: "Sequence[str]") -> int:
    """Run one pass over each spool, as their waits and the person's choice allow, and return the exit code of `flush`.

    Raises what `run_pass` raises.
    """
    _step_aside()
    from shipper.errors import Busy
    from shipper.flusher import run_pass

    code = 0
    for spool in spools:
        try:
            result = run_pass(spool)
        except Busy:  # S5: another pass has it in hand
            code = max(code, EXIT_LEFT)
            continue
        left = result.left or result.deletions
        code = max(code, EXIT_FORBIDDEN if result.forbidden else EXIT_LEFT if left else 0)
    return code


def _step_aside() -> None:
    """Leave the terminal, the folder and the priority of whoever started us, and set the hour of our death.

    A host may wait for all its children, so one that a CLI started (it leads its session) becomes nobody's child. The
    alarm ends us at its default action: neither httpx's timeouts, which are per operation, nor a handler, which would
    wait for getaddrinfo to return, bounds a pass. S4, S5 and the journal make a sudden death safe.
    """
    if not hasattr(os, "fork"):  # Windows: whoever started us gave us no console and a low priority
        _end_by_thread()
        return
    if os.getsid(0) == os.getpid() and os.fork():
        os._exit(0)
    os.chdir("/")
    os.nice(NICENESS)
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # the host may have had them ignored, which exec hands on
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGALRM, signal.SIGTERM))
    signal.setitimer(signal.ITIMER_REAL, LIFETIME)


def _end_by_thread() -> None:
    """Set the hour of our death where no alarm can: the thread needs nothing from the one that hangs."""
    from threading import Timer

    os.chdir(os.path.abspath(os.sep))
    timer = Timer(LIFETIME, os._exit, [EXIT_LEFT])
    timer.daemon = True
    timer.start()
