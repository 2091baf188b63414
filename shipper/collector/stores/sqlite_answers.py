"""What the embedded store answers from its sums. Each answer has a connection of its own that can only read."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date
from functools import cached_property
from typing import Any
from urllib.parse import quote

from shipper.collector.stores.dimensions import DAY, FIRST_DAY, date_of, first_of, month_of
from shipper.collector.stores.label_counts import Shape, crossed_of, values_of
from shipper.collector.stores.store import Setup, StoreUnavailable, Window


class SqliteAnswers:
    """Reads the store in a file, while a writer writes to it or when none does."""

    def __init__(self, path: str) -> None:
        self.path = path

    def view(self, window: Window) -> "SqliteView":
        """See Store.view."""
        return SqliteView(self.path, window)

    def ready(self) -> None:
        """See Store.ready."""
        _rows(self.path, "SELECT id FROM words LIMIT 1")

    def apps(self) -> list[str]:
        """See Store.apps."""
        # One step per app through the tree, instead of one per row of it.
        query = (
            "WITH RECURSIVE seen(app) AS (SELECT min(app) FROM daily UNION ALL"
            " SELECT (SELECT min(app) FROM daily WHERE app > seen.app) FROM seen WHERE seen.app IS NOT NULL)"
            " SELECT word FROM seen JOIN words ON words.id = seen.app ORDER BY word"
        )
        return [app for (app,) in _rows(self.path, query)]

    def versions(self, app: str) -> list[str]:
        """See Store.versions."""
        query = (
            "SELECT label FROM features WHERE app = (SELECT id FROM words WHERE word = ?)"
            " AND event = '' AND field = 'version'"
        )
        return [version for (version,) in _rows(self.path, query, app)]

    def days(self, app: str) -> tuple[int, int] | None:
        """See Store.days."""
        query = "SELECT min(day), max(day) FROM daily WHERE app = (SELECT id FROM words WHERE word = ?) AND day >= ?"
        ((first, last),) = _rows(self.path, query, app, FIRST_DAY)
        return None if first is None else (first, last)

    def close(self) -> None:
        """See Store.close. Nothing is held between two answers."""


class SqliteView:
    """One window of the store; see View. What several questions need is read once."""

    def __init__(self, path: str, window: Window) -> None:
        self._path = path
        self._window = window

    def values(self) -> Mapping[tuple[str, str, str], int]:
        """See View.values."""
        return values_of(self._shapes)

    def crossed(self, event: str, *keys: str) -> Mapping[tuple[str, ...], int]:
        """See View.crossed."""
        return crossed_of(self._shapes, event, keys)

    def installations(self, event: str, field: str | None) -> Mapping[tuple[str, str, str], int]:
        """See View.installations."""
        if self._window.ci == "only":
            return {}
        since, until = date_of(self._window.since), date_of(self._window.until)
        seen = _seen_between(since, until)
        versions, given = _among("version", self._window.versions)
        # The tree is in the order of (feature, person), so that DISTINCT is one walk and no sort.
        query = (
            "SELECT event, field, label, count(*) FROM"
            " (SELECT DISTINCT feature, person FROM uses WHERE feature IN"
            "   (SELECT id FROM features WHERE app = (SELECT id FROM words WHERE word = ?)"
            "    AND event = ? AND field = coalesce(?, field))"
            f" AND year BETWEEN ? AND ? AND {seen} {versions})"
            " JOIN features ON features.id = feature GROUP BY feature"
        )
        window = (self._window.app, event, field, since.year, until.year)
        return {(of, key, label): people for of, key, label, people in _rows(self._path, query, *window, *given)}

    def active(self) -> Mapping[tuple[int, str], int]:
        """See View.active."""
        if self._window.ci == "only":
            return {}
        versions, given = _among("version", self._window.versions)
        query = (
            "SELECT day, word, total FROM active JOIN words ON words.id = version"
            f" WHERE app = (SELECT id FROM words WHERE word = ?) AND day BETWEEN ? AND ? {versions}"
        )
        window = (self._window.app, self._window.since, self._window.until)
        return {(day, version): people for day, version, people in _rows(self._path, query, *window, *given)}

    def setups(self) -> Sequence[Setup]:
        """See View.setups."""
        if self._window.ci == "only":
            return ()
        feature = (
            "(SELECT f.id FROM features f JOIN words w ON w.id = f.app"
            " WHERE w.word = ? AND f.event = 'command' AND f.field = 'command' AND f.label = ?)"
        )
        query = (
            "SELECT ended.done_version, (ended.done - began.begun) / 1000 FROM firsts ended"
            f" JOIN firsts began ON began.feature = {feature} AND began.person = ended.person"
            f" WHERE ended.feature = {feature} AND ended.done >= began.begun AND ended.done BETWEEN ? AND ?"
        )
        window, (begins, ends) = self._window, self._window.setup
        span = (max(window.since, FIRST_DAY) * DAY, (window.until + 1) * DAY - 1)
        took: dict[str, list[int]] = defaultdict(list)
        for version, seconds in _rows(self._path, query, window.app, begins, window.app, ends, *span):
            if not window.versions or version in window.versions:
                took[version].append(seconds)
        everybody = [seconds for some in took.values() for seconds in some]
        return [Setup(version, tuple(sorted(some))) for version, some in (("", everybody), *took.items()) if some]

    @cached_property
    def _shapes(self) -> list[Shape]:
        """How often each shape occurred in each version: the sums of whole months, and of the days beside them."""
        versions, given = _among("version", self._window.versions)
        ci = "" if self._window.ci == "all" else f"AND ci = {int(self._window.ci == 'only')}"
        parts, window = [], []
        for table, period, first, last in _spans(self._window.since, self._window.until):
            parts.append(
                f"SELECT shape, version, total FROM {table}"
                f" WHERE app = (SELECT id FROM words WHERE word = ?) AND {period} BETWEEN ? AND ? {versions} {ci}"
            )
            window += [self._window.app, first, last, *given]
        query = (
            "SELECT name, labels, word, times FROM (SELECT shape, version, sum(total) AS times FROM"
            f" ({' UNION ALL '.join(parts)}) GROUP BY shape, version)"
            " JOIN shapes ON shapes.id = shape JOIN words ON words.id = version"
        )
        return [
            Shape(name, dict(json.loads(labels)), version, times)
            for name, labels, version, times in _rows(self._path, query, *window)
        ]


def _spans(since: int, until: int) -> list[tuple[str, str, int, int]]:
    """Cut a window into sums to add: (table, its period's column, first, last), for whole months and days beside."""
    start, end = month_of(since - 1) + 1, month_of(until + 1)
    between = (
        ("monthly", "month", start, end - 1),
        ("daily", "day", since, min(until, first_of(start) - 1)),
        ("daily", "day", max(since, first_of(max(start, end))), until),
    )
    return [span for span in between if span[2] <= span[3]]


def _seen_between(since: date, until: date) -> str:
    """The condition that a day of a row of `uses` lies in a window which meets the row's year."""
    cases = []
    for year in sorted({since.year, until.year}):
        start = since if since.year == year else date(year, 1, 1)
        end = until if until.year == year else date(year, 12, 31)
        months = []
        for month in range(start.month, end.month + 1):
            first = start.day if month == start.month else 1
            last = end.day if month == end.month else 31
            months.append(f"(m{month} & {(1 << last) - (1 << (first - 1))})")
        cases.append(f"WHEN {year} THEN {' | '.join(months)}")
    return f"CASE year {' '.join(cases)} ELSE 1 END"


def _among(column: str, words: Iterable[str]) -> tuple[str, list[str]]:
    """The condition that a column is one of some words, or none for no words; only marks are put into the text."""
    given = list(words)
    marks = ",".join("?" * len(given))
    return (f"AND {column} IN (SELECT id FROM words WHERE word IN ({marks}))" if given else ""), given


def _rows(path: str, query: str, *given: object) -> list[Any]:
    with _reading(path) as db:
        return db.execute(query, given).fetchall()


@contextmanager
def _reading(path: str) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, isolation_level=None)) as db:
            yield db
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the store cannot be read: {error}", f"Look at {path}.") from error
