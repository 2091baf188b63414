"""What a deletion leaves behind in SQLite is removed too: names that only the person had, the log, and free pages."""

import sqlite3
from collections.abc import Iterable

from shipper.collector.stores.sqlite_sums import Kind


def forget_names(db: sqlite3.Connection, kinds: Iterable[Kind]) -> None:
    """Delete the names that only these kinds of events had, after the events and their sums are gone."""
    gone = list(kinds)
    for shape in {shape for kind in gone for shape, _ in kind.shapes}:
        if not _any(db, "monthly", "shape", shape):
            db.execute("DELETE FROM shapes WHERE id = ?", (shape,))
    for feature in {feature for kind in gone for feature in (*kind.features, kind.command) if feature}:
        if not _any(db, "uses", "feature", feature) and not _any(db, "firsts", "feature", feature):
            db.execute("DELETE FROM features WHERE id = ?", (feature,))
    for column in ("app", "version", "name", "os", "arch", "runtime", "agent"):
        for word in {getattr(kind, column) for kind in gone}:
            # A name that others have is found at once; only for one that is gone are all events read.
            if not any(_any(db, "events", other, word) for other in _WORDS):
                db.execute("DELETE FROM words WHERE id = ?", (word,))


_WORDS = ("version", "name", "os", "arch", "runtime", "app", "agent")


def _any(db: sqlite3.Connection, table: str, column: str, number: int) -> bool:
    return db.execute(f"SELECT 1 FROM {table} WHERE {column} = ? LIMIT 1", (number,)).fetchone() is not None


def merge_log(db: sqlite3.Connection) -> None:
    """Bring the log into the file and empty it; while somebody reads an old state it stays until the next time."""
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
