"""What the embedded store answers from its sums. Each answer has a connection of its own that can only read."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import quote

from shipper.collector.stores.dimensions import CENSUS, FIRST_DAY, cohort_weeks, date_of, first_of, monday_of
from shipper.collector.stores.label_counts import Shape, crossed_of, values_of
from shipper.collector.stores.sqlite_conditions import (
    APP,
    COMMAND,
    INSTALLATION,
    among,
    days_of,
    seen_between,
    span_of,
    spans,
)
from shipper.collector.stores.sqlite_rows import OF_PERSON, row_of
from shipper.collector.stores.store import Elapsed, Row, StoreUnavailable, Window, elapsed_of


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
        query = f"SELECT word FROM words WHERE id IN (SELECT version FROM monthly WHERE app = {APP})"
        return [version for (version,) in _rows(self.path, query, app)]

    def days(self, app: str) -> tuple[int, int] | None:
        """See Store.days."""
        query = "SELECT min(day), max(day) FROM daily WHERE app = (SELECT id FROM words WHERE word = ?) AND day >= ?"
        ((first, last),) = _rows(self.path, query, app, FIRST_DAY)
        return None if first is None else (first, last)

    def knows(self, person: str) -> bool:
        """See Answers.knows."""
        return bool(_rows(self.path, "SELECT 1 FROM people WHERE hash = ?", bytes.fromhex(person)))

    def events_of(self, person: str, after: bytes, most: int) -> list[tuple[Row, int]]:
        """See Answers.events_of."""
        found = _rows(
            self.path, f"{OF_PERSON} AND e.id > ? ORDER BY e.id LIMIT ?", person, bytes.fromhex(person), after, most
        )
        return [row_of(row) for row in found]

    def close(self) -> None:
        """See Store.close. Nothing is held between two answers."""


class SqliteView:
    """One window of the store; see View. What several questions need is read once."""

    def __init__(self, path: str, window: Window) -> None:
        self._path = path
        self._window = window

    def census(self) -> Mapping[tuple[int, str, str, str], int]:
        """See View.census."""
        if self._window.ci == "only":
            return {}
        chosen, given = among("version", self._window.versions)
        query = (
            "SELECT (day + 3) / 7, word, labels, sum(total) FROM daily JOIN shapes ON shapes.id = shape"
            f" JOIN words ON words.id = version WHERE app = {APP} AND day BETWEEN ? AND ? AND ci = 0 {chosen}"
            " AND shape IN (SELECT id FROM shapes WHERE name = ?) GROUP BY 1, 2, 3"
        )
        span = (max(self._window.since, FIRST_DAY), self._window.until)
        rows = _rows(self._path, query, self._window.app, *span, *given, CENSUS)
        return {
            (week, version, *(json.loads(labels) or [("", "")])[0]): people for week, version, labels, people in rows
        }

    def as_of(self) -> None:
        """See View.as_of: every event is counted in the transaction that keeps it."""

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
        seen = seen_between(since, until)
        chosen, given = among("version", self._window.versions)
        # The tree is in the order of (feature, person), so that DISTINCT is one walk and no sort.
        query = (
            "SELECT event, field, label, people FROM"
            " (SELECT feature, count(DISTINCT person) AS people FROM uses WHERE feature IN"
            "   (SELECT id FROM features WHERE app = (SELECT id FROM words WHERE word = ?)"
            "    AND event = ? AND field = coalesce(?, field))"
            f" AND {seen} {chosen} GROUP BY feature)"
            " JOIN features ON features.id = feature"
        )
        window = (self._window.app, event, field)
        return {(of, key, label): people for of, key, label, people in _rows(self._path, query, *window, *given)}

    def active(self) -> Mapping[tuple[int, str], int]:
        """See View.active."""
        if self._window.ci == "only":
            return {}
        chosen, given = among("version", self._window.versions)
        query = (
            "SELECT day, word, total FROM active JOIN words ON words.id = version"
            f" WHERE app = (SELECT id FROM words WHERE word = ?) AND day BETWEEN ? AND ? {chosen}"
        )
        window = (self._window.app, self._window.since, self._window.until)
        return {(day, version): people for day, version, people in _rows(self._path, query, *window, *given)}

    def elapsed(self, begin: str, end: str) -> Sequence[Elapsed]:
        """See View.elapsed."""
        window = self._window
        if window.ci == "only":
            return ()
        query = (
            "SELECT ended.done_version, (ended.done - began.begun) / 1000 FROM firsts ended"
            f" JOIN firsts began ON began.feature = {COMMAND} AND began.person = ended.person"
            f" WHERE ended.feature = {COMMAND} AND ended.done >= began.begun AND ended.done BETWEEN ? AND ?"
        )
        took: dict[str, list[int]] = defaultdict(list)
        with _reading(self._path) as db:
            # One row after the other: a list of them all would cost more than the query.
            for version, seconds in db.execute(query, (window.app, begin, window.app, end, *span_of(window))):
                if not window.versions or version in window.versions:
                    took[version].append(seconds)
        return elapsed_of(took)

    def funnel(self, steps: Sequence[str]) -> Sequence[int]:
        """See View.funnel."""
        window = self._window
        if window.ci == "only":
            return [0] * len(steps)
        counts, joins, given = ["count(*)"], "", [window.app, steps[0], *span_of(window)]
        before = "f0.begun"
        for number, step in enumerate(steps[1:], 1):
            table = f"f{number}"
            # Joined to the step before, so that nobody is looked up who did not come that far.
            joins += (
                f" LEFT JOIN firsts {table} ON {table}.feature = {COMMAND} AND {table}.person = f{number - 1}.person"
                f" AND {table}.done >= {before}"
            )
            counts.append(f"count({table}.person)")
            before = f"{table}.done"
            given[-4:-4] = [window.app, step]
        # The joins' marks stand before those of the condition.
        where = f"WHERE f0.feature = {COMMAND} AND f0.begun BETWEEN ? AND ?"
        (reached,) = _rows(self._path, f"SELECT {', '.join(counts)} FROM firsts f0{joins} {where}", *given)
        return list(reached)

    def newcomers(self) -> Mapping[int, int]:
        """See View.newcomers."""
        window = self._window
        if window.ci == "only":
            return {}
        query = f"SELECT day, count(*) FROM arrivals WHERE app = {APP} AND day BETWEEN ? AND ?"
        given: list[object] = [window.app, max(window.since, FIRST_DAY), window.until]
        if window.versions:
            since, until = date_of(window.since), date_of(window.until)
            chosen, versions = among("version", window.versions)
            query += (
                f" AND person IN (SELECT person FROM uses WHERE feature = {INSTALLATION}"
                f" AND {seen_between(since, until)} {chosen})"
            )
            given += [window.app, *versions]
        return dict(_rows(self._path, f"{query} GROUP BY day", *given))

    def cohorts(self) -> Mapping[tuple[int, int], int]:
        """See View.cohorts."""
        window = self._window
        weeks = cohort_weeks(window.since, window.until)
        if window.ci == "only" or not weeks:
            return {}
        chosen, versions = among("version", window.versions)
        columns = []
        for week in weeks:
            first, last = date_of(monday_of(week)), date_of(min(monday_of(week + 1) - 1, window.until))
            columns.append(f"max({seen_between(first, last)} != 0) AS w{week}")
        sums = ", ".join(f"sum(w{week})" for week in weeks)
        query = (
            f"SELECT born, {sums} FROM (SELECT (day + 3) / 7 AS born, {', '.join(columns)} FROM arrivals"
            f" JOIN uses ON uses.person = arrivals.person AND feature = {INSTALLATION} {chosen}"
            f" WHERE arrivals.app = {APP} AND day BETWEEN ? AND ? GROUP BY day, arrivals.person) GROUP BY born"
        )
        span = (max(monday_of(weeks[0]), FIRST_DAY), window.until)
        rows = _rows(self._path, query, window.app, *versions, window.app, *span)
        return {(born, week): seen for born, *sums in rows for week, seen in zip(weeks, sums, strict=True) if seen}

    def users(self, event: str, field: str, label: str) -> Mapping[str, tuple[int, int]]:
        """See View.users."""
        if self._window.ci == "only":
            return {}
        since, until = date_of(self._window.since), date_of(self._window.until)
        chosen, versions = among("version", self._window.versions)
        where = (
            f"FROM uses JOIN words ON words.id = version WHERE feature = (SELECT id FROM features WHERE app = {APP}"
            " AND event = ? AND field = ? AND label = ?)"
            f" AND {seen_between(since, until)} {chosen}"
        )
        given = (self._window.app, event, field, label, *versions)
        people = dict(_rows(self._path, f"SELECT word, count(DISTINCT person) {where} GROUP BY word", *given))
        # Of numbers with a bit for each day, the largest has the last day of all.
        months = ", ".join(f"max(m{month} & {days_of(month, since, until)})" for month in range(1, 13))
        last: dict[str, int] = {}
        for version, year, *bits in _rows(
            self._path, f"SELECT word, year, {months} {where} GROUP BY word, year", *given
        ):
            month, days = max((number, days) for number, days in enumerate(bits) if days)
            last[version] = max(last.get(version, 0), first_of(year * 12 + month) + days.bit_length() - 1)
        return {version: (count, last[version]) for version, count in people.items()}

    @cached_property
    def _shapes(self) -> list[Shape]:
        """How often each shape occurred in each version: the sums of whole months, and of the days beside them."""
        chosen, given = among("version", self._window.versions)
        ci = "" if self._window.ci == "all" else f"AND ci = {int(self._window.ci == 'only')}"
        parts, window = [], []
        for table, period, first, last in spans(self._window.since, self._window.until):
            parts.append(
                f"SELECT shape, version, total FROM {table}"
                f" WHERE app = (SELECT id FROM words WHERE word = ?) AND {period} BETWEEN ? AND ? {chosen} {ci}"
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
