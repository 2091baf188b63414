"""Counts of events by their shapes, and what follows from them: the same arithmetic for every store."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Shape(NamedTuple):
    """How often events of one name with the same labels occurred, in one version of their app.

    LOSSES has a shape per reason and counts what was lost, LATE one per span of lateness, CENSUS one per label.
    """

    name: str
    labels: Mapping[str, str]
    version: str
    times: int


def values_of(shapes: Iterable[Shape]) -> Mapping[tuple[str, str, str], int]:
    """See View.values."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for name, labels, _, times in shapes:
        if name.startswith("shipper."):
            continue
        counted[name, "", ""] += times
        for field, label in labels.items():
            counted[name, field, label] += times
    return counted


def crossed_of(shapes: Iterable[Shape], event: str, keys: Iterable[str]) -> Mapping[tuple[str, ...], int]:
    """See View.crossed."""
    wanted = tuple(keys)
    counted: Counter[tuple[str, ...]] = Counter()
    for name, labels, version, times in shapes:
        if name == event:
            counted[tuple(version if key == "@version" else labels.get(key, "") for key in wanted)] += times
    return counted
