"""What an exception from a signal handler leaves behind in a recording process, and how it is cleaned up.

A handler may raise between any two steps: after a descriptor was opened and before its number was kept, for one. No order
of statements closes that gap, so whoever is interrupted closes what recording holds open in this process, when nobody
else in the process records.
"""

import os
import signal
import sys
from collections.abc import Mapping
from types import CodeType, FrameType

from shipper.recording.folder import home_path
from shipper.recording.lock import turns

#: Where the system lists this process's descriptors as links to what they are. Elsewhere nothing is cleaned up.
_DESCRIPTORS = "/proc/self/fd"


def raised_by_a_handler(error: BaseException) -> bool:
    """Say whether an exception came out of a signal handler of the host: then it is the host's, and none of ours."""
    handlers = {_code(signal.getsignal(number)) for number in signal.valid_signals()} - {None}
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in handlers:
            return True
        trace = trace.tb_next
    return False


def _code(handler: object) -> CodeType | None:
    """What a handler runs: a function or a method, what a partial calls, or the `__call__` of an object."""
    handler = getattr(handler, "func", handler)
    called = vars(type(handler)).get("__call__")
    found = getattr(handler, "__code__", None) or getattr(called, "__code__", None)
    return found if isinstance(found, CodeType) else None


def clean_up(environ: Mapping[str, str], recording: CodeType) -> None:
    """Close every descriptor of this process below our two folders and give up its turns; a closed lock is released.

    Only where one call alone records in this process: not where another thread does, nor within a handler that records
    amid an event. `recording` is the code of that call. Never raises an Exception.
    """
    if sum(_calls(frame, recording) for frame in sys._current_frames().values()) != 1:
        return
    try:
        ours = tuple(os.path.realpath(home_path(environ, purpose)) for purpose in ("state", "config"))
        for name in os.listdir(_DESCRIPTORS):
            if _below(name, ours):
                os.close(int(name))
        turns.clear()  # one of them may have been kept
    except OSError:
        return


def _calls(frame: FrameType | None, code: CodeType) -> int:
    """How often a function is on one thread's stack."""
    found = 0
    while frame is not None:
        found += frame.f_code is code
        frame = frame.f_back
    return found


def _below(name: str, ours: tuple[str, ...]) -> bool:
    try:
        leads_to = os.readlink(f"{_DESCRIPTORS}/{name}")
    except OSError:  # the one that listed the folder is closed already
        return False
    return any(leads_to == folder or leads_to.startswith(folder + "/") for folder in ours)
