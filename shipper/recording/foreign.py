"""Whose an error is: ours, or the host's, whose signal handlers may raise at any step of our work."""

import sys

#: The packages that we call, beside the standard library.
OURS = ("platformdirs", "filelock")


def is_foreign(error: "BaseException") -> "bool":
    """Say whether an error that our own calls raised is the host's.

    Whoever takes an OSError for an answer of the disk asks this first and lets the host's go on: TimeoutError is one.
    """
    trace = error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0]
        if module != "shipper" and module not in sys.stdlib_module_names and module not in OURS:
            return True
        trace = trace.tb_next
    return False
