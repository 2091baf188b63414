"""What keeps our frames out of other people's tracebacks: a host's errors look as they do without us.

An error that is raised again, by `raise` alone or past a context manager, does not enter the frame where that happens a
second time: what is taken out there stays out.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


def strip(error: "BaseException | None") -> None:
    """Take the frames of this package out of an error's traceback, and out of those of the errors behind it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        while error.__traceback__ is not None and _ours(error.__traceback__):
            error.__traceback__ = error.__traceback__.tb_next
        trace = error.__traceback__
        while trace is not None:
            while trace.tb_next is not None and _ours(trace.tb_next):
                trace.tb_next = trace.tb_next.tb_next
            trace = trace.tb_next
        error = error.__cause__ or error.__context__


def _ours(trace: "TracebackType") -> "bool":
    return str(trace.tb_frame.f_globals.get("__name__")).startswith("shipper.integrations")
