"""The embedded store: one SQLite file, one writer, any number of readers.

Each event is kept whole, and in the same transaction everything that answers count is added up (`Sums`), so that
answers read the sums and do not slow with the years. WAL with synchronous FULL: when `add` returns, the rows survive a
power cut.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from filelock import FileLock, Timeout

from shipper.collector.stores.dimensions import NO_DAY, day_of
from shipper.collector.stores.sqlite_answers import SqliteAnswers
from shipper.collector.stores.sqlite_expiry import EXPIRED, Expiry, delete_person, delete_unused_names, expired_before
from shipper.collector.stores.sqlite_forgetting import forget_names, merge_log
from shipper.collector.stores.sqlite_repair import UNBOUNDED_LOSSES, repair
from shipper.collector.stores.sqlite_rows import OF_PERSON, row_of
from shipper.collector.stores.sqlite_schema import SCHEMA, SCHEMA_VERSION
from shipper.collector.stores.sqlite_sums import Kind, Names, Sums
from shipper.collector.stores.store import Receipt, Row, StoreTaken, StoreUnavailable, Value
from shipper.errors import ShipperError

#: The store's file in its folder.
FILE = "events.sqlite"
#: Ids that one look-up asks for: well under SQLite's bound on variables.
LOOKUP = 1000
#: Seconds that the writer waits for a reader's checkpoint to end.
BUSY_SECONDS = 5.0


class SqliteStore(SqliteAnswers):
    """Opens or makes the store in a folder, and holds it against a second writer until `close`.

    Raises StoreTaken when another receiver has it, and ShipperError when the file is of another version.
    """

    one_writer = True

    def __init__(self, folder: str) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        super().__init__(os.path.join(folder, FILE))
        self._lock = FileLock(os.path.join(folder, "writer.lock"), mode=0o600, fallback_to_soft=False)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise StoreTaken(
                f"another receiver writes to {folder}", "Stop it, or give this one another folder with --data."
            ) from None
        self._db = _open(self.path)
        self._names = Names(self._db)
        self._expiry: Expiry | None = None
        self._oldest = expired_before(self._db)
        self._forgotten = {person.hex() for (person,) in self._db.execute("SELECT person FROM forgotten")}

    def add(self, groups: Sequence[Sequence[Row]], received_at: int) -> list[Receipt]:
        """See Store.add."""
        with self._transaction():
            receipts, fresh = self._sift(groups)
            minute = received_at // 60
            sums = Sums(self._names)
            columns = []
            for row in fresh:
                kind = self._names.kind(row)
                person = self._names.person(row.person) if row.person else 0
                sums.take(row, kind, person, minute)
                columns.append(_columns(row, kind, person, minute))
            self._db.executemany("INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", columns)
            sums.add_to(self._db)
        return receipts

    def _sift(self, groups: Sequence[Sequence[Row]]) -> tuple[list[Receipt], list[Row]]:
        """Tell new rows from known ones: an id that stands twice in the same transaction is new once."""
        known = self._known({row.id for rows in groups for row in rows})
        receipts, fresh = [], []
        for rows in groups:
            duplicate = 0
            for row in rows:
                if row.id in known:
                    duplicate += 1
                    continue
                known.add(row.id)
                if row.person not in self._forgotten and not NO_DAY < day_of(row.time) < self._oldest:
                    fresh.append(row)
            receipts.append(Receipt(len(rows) - duplicate, duplicate))
        return receipts, fresh

    def _known(self, ids: Iterable[bytes]) -> set[bytes]:
        wanted = list(ids)
        known: set[bytes] = set()
        for start in range(0, len(wanted), LOOKUP):
            some = wanted[start : start + LOOKUP]
            marks = ",".join("?" * len(some))
            known.update(found for (found,) in self._db.execute(f"SELECT id FROM events WHERE id IN ({marks})", some))
        return known

    def forget(self, people: Sequence[str]) -> list[int]:
        """See Store.forget."""
        with self._transaction():
            gone = [self._forget(person) for person in people]
        self._forgotten.update(people)
        self._names.unlearn()
        merge_log(self._db)
        return gone

    def _forget(self, person: str) -> int:
        number = self._names.person(person)
        rows = self._db.execute(OF_PERSON, (person, bytes.fromhex(person))).fetchall()
        sums, kinds = Sums(self._names), set()
        for row, minute in map(row_of, rows):
            kind = self._names.kind(row)
            kinds.add(kind)
            if not NO_DAY < day_of(row.time) < self._oldest:  # which are in no sum any more
                sums.take(row, kind, number, minute)
        sums.take_from(self._db)
        self._db.execute("DELETE FROM events WHERE person = ?", (number,))
        delete_person(self._db, number)
        forget_names(self._db, kinds)
        self._db.execute("INSERT OR IGNORE INTO forgotten VALUES (?)", (bytes.fromhex(person),))
        return len(rows)

    def expire(self, before: int) -> int:
        """See Store.expire."""
        if self._expiry is None or self._expiry.before != before:
            self._expiry = Expiry(self._db, self._names, before)
        expiry, self._expiry = self._expiry, None
        with self._transaction():
            gone = expiry.step()
            if not gone and expiry.deleted:
                delete_unused_names(self._db)
        if not gone and expiry.deleted:
            self._names.unlearn()
            merge_log(self._db)
        expiry.deleted = gone > 0
        self._expiry, self._oldest = expiry, max(self._oldest, before)
        return gone

    def oldest(self) -> int:
        """See Store.oldest."""
        return self._oldest

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """One commit or none. What was learnt about names in a transaction that failed is unlearnt."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            self._names.unlearn()
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise StoreUnavailable(f"the store cannot write: {error}", "Look at its disk.") from error
            raise

    def close(self) -> None:
        """See Store.close."""
        self._db.close()
        self._lock.release()


def _encode(fields: Mapping[str, Value]) -> str:
    """Fields as JSON, by hand, since json would cost as much as the whole insert: names and labels need no escaping."""
    parts = [
        f'"{key}":"{value}"' if isinstance(value, str) else f'"{key}":{str(value).lower()}'
        for key, value in fields.items()
    ]
    return "{" + ",".join(parts) + "}"


def _columns(row: Row, kind: Kind, person: int, minute: int) -> tuple[object, ...]:
    """A row of the table `events`."""
    whose = person or None
    where = (kind.os, kind.arch, row.cpus, kind.runtime)
    return (
        row.id, row.time, minute, kind.app, kind.version, kind.name, whose, row.session, row.ci, *where,
        _encode(row.fields), kind.agent,
    )  # fmt: skip


def _open(path: str) -> sqlite3.Connection:
    """Open the file for its one writer. Only `SqliteStore` uses the connection, from one thread at a time."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA secure_delete = ON")  # what was deleted does not stand in free pages
    db.execute("PRAGMA cache_size = -65536")  # 64 MiB: the hot ends of the trees
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if UNBOUNDED_LOSSES <= version < SCHEMA_VERSION:
        repair(db, version)
    elif version == 0:
        db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
    elif version != SCHEMA_VERSION:
        db.close()
        raise ShipperError(
            f"{path} was written by another version of shipper", "Update shipper, or use another --data."
        )
    db.execute(EXPIRED)
    return db
