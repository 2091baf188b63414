"""What stands in a segment: lines that can be sent, lines of a newer shipper, and damage."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from shipper.errors import DamagedLine
from shipper.reader import checksum_holds, decode
from shipper.recording.line import MAX_LINE, VERSION
from shipper.spool.segments import events_in

Condition = Literal["good", "damaged", "newer"]
_START = b'{"v":%d,"id":"' % VERSION
_ID = 36


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a segment. `number` counts from 1; a run of damaged lines is one Line up to `last`.

    `raw` is without newline; of damage at most 16 KiB are kept. `id` is empty unless the line is good. `why` says
    what is wrong with a line that is not.
    """

    number: int
    raw: bytes
    id: str = ""
    condition: Condition = "good"
    why: str = ""
    last: int = 0
    events: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "last", self.last or self.number)


@dataclass(frozen=True, slots=True)
class Segment:
    """A claimed segment: the lines that are to be sent, byte for byte, in order.

    Damage is not among them: it went to quarantine when the segment was claimed. `quarantined` are the numbers of good
    lines that an earlier pass set aside.
    """

    name: str
    lines: tuple[Line, ...]
    quarantined: frozenset[int] = frozenset()

    @property
    def newer(self) -> bool:
        """Whether a newer shipper wrote some of it: the segment waits for one that can read it."""
        return any(line.condition == "newer" for line in self.lines)


def classify_line(number: int, raw: bytes) -> Line:
    """Say what a line is. A line whose checksum holds and which begins as we write it is not taken apart again."""
    if raw.startswith(_START) and raw[len(_START) + _ID : len(_START) + _ID + 1] == b'"' and len(raw) < MAX_LINE:
        if checksum_holds(raw):
            return Line(number, raw, raw[len(_START) : len(_START) + _ID].decode("ascii", "replace"))
        return Line(number, raw, condition="damaged", why="sum: its checksum does not hold", events=events_in(raw))
    try:
        return Line(number, raw, str(decode(raw)["id"]))
    except DamagedLine as error:
        condition: Condition = "newer" if error.reason == "version" else "damaged"
        return Line(number, raw, condition=condition, why=f"{error.reason}: {error}", events=events_in(raw))


def classify_lines(numbered: Iterable[tuple[int, bytes]]) -> Iterator[Line]:
    """Judge a file's lines. Neighbouring damage becomes one Line: garbage costs one quarantine file, not many."""
    run: Line | None = None
    for number, raw in numbered:
        line = classify_line(number, raw)
        if line.condition == "damaged":
            run = _joined(run, line) if run else line
            continue
        if run:
            yield run
            run = None
        yield line
    if run:
        yield run


def _joined(run: Line, line: Line) -> Line:
    raw = run.raw if len(run.raw) >= MAX_LINE else (run.raw + b"\n" + line.raw)[:MAX_LINE]
    return Line(run.number, raw, condition="damaged", why=run.why, last=line.number, events=run.events + line.events)
