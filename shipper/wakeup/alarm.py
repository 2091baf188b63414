"""The end of a pass that nobody waits for, whatever it does then."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hard_limit(seconds: float) -> Iterator[None]:
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
