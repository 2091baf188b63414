"""The repair of a store that an older receiver wrote: it kept losses events with any reason and any count.

Two such events were enough to make a sum of 64 bits overflow, and with it every answer about their app.
"""

import json
import sqlite3
from collections import Counter

from shipper.collector.stores.dimensions import LOSSES, bounded_losses, day_of, month_of
from shipper.collector.stores.sqlite_schema import SCHEMA_VERSION

#: The version of a file whose losses have no bounds yet.
UNBOUNDED_LOSSES = 2


def repair_losses(db: sqlite3.Connection) -> None:
    """Bound every losses event that is kept, and add its sums up anew; all or nothing. Takes one walk over the events."""
    db.execute("BEGIN IMMEDIATE")
    try:
        _repair(db)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _repair(db: sqlite3.Connection) -> None:
    shapes = "(SELECT id FROM shapes WHERE name = ?)"
    for table in ("daily", "monthly"):
        db.execute(f"DELETE FROM {table} WHERE shape IN {shapes}", (LOSSES,))
    db.execute("DELETE FROM shapes WHERE name = ?", (LOSSES,))
    sums: Counter[tuple[str, int, int, int, int, str]] = Counter()
    told = "SELECT id, app, time, version, ci, fields FROM events WHERE name = (SELECT id FROM words WHERE word = ?)"
    for identity, app, time, version, ci, fields in db.execute(told, (LOSSES,)).fetchall():
        counts = bounded_losses(json.loads(fields))
        db.execute("UPDATE events SET fields = ? WHERE id = ?", (json.dumps(counts, separators=(",", ":")), identity))
        day = day_of(time)
        for reason, count in counts.items():
            sums["daily", app, day, version, ci, reason] += count
            sums["monthly", app, month_of(day), version, ci, reason] += count
    numbers = {reason: _shape(db, reason) for reason in sorted({key[-1] for key in sums})}
    for (table, *key, reason), count in sums.items():
        db.execute(f"INSERT INTO {table} VALUES (?,?,?,?,?,?)", (*key, numbers[str(reason)], count))


def _shape(db: sqlite3.Connection, reason: str) -> int:
    labels = json.dumps((("reason", reason),), separators=(",", ":"))
    number = db.execute("INSERT INTO shapes (name, labels) VALUES (?, ?)", (LOSSES, labels)).lastrowid
    assert number is not None
    return number
