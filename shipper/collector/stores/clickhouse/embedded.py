"""`chdb:DIR`: ClickHouse's engine in this process, its files in a folder. One process at a time can have it open."""

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from shipper.collector.stores.clickhouse.reply import MAX_STATEMENT, MODERN_SETTINGS, table_of
from shipper.collector.stores.store import StoreUnavailable
from shipper.errors import ShipperError


class Embedded:
    """See Engine. It is its own only shard."""

    word = "LowCardinality(String)"
    marks = True

    def __init__(self, folder: str) -> None:
        try:
            from chdb import session
        except ImportError:
            raise ShipperError(
                "the store chdb: needs the package chdb", "Install it: pip install 'event-shipper[chdb]'"
            ) from None
        os.makedirs(folder, mode=0o700, exist_ok=True)
        # The engine is one per process and its session is not made for threads.
        self._lock = threading.Lock()
        make: Any = session.Session  # the package has no types
        self._session: Any = self._guarded(lambda: make(os.path.join(folder, "chdb")))
        self.do("CREATE DATABASE IF NOT EXISTS shipper")
        self.do("USE shipper")
        self.do(f"SET max_query_size = {MAX_STATEMENT}, max_threads = 1")  # the other cores are the receiver's
        for name, value in MODERN_SETTINGS.items():
            self.do(f"SET {name} = {value}")

    def query(self, statement: str) -> list[list[str]]:
        """See Engine.query."""
        return table_of(self._guarded(lambda: str(self._session.query(statement, "JSONCompact").data())))

    def read(self, statement: str) -> str:
        """See Shard.read."""
        return str(self._guarded(lambda: str(self._session.query(statement, "TabSeparated").data())))

    def do(self, statement: str, data: str = "") -> None:
        """See Engine.do."""
        self._guarded(lambda: self._session.query(f"{statement}\n{data}" if data else statement))

    def table(self, name: str) -> str:
        """See Engine.table."""
        return name

    def shards(self) -> "Sequence[Embedded]":
        """See Engine.shards."""
        return [self]

    def catch_up(self, *tables: str) -> None:
        """See Shard.catch_up."""

    def make_engine(self, kind: str, table: str, version: str) -> str:  # noqa: ARG002 - the same for every table
        """See Engine.make_engine."""
        return f"{kind}({version})"

    def delete(self, table: str, where: str) -> None:
        """See Engine.delete."""
        self.do(f"DELETE FROM {table} WHERE {where} SETTINGS lightweight_deletes_sync = 1")

    def prepare(self, statements: Sequence[str]) -> None:
        """See Engine.prepare."""
        for statement in statements:
            self.do(statement)

    def columns(self) -> list[dict[str, set[str]]]:
        """See Engine.columns."""
        found: dict[str, set[str]] = defaultdict(set)
        for table, column in self.query("SELECT table, name FROM system.columns WHERE database = 'shipper'"):
            found[table].add(column)
        return [found]

    def close(self) -> None:
        """See Engine.close."""
        with self._lock:
            self._session.close()

    def _guarded(self, work: Callable[[], Any]) -> Any:
        try:
            with self._lock:
                return work()
        except Exception as error:  # the engine raises RuntimeError, and whatever its binding makes of the rest
            raise StoreUnavailable(f"the engine refuses: {str(error)[:300]}") from error
