"""Names on disk, read and written. They are states, so nothing else may guess at them.

A writer that seals loads this module: it imports nothing that the recording path does not.
"""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

ACTIVE = "active.ndjson"
SUFFIX = ".ndjson"
#: How many files take the lines of writers that do not get spool.lock: so many can write at the same moment.
OVERFLOWS = 4
#: What a loss can be called. A whole segment went for `full` or `old`; a line is in quarantine for the other three.
EVICTED = ("full", "old")
QUARANTINED = ("damaged", "rejected", "too-large")
#: What takes a loss back: so many events that were counted left quarantine and wait again.
RECOVERED = "recovered"
REASONS = (*EVICTED, *QUARANTINED, RECOVERED)
#: Milliseconds: the end of 2999. A clock past it is wrong, and names still need room to grow above the largest present.
LATEST = 32503679999999

_DIGITS = frozenset("0123456789")
_HEX = frozenset("0123456789abcdef")
_NEW = ".new"
_JULIAN_DAY_OF_1970 = 2440588


def stamp(milliseconds: "int") -> "str":
    """Write Unix milliseconds as the time in a segment's name: `20261123T100000123Z`."""
    seconds, rest = divmod(milliseconds, 1000)
    year, month, day, hour, minute, second = time.gmtime(seconds)[:6]
    return f"{year:04d}{month:02d}{day:02d}T{hour:02d}{minute:02d}{second:02d}{rest:03d}Z"


def milliseconds_of(segment: "str") -> "int":
    """Read the time in a segment's name as Unix milliseconds.

    By the Julian day number (Fliegel and Van Flandern 1968); `calendar` would be one import too many for a writer.
    """
    year, month, day = int(segment[:4]), int(segment[4:6]), int(segment[6:8])
    early = (14 - month) // 12
    year, month = year + 4800 - early, month + 12 * early - 3
    days = day + (153 * month + 2) // 5 + 365 * year + year // 4 - year // 100 + year // 400 - 32045
    seconds = (days - _JULIAN_DAY_OF_1970) * 86400
    seconds += int(segment[9:11]) * 3600 + int(segment[11:13]) * 60 + int(segment[13:15])
    return seconds * 1000 + int(segment[15:18])


def is_segment(name: "str") -> "bool":
    """Say whether a name (without its suffix) is a segment's."""
    when, _, random = name.partition("-")
    random = random.removeprefix("losses-")
    return (
        len(when) == 19
        and when[8] == "T"
        and when[18] == "Z"
        and _DIGITS.issuperset(when[:8] + when[9:18])
        and len(random) == 8
        and _HEX.issuperset(random)
    )


def overflow_name(number: "int", held: "bool") -> "str":
    """Name the file in overflow/ that takes lines while spool.lock is held; `held` of those recorded in mode `local`."""
    return f"held-{number}{SUFFIX}" if held else f"{number}{SUFFIX}"


def is_overflow(name: "str") -> "bool":
    """Say whether a name in overflow/ is that of a file with events."""
    return any(name == overflow_name(number, held) for number in range(OVERFLOWS) for held in (False, True))


def is_losses(segment: "str") -> "bool":
    """Say whether a segment holds counts of losses: no bound removes it (S7)."""
    return "-losses-" in segment


def segments(names: "Iterable[str]") -> "list[str]":
    """Of the names in a folder, those of segments, without their suffix, oldest first."""
    found = [name[: -len(SUFFIX)] for name in names if name.endswith(SUFFIX)]
    return sorted(filter(is_segment, found))


def deferral(segment: "str", milliseconds: "int") -> "str":
    """Name the mark of a deferred segment: since when it has been deferred."""
    return f"{segment}.{stamp(milliseconds)}"


def read_deferral(name: "str") -> "tuple[str, int] | None":
    """Take the mark of a deferred segment apart into the segment and Unix milliseconds; None when it is not one."""
    segment, _, when = name.partition(".")
    if not is_segment(segment) or not is_segment(f"{when}-00000000"):
        return None
    return segment, milliseconds_of(when)


def newest(names: "Iterable[str]") -> "str":
    """Of the names in a folder, the largest segment's, without its suffix; "" when there is none.

    A writer asks under the lock: only the largest names are looked at, not thousands.
    """
    for name in sorted(names, reverse=True):
        if name.endswith(SUFFIX) and is_segment(name[: -len(SUFFIX)]):
            return name[: -len(SUFFIX)]
    return ""


def loss(who: "str", reason: "str", count: "int") -> "str":
    """Name a loss."""
    return f"{who}.{reason}.{count}"


def read_loss(name: "str") -> "tuple[str, str, int] | None":
    """Take a loss's name apart into who, reason and count; None when it is not one."""
    who, _, rest = name.rpartition(".")
    who, _, reason = who.rpartition(".")
    if reason not in REASONS or not 0 < len(rest) < 10 or not _DIGITS.issuperset(rest):
        return None
    if not all(_is_loser(one) for one in who.split("+")):
        return None
    return who, reason, int(rest)


def _is_loser(who: "str") -> "bool":
    segment, dot, lines = who.partition(".")
    return is_segment(segment) and (not dot or _read_lines(lines) is not None)


def quarantined(segment: "str", first: "int", last: "int", new: "bool" = False) -> "str":
    """Name the quarantine file of the lines `first` to `last`; `new` while their loss is not yet counted."""
    lines = str(first) if first == last else f"{first}-{last}"
    return f"{segment}.{lines}" + (_NEW if new else "")


def read_quarantined(name: "str") -> "tuple[str, int, int, bool] | None":
    """Take a quarantine file's name apart into segment, first and last line and whether it is new, or None."""
    new = name.endswith(_NEW)
    segment, _, text = name.removesuffix(_NEW).partition(".")
    lines = _read_lines(text)
    if lines is None or not is_segment(segment):
        return None
    return segment, lines[0], lines[1], new


def _read_lines(text: "str") -> "tuple[int, int] | None":
    first, dash, last = text.partition("-")
    last = last if dash else first
    for number in (first, last):
        if not 0 < len(number) < 10 or not _DIGITS.issuperset(number):
            return None
    return int(first), int(last)
