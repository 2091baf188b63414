"""What a store must say, worked out the slow and obvious way from all rows."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from shipper.collector.stores.dimensions import (
    LATE,
    LOSSES,
    NO_DAY,
    day_of,
    features_of,
    labels_of,
    lateness,
    losses_of,
)
from shipper.collector.stores.store import Row, Setup, Window

Thing = TypeVar("Thing")


class Model:
    """A view of rows, each with the Unix minute of its first arrival; an id counts once."""

    def __init__(self, rows: Iterable[tuple[Row, int]], window: Window) -> None:
        once: dict[bytes, tuple[Row, int]] = {}
        for row, minute in rows:
            once.setdefault(row.id, (row, minute))
        self.window = window
        self.all = [(row, minute) for row, minute in once.values() if row.app == window.app]
        self.rows = [(row, minute) for row, minute in self.all if self.inside(row)]

    def inside(self, row: Row) -> bool:
        """Whether a row is in the window."""
        window = self.window
        return (
            window.since <= day_of(row.time) <= window.until
            and (not window.versions or row.version in window.versions)
            and (window.ci == "all" or row.ci == (window.ci == "only"))
        )

    def values(self) -> Mapping[tuple[str, str, str], int]:
        """See View.values."""
        counted: Counter[tuple[str, str, str]] = Counter()
        for row, _ in self.rows:
            if row.name != LOSSES:
                counted.update([(row.name, "", ""), *((row.name, *label) for label in labels_of(row.fields))])
        return counted

    def crossed(self, event: str, *keys: str) -> Mapping[tuple[str, ...], int]:
        """See View.crossed."""
        counted: Counter[tuple[str, ...]] = Counter()
        for row, minute in self.rows:
            if event == LATE and row.name != LOSSES:
                counted[(lateness(row.time, minute * 60),)] += 1
            elif event == LOSSES:
                counted.update({(reason,): lost for reason, lost in losses_of(row)})
            elif row.name == event:
                labels = dict(labels_of(row.fields)) | {"@version": row.version}
                counted[tuple(labels.get(key, "") for key in keys)] += 1
        return counted

    def installations(self, event: str, field: str | None) -> Mapping[tuple[str, str, str], int]:
        """See View.installations."""
        return self._people(
            lambda row: [each for each in features_of(row) if each[0] == event and field in (None, each[1])]
        )

    def active(self) -> Mapping[tuple[int, str], int]:
        """See View.active."""
        return self._people(lambda row: [(day_of(row.time), row.version)] if row.name != LOSSES else [])

    def _people(self, things: Callable[[Row], list[Thing]]) -> dict[Thing, int]:
        seen = {(thing, row.person) for row, _ in self.rows if row.person for thing in things(row)}
        return dict(Counter(thing for thing, _ in seen))

    def setups(self) -> Sequence[Setup]:
        """See View.setups."""
        begun: dict[str, int] = {}
        ended: dict[str, tuple[int, str]] = {}
        for row, _ in self.all:
            if row.name != "command" or not row.person or day_of(row.time) == NO_DAY:
                continue
            if row.fields.get("command") == self.window.setup[0]:
                begun[row.person] = min(begun.get(row.person, row.time), row.time)
            if row.fields.get("command") == self.window.setup[1] and row.fields.get("outcome") == "ok":
                end = (row.time, row.version)
                ended[row.person] = min(ended.get(row.person, end), end)
        took: dict[str, list[int]] = defaultdict(list)
        for person, (done, version) in ended.items():
            wanted = not self.window.versions or version in self.window.versions
            day = day_of(done)
            if person in begun and done >= begun[person] and wanted and self.window.since <= day <= self.window.until:
                took[version].append((done - begun[person]) // 1000)
                took[""].append((done - begun[person]) // 1000)
        if self.window.ci == "only":
            return ()
        return [Setup(version, tuple(sorted(seconds))) for version, seconds in took.items()]
