"""The repair of a store that an older receiver wrote, from the events that it kept; all or nothing.

Version 2 kept losses events with any reason and any count: two of them were enough to make a sum of 64 bits overflow,
and with it every answer about their app. Version 3 did not know when an installation was first seen, nor what came
without an id. Version 4 did not say in one number in which months of a year an installation was seen.
"""

import json
import sqlite3
from collections import Counter

from shipper.collector.stores.dimensions import (
    FIRST_DAY,
    LAST_DAY,
    LOSSES,
    ORIGIN,
    bounded_losses,
    day_of,
    label_of,
    month_of,
)
from shipper.collector.stores.sqlite_schema import ARRIVALS, SCHEMA_VERSION

#: The version of a file whose losses have no bounds yet, the last one without arrivals, and the last one without months.
UNBOUNDED_LOSSES, WITHOUT_ARRIVALS, WITHOUT_MONTHS = 2, 3, 4

_Sums = Counter[tuple[int, int, int, int, str]]
"""App, day, version, CI, and the labels of a shape as JSON."""


def repair(db: sqlite3.Connection, version: int) -> None:
    """Bring a file of an older version up to date, in one walk over its events."""
    db.execute("BEGIN IMMEDIATE")
    try:
        if version == UNBOUNDED_LOSSES:
            _bound_losses(db)
        if version <= WITHOUT_ARRIVALS:
            _add_arrivals(db)
        _add_months(db)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _bound_losses(db: sqlite3.Connection) -> None:
    shapes = "(SELECT id FROM shapes WHERE name = ?)"
    for table in ("daily", "monthly"):
        db.execute(f"DELETE FROM {table} WHERE shape IN {shapes}", (LOSSES,))
    db.execute("DELETE FROM shapes WHERE name = ?", (LOSSES,))
    sums: _Sums = Counter()
    told = "SELECT id, app, time, version, ci, fields FROM events WHERE name = (SELECT id FROM words WHERE word = ?)"
    for identity, app, time, version, ci, fields in db.execute(told, (LOSSES,)).fetchall():
        counts = bounded_losses(json.loads(fields))
        db.execute("UPDATE events SET fields = ? WHERE id = ?", (json.dumps(counts, separators=(",", ":")), identity))
        for reason, count in counts.items():
            sums[app, day_of(time), version, ci, _labels(reason=reason)] += count
    _add(db, LOSSES, sums)


def _add_arrivals(db: sqlite3.Connection) -> None:
    nobody = db.execute(
        "INSERT INTO words (word) VALUES ('') ON CONFLICT DO UPDATE SET word = '' RETURNING id"
    ).fetchone()
    if "agent" not in {column[1] for column in db.execute("PRAGMA table_info(events)")}:
        db.execute(f"ALTER TABLE events ADD COLUMN agent INTEGER NOT NULL DEFAULT {nobody[0]}")
    for statement in ARRIVALS:
        db.execute(statement)
    db.execute(
        "INSERT OR REPLACE INTO arrivals SELECT app, person, min(time / 86400000) FROM events WHERE person IS NOT NULL"
        f" AND time / 86400000 BETWEEN {FIRST_DAY} AND {LAST_DAY} GROUP BY app, person"
    )
    sums: _Sums = Counter()
    told = "SELECT app, time, version, ci, word FROM events JOIN words ON words.id = name WHERE person IS NULL AND word <> ?"
    for app, time, version, ci, name in db.execute(told, (LOSSES,)):
        sums[app, day_of(time), version, ci, _labels(event=name, ci=label_of(bool(ci)), agent="", id="false")] += 1
    db.execute("DELETE FROM daily WHERE shape IN (SELECT id FROM shapes WHERE name = ?)", (ORIGIN,))
    db.execute("DELETE FROM monthly WHERE shape IN (SELECT id FROM shapes WHERE name = ?)", (ORIGIN,))
    _add(db, ORIGIN, sums)


def _add_months(db: sqlite3.Connection) -> None:
    if "months" in {column[1] for column in db.execute("PRAGMA table_info(uses)")}:
        return
    db.execute("ALTER TABLE uses ADD COLUMN months INTEGER NOT NULL DEFAULT 0")
    db.execute(f"UPDATE uses SET months = {' | '.join(f'((m{month} != 0) << {month - 1})' for month in range(1, 13))}")


def _labels(**labels: str) -> str:
    return json.dumps(tuple(labels.items()), separators=(",", ":"))


def _add(db: sqlite3.Connection, name: str, sums: _Sums) -> None:
    for (app, day, version, ci, labels), count in sums.items():
        db.execute("INSERT OR IGNORE INTO shapes (name, labels) VALUES (?, ?)", (name, labels))
        ((shape,),) = db.execute("SELECT id FROM shapes WHERE name = ? AND labels = ?", (name, labels))
        for table, period in (("daily", day), ("monthly", month_of(day))):
            db.execute(
                f"INSERT INTO {table} VALUES (?,?,?,?,?,?) ON CONFLICT DO UPDATE SET total = total + excluded.total",
                (app, period, version, ci, shape, count),
            )
