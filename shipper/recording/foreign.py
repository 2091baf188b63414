"""Whose an error is: the disk's, or the host's, whose signal handlers may raise at any step of our work."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType


def is_foreign(error: "BaseException") -> "bool":
    """Say whether an error that came out of our own calls was raised by a signal handler (or a tracer) of the host.

    Whoever takes an OSError for an answer of the disk asks this first and lets the host's go on: TimeoutError is one.
    What stands in the place of an os function, as fake file systems and event loops put it there, answers for the disk.
    """
    trace = error.__traceback__
    while trace is not None:
        if _interrupts(trace.tb_frame):
            return True
        trace = trace.tb_next
    return False


def _interrupts(frame: "FrameType") -> "bool":
    """Whether a call was made into the middle of another: the interpreter hands a handler the frame that it interrupts."""
    code = frame.f_code
    count = code.co_argcount + code.co_posonlyargcount + code.co_kwonlyargcount
    for name in code.co_varnames[: count + 2]:
        value = frame.f_locals.get(name)
        for given in value if type(value) is tuple else (value,):
            if type(given) is type(frame):
                return True
    return False
