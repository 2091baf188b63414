"""What the embedded store adds up while it writes: names as numbers, and the sums that answers read."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from shipper.collector.stores.dimensions import (
    LATE,
    LOSSES,
    NO_DAY,
    ORIGIN,
    date_of,
    day_of,
    features_of,
    first_of,
    labels_of,
    late_of,
    month_of,
    origin_of,
    shapes_of,
)
from shipper.collector.stores.store import Row

#: Names remembered in memory, all kinds together; those beyond it are looked up again. Some 100 MiB at most.
REMEMBERED = 200_000

First = tuple[int, int | None, str | None]
Daily = tuple[int, ...]
"""The key of `daily` and `monthly`: app, day or month, version, CI, shape."""
Active = tuple[int, ...]
"""The key of `active`: app, day, version."""
Use = tuple[int, int, int, int]
"""The key of `uses`: feature, person, year, version."""


class Kind(NamedTuple):
    """Everything about an event but its time, person and lateness, in numbers."""

    app: int
    version: int
    name: int
    os: int
    arch: int
    runtime: int
    shapes: tuple[tuple[int, int], ...]
    """What it adds to `daily`: a shape, and how many times."""
    features: tuple[int, ...]
    command: int
    """The feature of the command that it tells of, or 0."""
    ended_well: bool
    agent: int


class Names:
    """Numbers for names, the same for ever. Made inside the writer's transaction; `unlearn` after one that failed."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._known: dict[tuple[object, ...], int] = {}
        self._kinds: dict[tuple[object, ...], Kind] = {}

    def kind(self, row: Row) -> Kind:
        """The kind of an event. Events are of few kinds, so most cost one look-up."""
        # What was lost is counted in full, not by steps: two losses events are seldom of one kind.
        labels = tuple(row.fields.items()) if row.name == LOSSES else labels_of(row.fields)
        key = (row.app, row.version, row.name, row.os, row.arch, row.runtime, row.agent, labels)
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= REMEMBERED:
                self._kinds.clear()
            kind = self._kinds[key] = self._new_kind(row)
        return kind

    def _new_kind(self, row: Row) -> Kind:
        app, version, name = self.word(row.app), self.word(row.version), self.word(row.name)
        system, arch, runtime = self.word(row.os), self.word(row.arch), self.word(row.runtime)
        shapes = tuple((self.shape(shape, labels), times) for shape, labels, times in shapes_of(row))
        features = tuple(self._feature(app, *feature) for feature in features_of(row))
        command = row.fields.get("command") if row.name == "command" else None
        number = self._feature(app, "command", "command", command) if isinstance(command, str) else 0
        well = row.fields.get("outcome") == "ok"
        return Kind(app, version, name, system, arch, runtime, shapes, features, number, well, self.word(row.agent))

    def word(self, word: str) -> int:
        """The number of a word: an app, a version, a runtime."""
        return self._number("INSERT INTO words (word) VALUES (?)", "SELECT id FROM words WHERE word = ?", word)

    def person(self, person: str) -> int:
        """The number of a person, given by hash."""
        hashed = bytes.fromhex(person)
        return self._number("INSERT INTO people (hash) VALUES (?)", "SELECT id FROM people WHERE hash = ?", hashed)

    def shape(self, name: str, labels: tuple[tuple[str, str], ...]) -> int:
        """The number of an event's name together with its labels."""
        known = self._known.get((name, labels))
        if known is not None:
            return known
        insert = "INSERT INTO shapes (name, labels) VALUES (?, ?)"
        select = "SELECT id FROM shapes WHERE name = ? AND labels = ?"
        number = self._number(insert, select, name, json.dumps(labels, separators=(",", ":")))
        self._known[name, labels] = number
        return number

    def _feature(self, app: int, event: str, field: str, label: str) -> int:
        insert = "INSERT INTO features (app, event, field, label) VALUES (?, ?, ?, ?)"
        select = "SELECT id FROM features WHERE app = ? AND event = ? AND field = ? AND label = ?"
        return self._number(insert, select, app, event, field, label)

    def unlearn(self) -> None:
        """Forget every number: the transaction that made some of them did not commit, or a person is gone."""
        self._known.clear()
        self._kinds.clear()

    def _number(self, insert: str, select: str, *given: str | bytes | int) -> int:
        key = (insert, *given)
        known = self._known.get(key)
        if known is not None:
            return known
        found = self._db.execute(select, given).fetchone()
        number = found[0] if found else self._db.execute(insert, given).lastrowid
        assert number is not None
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[key] = number
        return number


class Sums:
    """What some events add to the sums, or, when a person is forgotten, take away from them."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._daily: Counter[Daily] = Counter()
        self._uses: dict[int, dict[Use, int]] = defaultdict(dict)
        self._lives: dict[tuple[int, Use], int] = {}
        self._firsts: dict[tuple[int, int], First] = {}
        self._arrivals: dict[tuple[int, int], int] = {}

    def take(self, row: Row, kind: Kind, person: int, minute: int) -> None:
        """Add one event up; `minute` is when it was received, in Unix minutes, `person` 0 for nobody."""
        day = day_of(row.time)
        for shape, times in kind.shapes:
            self._daily[kind.app, day, kind.version, row.ci, shape] += times
        if row.name == LOSSES:
            return
        if late := late_of(row, minute * 60):
            self._daily[kind.app, day, kind.version, row.ci, self._names.shape(LATE, (("late", late),))] += 1
        if origin := origin_of(row):
            self._daily[kind.app, day, kind.version, row.ci, self._names.shape(ORIGIN, origin)] += 1
        if person:
            self._take_person(row, kind, person, day)

    def _take_person(self, row: Row, kind: Kind, person: int, day: int) -> None:
        when = date_of(day)
        bit = 1 << (when.day - 1)
        uses = self._uses[when.month]
        for feature in kind.features:
            use = (feature, person, when.year, kind.version)
            uses[use] = uses.get(use, 0) | bit
        # The first feature is the installation itself.
        self._lives[when.month, (kind.features[0], person, when.year, kind.version)] = kind.app
        if day == NO_DAY:
            return
        arrived = (kind.app, person)
        self._arrivals[arrived] = min(day, self._arrivals.get(arrived, day))
        if kind.command:
            new: First = (row.time, row.time, row.version) if kind.ended_well else (row.time, None, None)
            first = (kind.command, person)
            self._firsts[first] = earlier(self._firsts[first], new) if first in self._firsts else new

    def add_to(self, db: sqlite3.Connection) -> None:
        """Write the sums; the caller's transaction holds them together with their events."""
        self._add_up(db, self._active(lambda use, month: _days_known(db, use, month)), 1)
        for month, uses in self._uses.items():
            db.executemany(
                f"INSERT INTO uses (feature, person, year, version, months, m{month}) VALUES (?,?,?,?,{1 << month - 1},?)"
                f" ON CONFLICT DO UPDATE SET months = months | excluded.months, m{month} = m{month} | excluded.m{month}",
                # In the tree's own order: neighbours share its pages.
                [(*use, uses[use]) for use in sorted(uses)],
            )
        db.executemany(_EARLIER, [(*key, *first) for key, first in self._firsts.items()])
        db.executemany(
            "INSERT INTO arrivals VALUES (?,?,?) ON CONFLICT DO UPDATE SET day = min(day, excluded.day)",
            [(*key, self._arrivals[key]) for key in sorted(self._arrivals)],
        )

    def take_from(self, db: sqlite3.Connection) -> None:
        """Take the sums away. These must be all events of the people they are about."""
        self._add_up(db, self._active(lambda *_: 0), -1)
        for uses in self._uses.values():
            db.executemany("DELETE FROM uses WHERE (feature, person, year, version) = (?,?,?,?)", list(uses))
        db.executemany("DELETE FROM firsts WHERE (feature, person) = (?,?)", list(self._firsts))
        db.executemany("DELETE FROM arrivals WHERE (app, person) = (?,?)", list(self._arrivals))

    def _add_up(self, db: sqlite3.Connection, active: Counter[Active], sign: int) -> None:
        """Add to, or with a sign of -1 take from, what is counted by day and month; a sum of nothing is no row."""
        monthly: Counter[Daily] = Counter()
        for (app, day, *rest), times in self._daily.items():
            monthly[app, month_of(day), *rest] += times
        for table, period, sums in (("daily", "day", self._daily), ("monthly", "month", monthly)):
            _add(db, table, ("app", period, "version", "ci", "shape"), sums, sign)
        _add(db, "active", ("app", "day", "version"), active, sign)

    def _active(self, known: Callable[[Use, int], int]) -> Counter[Active]:
        """Count the days on which installations were active, but for those that are `known` (a bit each) of a use."""
        active: Counter[Active] = Counter()
        for (month, use), app in self._lives.items():
            new = self._uses[month][use] & ~known(use, month)
            first = first_of(use[2] * 12 + month - 1)
            active.update((app, first + bit, use[3]) for bit in range(31) if new >> bit & 1)
        return active


def _days_known(db: sqlite3.Connection, use: Use, month: int) -> int:
    query = f"SELECT m{month} FROM uses WHERE (feature, person, year, version) = (?,?,?,?)"
    found = db.execute(query, use).fetchone()
    return int(found[0]) if found else 0


def _add(
    db: sqlite3.Connection, table: str, key: Sequence[str], sums: Mapping[tuple[int, ...], int], sign: int
) -> None:
    marks = ",".join("?" * len(key))
    db.executemany(
        f"INSERT INTO {table} VALUES ({marks},?) ON CONFLICT DO UPDATE SET total = total + excluded.total",
        [(*of, sign * times) for of, times in sums.items()],
    )
    if sign < 0:
        db.executemany(f"DELETE FROM {table} WHERE ({','.join(key)}) = ({marks}) AND total = 0", list(sums))


# The earliest by time, and by version where two times are equal: the order in which events arrive must not matter.
_EARLIER = """
INSERT INTO firsts VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE SET
    begun = min(begun, excluded.begun),
    done = CASE WHEN done IS NULL OR (excluded.done, excluded.done_version) < (done, done_version)
        THEN excluded.done ELSE done END,
    done_version = CASE WHEN done IS NULL OR (excluded.done, excluded.done_version) < (done, done_version)
        THEN excluded.done_version ELSE done_version END
"""


def earlier(one: First, other: First) -> First:
    """Merge what is known of two sets of events about an installation's first run of a command."""
    ends = [(done, version) for _, done, version in (one, other) if done is not None and version is not None]
    done, version = min(ends) if ends else (None, None)
    return (min(one[0], other[0]), done, version)
