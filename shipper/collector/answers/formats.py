"""How numbers are written for people, on the page and in the terminal alike."""

from shipper.collector.answers.answer_rows import Cell
from shipper.collector.answers.questions import COUNT, SECONDS, SHARE


def written(cell: Cell, kind: str) -> str:
    """Write a cell by what its column holds."""
    if isinstance(cell, str):
        return cell
    if kind == COUNT:
        return f"{cell:,}"
    if kind == SHARE:
        return share(float(cell))
    return duration(int(cell)) if kind == SECONDS else str(cell)


def share(part: float) -> str:
    """Write a share of 1 in percent; what is there but small does not become nothing, nor all."""
    if 0 < part < 0.001:
        return "<0.1 %"
    if 0.999 < part < 1:
        return ">99.9 %"
    return f"{part * 100:.1f} %"


def duration(seconds: int) -> str:
    """Write seconds in the two largest units that say something."""
    for large, small, size, part in (("d", "h", 86_400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1)):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            return f"{whole} {large} {rest // part} {small}" if rest // part else f"{whole} {large}"
    return f"{seconds} s"
