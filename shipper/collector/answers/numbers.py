"""Arithmetic of answers: steps, quantiles, changes, the order of versions. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence

from shipper.collector.answers.question import UNKNOWN, Cell, Rows


def low_of(step: str) -> int:
    """The lower end of a step, as `dimensions.step_of` names it; -1 for what lies below 0, -2 where there is none."""
    found = re.match(r"\d+", step)
    return int(found[0]) if found else -1 if step == "below 0" else -2


def high_of(step: str) -> int:
    """The upper end of a step, which still belongs to it."""
    return int(step.rpartition("-")[2]) if re.fullmatch(r"\d+(-\d+)?", step) else low_of(step)


def quantile(ascending: Sequence[int], level: float) -> int:
    """The value below which `level` (0 to 1) of the values lie, one of them: the nearest rank, counted from 0."""
    return ascending[min(int(level * len(ascending)), len(ascending) - 1)]


def quantile_of_steps(counts: Mapping[str, int], level: float) -> Cell:
    """About where a quantile of counted steps lies: on the right step, and on it as if its values were spread evenly."""
    steps = sorted(
        (low_of(step), high_of(step), count) for step, count in counts.items() if low_of(step) >= 0 and count
    )
    rank = level * sum(count for *_, count in steps)
    for low, high, count in steps:
        if rank < count or (low, high, count) == steps[-1]:
            return round(low + (high + 1 - low) * min(rank / count, 1)) if high > low else low
        rank -= count
    return UNKNOWN


def change(now: Cell, before: Cell) -> Cell:
    """How much something grew, as a share of what it was; unknown where it was nothing."""
    if isinstance(now, str) or isinstance(before, str) or not before:
        return UNKNOWN
    return now / before - 1


def ratio(part: float, whole: float) -> Cell:
    """A share of 1, unknown where there is nothing to have a share of."""
    return part / whole if whole else UNKNOWN


def most_first(rows: Iterable[tuple[Cell, ...]]) -> Rows:
    """Order by the second column, the largest first, then by name."""
    return sorted(rows, key=lambda row: (-float(row[1]), row[0]))
