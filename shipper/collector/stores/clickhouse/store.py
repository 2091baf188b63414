"""The writing side: rows go in, people are deleted, sums are kept fresh."""

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

from shipper.collector.stores.clickhouse.answers import ClickHouseAnswers
from shipper.collector.stores.clickhouse.counts import days_to_refresh, refresh_days, refresh_months
from shipper.collector.stores.clickhouse.deletion import delete_people
from shipper.collector.stores.clickhouse.dialect import line, people_literal, texts
from shipper.collector.stores.clickhouse.engine import Engine
from shipper.collector.stores.clickhouse.erasure import erase_shares
from shipper.collector.stores.clickhouse.maintenance import drop_broken_clocks, drop_months, purge, rebuild_month
from shipper.collector.stores.clickhouse.schema import SENT, TABLES, columns_of, table_statements, view_statements
from shipper.collector.stores.store import Receipt, Row
from shipper.errors import ShipperError

#: People that one look-up among the forgotten asks for.
LOOKUP = 5000
#: Seconds for which every refresh looks for rows of deleted people that were just being written when they were deleted.
SWEPT = 3600


class ClickHouseStore(ClickHouseAnswers):
    """See Store. It cannot tell a duplicate at once, so it counts each as accepted; answers count each event once.

    With `upkeep` a thread of its own refreshes the sums, as a receiver needs it. Raises ShipperError for tables of another
    version of shipper.
    """

    one_writer = False

    def __init__(self, engine: Engine, *, upkeep: bool = False) -> None:
        super().__init__(engine)
        try:
            self._make_tables()
        except BaseException:
            engine.close()
            raise
        self._upkeep = Upkeep(self) if upkeep else None

    def _make_tables(self) -> None:
        engine = self._engine
        for found in engine.columns():
            self._refuse_others(found)
        engine.prepare([*table_statements(engine.make_engine, engine.word), *view_statements()])

    @staticmethod
    def _refuse_others(found: dict[str, set[str]]) -> None:
        for table in TABLES:
            if table in found and found[table] != columns_of(table):
                raise ShipperError(
                    f"the table {table} was made by another version of shipper",
                    "Update shipper, or name another store.",
                )

    def add(self, groups: Sequence[Sequence[Row]], received_at: int) -> list[Receipt]:
        """See Store.add."""
        forgotten = self._forgotten({row.person for rows in groups for row in rows if row.person})
        minute = received_at // 60
        lines = [line(row, minute) for rows in groups for row in rows if row.person not in forgotten]
        if lines:
            events = self._engine.table("events")
            self._engine.do(f"INSERT INTO {events} ({', '.join(SENT)}) FORMAT TabSeparated", "".join(lines))
        return [Receipt(len(rows), 0) for rows in groups]

    def _forgotten(self, people: Iterable[str]) -> set[str]:
        wanted = sorted(people)
        found: set[str] = set()
        for start in range(0, len(wanted), LOOKUP):
            some = texts(wanted[start : start + LOOKUP])
            rows = self._engine.query(f"SELECT person FROM {self._engine.table('forgotten')} WHERE person IN ({some})")
            found.update(person for (person,) in rows)
        return found

    def forget(self, people: Sequence[str]) -> list[int]:
        """See Store.forget."""
        # First remembered, then deleted: what arrives in between is dropped, or deleted with the rest.
        forgotten = f"INSERT INTO {self._engine.table('forgotten')} (person, since) FORMAT TabSeparated"
        now = int(time.time())
        self._engine.do(forgotten, "".join(f"{person}\t{now}\n" for person in people))
        deleted = delete_people(self._engine, people)
        return [deleted[person] for person in people]

    def refresh(self) -> int:
        """Bring every sum up to date, and return how many days had to be worked out again.

        Raises StoreUnavailable; what was done until then stands.
        """
        refreshed = 0
        for shard in self._engine.shards():
            days = days_to_refresh(shard)
            refresh_days(shard, days, int(time.time()))
            refresh_months(shard)
            refreshed += len(days)
            if self._engine.marks:
                purge(shard)
        self._sweep()
        now = int(time.time())
        erase_shares(self._engine, now - SWEPT, now)
        return refreshed

    def _sweep(self) -> None:
        """Delete what of forgotten people was just being written by another receiver when they were deleted."""
        engine = self._engine
        since = int(time.time()) - SWEPT
        people = [
            who for (who,) in engine.query(f"SELECT person FROM {engine.table('forgotten')} WHERE since > {since}")
        ]
        if people:
            left = f"SELECT who FROM lives WHERE who IN ({people_literal(people)}) LIMIT 1"
            if any(shard.query(left) for shard in engine.shards()):
                delete_people(engine, people)

    def rebuild(self, month: int) -> None:
        """Work out the sums of a month, as in 202611, from its events once more; see `maintenance.rebuild_month`."""
        for shard in self._engine.shards():
            rebuild_month(shard, month)
        self.refresh()

    def expire(self, before: int) -> int:
        """See Store.expire."""
        return len(drop_months(self._engine, before)) or drop_broken_clocks(self._engine, before)

    def oldest(self) -> int:
        """See Store.oldest. A month that was dropped may come again: it is dropped again."""
        return 0

    def close(self) -> None:
        """See Store.close."""
        if self._upkeep:
            self._upkeep.close()
        self._engine.close()


class Upkeep:
    """A thread that keeps a store's sums fresh until `close`, while it costs at most a tenth of the time."""

    #: Seconds between two looks, and how many times as long as the last one took it waits at least.
    PAUSE, REST = 60.0, 10

    def __init__(self, store: ClickHouseStore) -> None:
        self._store = store
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        took = 0.0
        while not self._over.wait(max(self.PAUSE, self.REST * took)):
            started = time.monotonic()
            with suppress(ShipperError):  # a server is away, and the days stay as they are until it is back
                self._store.refresh()
            took = time.monotonic() - started

    def close(self) -> None:
        """Return when the thread has ended; a statement that is under way is waited for."""
        self._over.set()
        self._thread.join()
