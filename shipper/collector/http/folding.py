"""Budgets for names: what a stranger invents is folded into "other" before it can fill the store and the page.

Each app has a number of new names a day, and a number in all; the receiver has a number of apps, and of installations an
hour. What an app was already known for costs nothing, nor does the version of its catalog. What was folded is counted.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from shipper.collector.stores.dimensions import CENSUS, labels_of
from shipper.collector.stores.store import Row, Value
from shipper.recording.event import LOSSES

OTHER = "other"
#: Names that are known of all apps together: some 10 MiB, and enough for hundreds of usual apps.
MAX_KNOWN = 150_000
#: Kinds of events of an app that are found at one look.
MAX_USUAL = 2_000
DAY, HOUR = 86_400, 3600


class Budget(NamedTuple):
    """How many new ones a day, and how many in all."""

    daily: int
    whole: int


#: By what it is a budget of; a shape is an event with its labels, and a field counts once a value of it was folded. A usual
#: app has 10 events, 300 labels, 50 versions and 2,000 shapes.
BUDGETS: Mapping[str, Budget] = {
    "events": Budget(100, 1_000),
    "versions": Budget(50, 2_000),
    "runtimes": Budget(100, 1_000),
    "platforms": Budget(20, 100),
    "agents": Budget(20, 100),
    "labels": Budget(1_000, 10_000),
    "fields": Budget(200, 2_000),
    "shapes": Budget(3_000, 30_000),
}
#: Apps that the receiver learns of in a day, and in all. A catalog's apps are known.
APPS = Budget(20, 500)
#: Installations that are told apart in an hour.
INSTALLATIONS = 20_000


@dataclass(slots=True)
class _Known:
    """What one app is known for."""

    names: dict[str, set[int]] = field(default_factory=lambda: {kind: set() for kind in BUDGETS})
    today: Counter[str] = field(default_factory=Counter)
    usual: set[int] = field(default_factory=set)
    """Whole kinds of events whose every name is known: one look instead of five."""


class NameBudgets:
    """What is known of every app; any thread may use it. `installations` are told apart in an hour."""

    def __init__(self, clock: Callable[[], float] = time.time, installations: int = INSTALLATIONS) -> None:
        self.folded: Counter[str] = Counter()
        """How many values were folded, by what they were, since the receiver started."""
        self._clock = clock
        self._installations = installations
        self._apps: dict[str, _Known] = {}
        self._new_apps = 0
        self._people: set[int] = set()
        self._size = 0
        self._day = self._hour = 0
        self._lock = threading.Lock()

    def learn(self, app: str, kind: str, names: Iterable[object]) -> None:
        """Take names of an app as known, as far as its whole budget goes."""
        with self._lock:
            known = self._apps.setdefault(app, _Known())
            for name in names:
                self._keep(known, kind, name)

    def fold(self, rows: Iterable[Row]) -> list[Row]:
        """The rows, with what is over a budget folded into OTHER."""
        with self._lock:
            self._begin()
            return [self._fold(row) for row in rows]

    def _begin(self) -> None:
        now = int(self._clock())
        if now // HOUR != self._hour:
            self._hour = now // HOUR
            self._people.clear()
        if now // DAY != self._day:
            self._day, self._new_apps = now // DAY, 0
            for known in self._apps.values():
                known.today.clear()

    def _fold(self, row: Row) -> Row:
        app = self._app(row.app)
        known, person = self._apps[app], self._person(row.person)
        labels = () if row.name == LOSSES else labels_of(row.fields)
        usual = hash((row.version, row.name, row.runtime, row.os, row.arch, row.agent, labels))
        if usual in known.usual:
            folded = row
        else:
            folded = self._fold_names(row, known)
            if folded == row and len(known.usual) < MAX_USUAL:
                known.usual.add(usual)
        if app is row.app and person is row.person:
            return folded
        return folded._replace(app=app, person=person)

    def _fold_names(self, row: Row, known: _Known) -> Row:
        os, arch = (row.os, row.arch) if self._admits(known, "platforms", (row.os, row.arch)) else (OTHER, OTHER)
        row = row._replace(
            version=row.version if self._admits(known, "versions", row.version) else OTHER,
            runtime=row.runtime if self._admits(known, "runtimes", row.runtime) else OTHER,
            agent=row.agent if not row.agent or self._admits(known, "agents", row.agent) else OTHER,
            os=os,
            arch=arch,
        )
        if row.name == LOSSES:
            self._keep(known, "shapes", (LOSSES, ()))
            return row
        if row.name == CENSUS:
            return row._replace(fields=self._fields(known, row))  # which counts each field alone: it needs no shape
        if not self._admits(known, "events", row.name):
            row = row._replace(name=OTHER, fields={})
        fields = self._fields(known, row)
        if not self._admits(known, "shapes", (row.name, labels_of(fields))):
            fields = {}
        return row._replace(fields=fields)

    def _fields(self, known: _Known, row: Row) -> dict[str, Value]:
        """The fields with OTHER for each value that is over the budget, and without those whose very name is."""
        fields = dict(row.fields)
        for key, label in labels_of(row.fields):
            if not self._admits(known, "labels", (row.name, key, label)):
                if self._admits(known, "fields", (row.name, key)):
                    fields[key] = OTHER
                else:
                    del fields[key]
        return fields

    def _admits(self, known: _Known, kind: str, name: object) -> bool:
        """Whether a name is known, or new and within the budget; it is known from then on."""
        if hash(name) in known.names[kind]:
            return True
        if known.today[kind] < BUDGETS[kind].daily and self._keep(known, kind, name):
            known.today[kind] += 1
            return True
        self.folded[kind] += 1
        return False

    def _keep(self, known: _Known, kind: str, name: object) -> bool:
        names = known.names[kind]
        if len(names) >= BUDGETS[kind].whole or self._size >= MAX_KNOWN:
            return False
        before = len(names)
        names.add(hash(name))
        self._size += len(names) - before
        return True

    def _app(self, app: str) -> str:
        if app not in self._apps:
            if self._new_apps >= APPS.daily or len(self._apps) >= APPS.whole:
                self.folded["apps"] += 1
                app = OTHER
            else:
                self._new_apps += 1
            self._apps.setdefault(app, _Known())
        return app

    def _person(self, person: str) -> str:
        if person and hash(person) not in self._people:
            if len(self._people) >= self._installations:
                self.folded["installations"] += 1
                return ""
            self._people.add(hash(person))
        return person
