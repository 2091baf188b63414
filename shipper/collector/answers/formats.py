"""How numbers are written for people, on the page and in the terminal alike."""

from datetime import UTC, datetime

from shipper.collector.answers.question import CHANGE, COUNT, MILLISECONDS, SECONDS, SHARE, Cell
from shipper.durations import span


def written(cell: Cell, kind: str) -> str:
    """Write a cell by what its column holds."""
    if isinstance(cell, str):
        return cell
    if kind == COUNT:
        return f"{cell:,}"
    if kind == SHARE:
        return share(float(cell))
    if kind == CHANGE:
        return change(float(cell))
    if kind == MILLISECONDS:
        return milliseconds(float(cell))
    return span(int(cell), fine=True) if kind == SECONDS else str(cell)


def counted_until(as_of: int) -> str:
    """Say up to when events are counted, in Unix seconds, where some that came in are not; 0 when none are."""
    if not as_of:
        return "Events are still being counted; installations are all there."
    when = datetime.fromtimestamp(as_of, UTC)
    return (
        f"Events are counted up to {when:%Y-%m-%d %H:%M} UTC, and the rest within minutes; installations are all there."
    )


def share(part: float) -> str:
    """Write a share of 1 in percent; what is there but small does not become nothing, nor all."""
    if 0 < part < 0.001:
        return "<0.1 %"
    if 0.999 < part < 1:
        return ">99.9 %"
    return f"{part * 100:.1f} %"


def change(growth: float) -> str:
    """Write how much something grew, as a share of what it was: with its sign, as a factor where percents are long."""
    if growth >= 9:
        return f"x {growth + 1:,.0f}"
    percent = round(growth * 100)
    return f"{percent:+d} %" if percent else "0 %"


def milliseconds(time: float) -> str:
    """Write a duration to two figures that say something."""
    if time < 1000:
        return f"{time:.0f} ms"
    return f"{time / 1000:.1f} s" if time < 10_000 else span(time / 1000, fine=True)
