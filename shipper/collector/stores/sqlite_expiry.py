"""What is too old leaves the embedded store, in steps that are short enough to stand between two groups of events.

First the sums of a day go as a whole, together with the bound below which nothing is taken any more; then the days in
which installations were seen; then the events. An id begins with its event's time, so that the old ones are the left edge
of their tree, and those of broken clocks its two ends. What is left of an event below the bound is in no sum.

When an installation was first seen, and first ran a command, stays for as long as it is seen. With its last event
everything of it goes.
"""

import sqlite3
from collections.abc import Iterable

from shipper.collector.stores.dimensions import DAY, FIRST_DAY, LAST_DAY, LOSSES, NO_DAY, date_of, month_of
from shipper.collector.stores.sqlite_rows import WHOLE, row_of
from shipper.collector.stores.sqlite_sums import Names, Sums

#: Events that one step deletes: some 20 ms.
STEP = 2_000
MINUTES = 1440

EXPIRED = "CREATE TABLE IF NOT EXISTS expired (before INTEGER NOT NULL)"


def expired_before(db: sqlite3.Connection) -> int:
    """The day, since 1970, before which nothing is taken any more; 0 for none."""
    ((before,),) = db.execute("SELECT coalesce(max(before), 0) FROM expired")
    return int(before)


class Expiry:
    """The deletion of what happened before a day, in days since 1970; each `step` belongs into a transaction."""

    def __init__(self, db: sqlite3.Connection, names: Names, before: int) -> None:
        self.before = before
        self.deleted = False
        """Whether the last step deleted anything."""
        self._db = db
        self._names = names
        self._feature = 0

    def step(self) -> int:
        """Delete a part, and return how many rows went; 0 when nothing is left."""
        if expired_before(self._db) < self.before:
            self._db.execute("DELETE FROM expired")
            self._db.execute("INSERT INTO expired VALUES (?)", (self.before,))
        return self._sums() or self._uses() or self._events() or self._broken_clocks()

    def _sums(self) -> int:
        """The sums of the oldest day of some app."""
        oldest = self._db.execute(
            "WITH RECURSIVE seen(app) AS (SELECT min(app) FROM daily UNION ALL"
            " SELECT (SELECT min(app) FROM daily WHERE app > seen.app) FROM seen WHERE seen.app IS NOT NULL)"
            " SELECT app, (SELECT min(day) FROM daily WHERE daily.app = seen.app AND day >= ?) AS day FROM seen"
            " WHERE app IS NOT NULL AND day < ? LIMIT 1",
            (FIRST_DAY, self.before),
        ).fetchone()
        if oldest is None:
            return 0
        app, day = oldest
        self._db.execute(
            "UPDATE monthly SET total = monthly.total - daily.total FROM daily WHERE daily.app = ? AND daily.day = ?"
            " AND (monthly.app, monthly.month, monthly.version, monthly.ci, monthly.shape)"
            " = (daily.app, ?, daily.version, daily.ci, daily.shape)",
            (app, day, month_of(day)),
        )
        self._db.execute("DELETE FROM monthly WHERE app = ? AND month = ? AND total = 0", (app, month_of(day)))
        self._db.execute("DELETE FROM active WHERE app = ? AND day = ?", oldest)
        return self._db.execute("DELETE FROM daily WHERE app = ? AND day = ?", oldest).rowcount

    def _uses(self) -> int:
        """The days in which installations showed features, one feature after the other."""
        first = date_of(self.before)
        gone = (1 << first.month - 1) - 1
        cleared = "".join(f"m{month} = 0, " for month in range(1, first.month))
        cleared += f"m{first.month} = m{first.month} & ~{(1 << first.day - 1) - 1}"
        whose = "feature = ? AND year = ?"
        deleted = 0
        while not deleted:
            found = self._db.execute("SELECT min(id) FROM features WHERE id > ?", (self._feature,)).fetchone()[0]
            if found is None:
                return 0
            self._feature = found
            deleted = self._db.execute(
                "DELETE FROM uses WHERE feature = ? AND year > 1970 AND year < ?", (found, first.year)
            ).rowcount
            this = (found, first.year)
            deleted += self._db.execute(
                f"UPDATE uses SET {cleared}, months = months & ~{gone} WHERE {whose} AND months & {gone * 2 + 1}", this
            ).rowcount
            empty = f"{whose} AND months & {1 << first.month - 1} AND m{first.month} = 0"
            self._db.execute(f"UPDATE uses SET months = months & ~{1 << first.month - 1} WHERE {empty}", this)
            self._db.execute(f"DELETE FROM uses WHERE {whose} AND months = 0", this)
        return deleted

    def _events(self) -> int:
        old = self._db.execute(
            "SELECT id, person FROM events WHERE id >= ? AND id < ? LIMIT ?",
            (_edge(FIRST_DAY), _edge(self.before), STEP),
        ).fetchall()
        self._delete(old)
        return len(old)

    def _broken_clocks(self) -> int:
        """Events that happened on no real day are as old as their receipt; they are in the sums of no day."""
        found = []
        for ends, day in (("id < ?", FIRST_DAY), ("id >= ?", LAST_DAY + 1)):
            given = (_edge(day), self.before * MINUTES, STEP)
            found += self._db.execute(_BROKEN.replace("{}", ends), given).fetchall()
        sums, seen = Sums(self._names), set[tuple[int, int, int]]()
        for row, minute in map(row_of, found):
            kind = self._names.kind(row)
            sums.take(row, kind, 0, minute)
            seen.update([(kind.app, int(row.person), kind.version)] if row.person and row.name != LOSSES else [])
        sums.take_from(self._db)
        self._delete([(columns[1], columns[6]) for columns in found])
        for app, person, version in seen:
            if not self._db.execute(_OTHERS, (person, app, version, *_REAL, LOSSES)).fetchone():
                self._db.execute(_UNUSED, (app, person, version))
                self._db.execute(
                    "UPDATE active SET total = total - 1 WHERE (app, day, version) = (?,?,?)", (app, NO_DAY, version)
                )
        self._db.execute("DELETE FROM active WHERE day = ? AND total = 0", (NO_DAY,))
        return len(found)

    def _delete(self, events: Iterable[tuple[bytes, int | None]]) -> None:
        """Delete events, and of persons of whom nothing is left what is known of them."""
        gone = list(events)
        self._db.executemany("DELETE FROM events WHERE id = ?", [(identity,) for identity, _ in gone])
        for person in {person for _, person in gone if person is not None}:
            if not self._db.execute("SELECT 1 FROM events WHERE person = ? LIMIT 1", (person,)).fetchone():
                delete_person(self._db, person)
        self._names.unlearn()


def delete_person(db: sqlite3.Connection, person: int) -> None:
    """Delete what is known of a person whose events and sums are gone."""
    for table in ("uses", "firsts"):
        db.execute(f"DELETE FROM {table} WHERE feature IN (SELECT id FROM features) AND person = ?", (person,))
    db.execute("DELETE FROM arrivals WHERE app IN (SELECT DISTINCT app FROM features) AND person = ?", (person,))
    db.execute("DELETE FROM people WHERE id = ?", (person,))


def delete_unused_names(db: sqlite3.Connection) -> None:
    """Delete the shapes and features that nothing has any more. Names of versions and platforms stay: they are no one's."""
    db.execute("DELETE FROM shapes WHERE id NOT IN (SELECT shape FROM monthly)")
    db.execute("DELETE FROM features WHERE id NOT IN (SELECT feature FROM uses UNION SELECT feature FROM firsts)")


def _edge(day: int) -> bytes:
    """The smallest id of an event of a day or a later one."""
    return (day * DAY).to_bytes(6, "big")


_REAL = (FIRST_DAY * DAY, (LAST_DAY + 1) * DAY)
_BROKEN = WHOLE.format(person="person") + "WHERE e.{} AND received < ? LIMIT ?"
_OTHERS = """
SELECT 1 FROM events WHERE person = ? AND app = ? AND version = ? AND (time < ? OR time >= ?)
    AND name NOT IN (SELECT id FROM words WHERE word = ?) LIMIT 1
"""
_UNUSED = """
DELETE FROM uses WHERE feature IN (SELECT id FROM features WHERE app = ?) AND person = ? AND year = 1970 AND version = ?
"""
