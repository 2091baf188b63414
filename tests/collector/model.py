"""What a store must say, worked out the slow and obvious way from all rows."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from shipper.collector.stores.dimensions import (
    CENSUS,
    FIRST_DAY,
    LATE,
    LOSSES,
    NO_DAY,
    ORIGIN,
    census_labels,
    cohort_weeks,
    day_of,
    features_of,
    is_unlinked,
    labels_of,
    lateness,
    losses_of,
    week_of,
)
from shipper.collector.stores.store import Elapsed, Row, Window

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

    def census(self) -> Mapping[tuple[int, str, str, str], int]:
        """See View.census."""
        counted: Counter[tuple[int, str, str, str]] = Counter()
        for row, _ in self.rows:
            if row.name == CENSUS and not row.ci and day_of(row.time) >= FIRST_DAY:
                week = week_of(day_of(row.time))
                counted.update((week, row.version, *label) for label in [("", ""), *census_labels(row)])
        return counted

    def as_of(self) -> None:
        """See View.as_of."""

    def values(self) -> Mapping[tuple[str, str, str], int]:
        """See View.values."""
        counted: Counter[tuple[str, str, str]] = Counter()
        for row, _ in self.rows:
            if row.name not in (LOSSES, CENSUS):
                counted.update([(row.name, "", ""), *((row.name, *label) for label in labels_of(row.fields))])
        return counted

    def crossed(self, event: str, *keys: str) -> Mapping[tuple[str, ...], int]:
        """See View.crossed."""
        counted: Counter[tuple[str, ...]] = Counter()
        for row, minute in self.rows:
            if event == LATE and row.name != LOSSES and not is_unlinked(row):
                counted[(lateness(row.time, minute * 60),)] += 1
            elif event == LOSSES:
                counted.update({(reason,): lost for reason, lost in losses_of(row)})
            elif event == ORIGIN:
                usual = row.name in (LOSSES, CENSUS) or (row.person and not row.ci and not row.agent)
                said = {"event": row.name, "ci": str(row.ci).lower(), "agent": row.agent, "@version": row.version}
                said["id"] = "none" if is_unlinked(row) else "true" if row.person else "false"
                counted.update([] if usual else [tuple(said[key] for key in keys)])
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

    def _ends(self, command: str, well: bool) -> dict[str, tuple[int, str]]:
        """The first run ever of a command by each installation, on a real day, and the version that it was."""
        ends: dict[str, tuple[int, str]] = {}
        for row, _ in self.all if self.window.ci != "only" else ():
            fine = row.fields.get("command") == command and (not well or row.fields.get("outcome") == "ok")
            if row.name == "command" and row.person and day_of(row.time) != NO_DAY and fine:
                end = (row.time, row.version)
                ends[row.person] = min(ends.get(row.person, end), end)
        return ends

    def elapsed(self, begin: str, end: str) -> Sequence[Elapsed]:
        """See View.elapsed."""
        begun = self._ends(begin, well=False)
        took: dict[str, list[int]] = defaultdict(list)
        for person, (done, version) in self._ends(end, well=True).items():
            wanted = not self.window.versions or version in self.window.versions
            inside = self.window.since <= day_of(done) <= self.window.until
            if person in begun and done >= begun[person][0] and wanted and inside:
                took[version].append((done - begun[person][0]) // 1000)
                took[""].append((done - begun[person][0]) // 1000)
        return [Elapsed(version, tuple(sorted(seconds))) for version, seconds in took.items()]

    def funnel(self, steps: Sequence[str]) -> Sequence[int]:
        """See View.funnel."""
        there = {
            person: time
            for person, (time, _) in self._ends(steps[0], well=False).items()
            if self.window.since <= day_of(time) <= self.window.until
        }
        reached = [len(there)]
        for step in steps[1:]:
            ends = self._ends(step, well=True)
            there = {who: ends[who][0] for who, time in there.items() if who in ends and ends[who][0] >= time}
            reached.append(len(there))
        return reached

    def _first_days(self) -> dict[str, int]:
        first: dict[str, int] = {}
        for row, _ in self.all:
            day = day_of(row.time)
            if row.person and row.name != LOSSES and day != NO_DAY:
                first[row.person] = min(first.get(row.person, day), day)
        return first

    def newcomers(self) -> Mapping[int, int]:
        """See View.newcomers."""
        first = self._first_days()
        seen = {row.person for row, _ in self.rows if row.person and row.name != LOSSES} & first.keys()
        return Counter(first[who] for who in seen if self.window.since <= first[who] <= self.window.until)

    def cohorts(self) -> Mapping[tuple[int, int], int]:
        """See View.cohorts."""
        weeks, first = cohort_weeks(self.window.since, self.window.until), self._first_days()
        met = set()
        for row, _ in self.rows:
            if row.person in first and row.name != LOSSES:
                born, week = week_of(first[row.person]), week_of(day_of(row.time))
                if born in weeks and week in weeks:
                    met.add((row.person, born, week))
        return Counter((born, week) for _, born, week in met)

    def users(self, event: str, field: str, label: str) -> Mapping[str, tuple[int, int]]:
        """See View.users."""
        found: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for row, _ in self.rows:
            if row.person and (event, field, label) in features_of(row):
                found[row.version].append((row.person, day_of(row.time)))
        return {
            version: (len({person for person, _ in some}), max(day for _, day in some))
            for version, some in found.items()
        }
