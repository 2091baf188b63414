"""What `<APP>_TELEMETRY_DEBUG` shows: each event as it is spooled, or as it would be, and what prevented it."""

import os
import sys
from typing import TextIO

_YES = ("1", "true", "on", "yes", "stdout")


def stream(wish: str) -> TextIO | None:
    """Say where the variable's value wants the lines: stdout for true, stderr for stderr, nowhere for anything else."""
    word = wish.strip().lower()
    return sys.stderr if word == "stderr" else sys.stdout if word in _YES else None


def tell(wish: str, line: bytes, kept: bool, why: str) -> None:
    """Print a line exactly as it is spooled; one that is not kept follows the rule that prevented it."""
    _print(wish, ("" if kept else f"not recorded, {why}: ") + line.decode("ascii"))


def explain_failure(wish: str, name: str, error: BaseException) -> None:
    """Say what kept an event from becoming a line at all."""
    _print(wish, f"not recorded, {name}: {error}\n")


def _print(wish: str, text: str) -> None:
    """Write past the host's buffer: what cannot be written is lost here and now, and not when the host ends.

    A line left in the buffer of a stdout that nobody reads would make the interpreter's farewell fail, and with it the
    host's exit code. Nothing is raised, since the stream may be any object that the host put there.
    """
    try:
        target = stream(wish)
        if target is None:
            return
        target.flush()  # what the host said before comes before
        try:
            fd = target.fileno()
        except (AttributeError, OSError, ValueError):  # captured: no file
            target.write(text)
            target.flush()
        else:
            os.write(fd, text.encode("ascii", "backslashreplace"))
    except Exception:  # noqa: S110 - see above; a line for debugging must not make a kept event look lost
        pass
