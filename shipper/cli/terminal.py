"""What a person reads: every word of a command passes through here, and no control byte of foreign text does.

Data goes to stdout (`write`, `write_lines`), messages to stderr (`say`, `explain`, `Progress`).
"""

import os
import sys
import unicodedata

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

EXIT_BUG = 70
"""EX_SOFTWARE of sysexits.h: shipper itself is wrong, not its user."""

EXIT_BUSY = 4
"""Somebody else holds a lock, and held it for as long as the command was willing to wait."""

BAR = 24
"""Cells of a progress bar: with its figures it fits an 80-column line."""


def clean(text: str) -> str:
    """`text` with everything a terminal might obey (control, format and surrogate characters) written as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else ascii(c)[1:-1] for c in text
    )


def write(text: str) -> None:
    """One line of data on stdout."""
    print(clean(_as_called(text)))


def _as_called(text: str) -> str:
    """The text with every `shipper ...` in backquotes as its reader can run it."""
    if "`shipper " not in text:
        return text
    from shipper.cli.host_names import as_called

    return as_called(text)


def write_lines(lines: "Iterable[bytes]") -> int:
    """Lines from disk on stdout: byte for byte into a file or a pipe, escaped where a terminal would read them.

    Returns how many there were.
    """
    written = 0
    sys.stdout.flush()
    for line in lines:
        whole = line if line.endswith(b"\n") else line + b"\n"
        if sys.stdout.isatty():
            whole = clean(whole[:-1].decode("utf-8", "backslashreplace")).encode() + b"\n"
        written += sys.stdout.buffer.write(whole) > 0
    return written


def say(text: str) -> None:
    """Write a message to stderr: one line."""
    _talk(clean(_as_called(text)) + "\n")


def _talk(text: str) -> None:
    """Write to stderr. What nobody hears stops no work: `shipper off 2>&1 | head -1` erases all the same."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        return


def explain(error: Exception) -> int:
    """Say on stderr what went wrong and what to do next; return the exit code."""
    from shipper.errors import Busy, ShipperError

    if isinstance(error, ShipperError):
        message, hint, code = str(error), error.hint, error.exit_code
    elif isinstance(error, OSError):
        where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
        message, code = f"{error.strerror or error}{where}", EXIT_BUSY if isinstance(error, Busy) else 1
        hint = "Try again in a moment." if isinstance(error, Busy) else "`shipper doctor` says what is in the way."
    else:
        message = f"this is a bug in shipper: {type(error).__name__}: {error}"
        hint, code = "Please report it with what SHIPPER_TRACEBACK=1 prints; nothing recorded is lost.", EXIT_BUG
    say(f"shipper: {message}")
    if hint:
        say(f"  {hint}")
    return code


def count(number: int, word: str, plural: str = "") -> str:
    """`1 event`, `2,000 events`; `plural` where an s does not make it."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def size(number: int) -> str:
    """Bytes for people: `812 B`, `1.4 KiB`, `31.9 MiB`."""
    value, unit = float(number), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


class Progress:
    """A bar on stderr while a person watches; nothing at all where stderr is a file or a pipe."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.shown = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, error_type: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        if self.shown:
            _talk("\r\x1b[K")

    def at(self, done: int, total: int) -> None:
        """Show that `done` of `total` events are through."""
        if not self.shown:
            return
        filled = BAR * min(done, total) // total if total else BAR
        bar = "━" * filled + "╌" * (BAR - filled)
        _talk(f"\r\x1b[K{clean(self.title)}  {bar}  {done:,} of {total:,} events")
