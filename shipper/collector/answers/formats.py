"""How numbers are written for people, on the page and in the terminal alike."""

from shipper.collector.answers.answer_rows import Cell
from shipper.collector.answers.questions import COUNT, SECONDS, SHARE
from shipper.durations import span


def written(cell: Cell, kind: str) -> str:
    """Write a cell by what its column holds."""
    if isinstance(cell, str):
        return cell
    if kind == COUNT:
        return f"{cell:,}"
    if kind == SHARE:
        return share(float(cell))
    return span(int(cell), fine=True) if kind == SECONDS else str(cell)


def share(part: float) -> str:
    """Write a share of 1 in percent; what is there but small does not become nothing, nor all."""
    if 0 < part < 0.001:
        return "<0.1 %"
    if 0.999 < part < 1:
        return ">99.9 %"
    return f"{part * 100:.1f} %"
