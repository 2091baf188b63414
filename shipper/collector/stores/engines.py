"""The two ways to a ClickHouse: a cluster's HTTP interface, and the engine in this process."""

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from shipper.collector.stores.store import StoreAway, StoreUnavailable
from shipper.errors import BadCall, ShipperError

#: Seconds for one statement. An insert of 10,000 rows takes a tenth of one; an answer over 1e9 events may take many.
STATEMENT_SECONDS = 120.0
#: Seconds for a connection: a host that is away must not hold a group up while another could take it.
CONNECT_SECONDS = 3.0
#: Seconds that the deletion of a person may take: a mutation rewrites every part that holds one of its events.
DELETE_SECONDS = 600.0
#: Seconds until a host surely knows of a mutation that it was told of: it reads its own order back from ZooKeeper, which
#: took longer than the question that followed where every core was busy.
MUTATION_SECONDS = 10.0


#: By what a table is cut into shards: a hash of what names a row, never chance, or a row that is sent again would land
#: on another shard and count twice.
SHARDED_BY = {"events": "id", "forgotten": "person"}
#: What a server's table over all shards is named: `all_events`, beside its own `events`.
OVER_ALL = "all_"


class Cluster:
    """`clickhouse://[USER:PASSWORD@]HOST:PORT[,HOST:PORT...]/DATABASE[?replicated=1][&cluster=NAME]`: one table.

    The hosts are replicas of it, or with `cluster` the servers of all its shards: which of them hold which shard is said
    by their own `remote_servers`, and any of them takes rows for all and answers for all.

    A statement goes to the host that answered last; when that one fails, to the next. An INSERT whose reply was lost
    may so be done twice, on two hosts, and its events are counted once.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        options = dict(parse_qsl(parts.query))
        hosts = parts.netloc.rpartition("@")[2]
        self._database = parts.path.strip("/")
        self._cluster = options.get("cluster", "")
        well = not options.keys() - {"replicated", "cluster"} and (self._cluster or "name").isidentifier()
        if not hosts or not self._database or not self._database.isidentifier() or not well:
            raise BadCall(f"{redacted(address)} is no store", "For example clickhouse://127.0.0.1:8123/telemetry")
        self._hosts = [f"http://{host}" for host in hosts.split(",")]
        self._replicated = options.get("replicated", "0") == "1"
        login = {"X-ClickHouse-User": unquote(parts.username)} if parts.username else {}
        key = {"X-ClickHouse-Key": unquote(parts.password)} if parts.password else {}
        self._client = httpx.Client(
            headers=login | key, timeout=httpx.Timeout(STATEMENT_SECONDS, connect=CONNECT_SECONDS), trust_env=False
        )

    def query(self, statement: str) -> list[list[str]]:
        """See Engine.query."""
        return _table(self._anywhere(statement + " FORMAT JSONCompact", ""))

    def do(self, statement: str, data: str = "") -> None:
        """See Engine.do."""
        self._anywhere(statement, data)

    def table(self, name: str) -> str:
        """See Engine.table."""
        return OVER_ALL + name if self._cluster else name

    def engine(self, table: str, version: str) -> str:
        """See Engine.engine. Replicated tables need the macros {shard} and {replica} on every server."""
        if not self._replicated:
            return f"ReplacingMergeTree({version})"
        path = f"/clickhouse/tables/{{shard}}/{self._database}/{table}"
        return f"ReplicatedReplacingMergeTree('{path}', '{{replica}}', {version})"

    def delete(self, where: str) -> None:
        """See Engine.delete. Of a cluster every host is told, since only they know who holds which shard."""
        statement = f"ALTER TABLE events DELETE WHERE {where}"
        if self._cluster:
            told = self._everywhere([statement])
        else:
            self._anywhere(statement, "")
            told = self._hosts[:1]  # the one that answered last
        deadline = time.monotonic() + DELETE_SECONDS
        settled = time.monotonic() + MUTATION_SECONDS
        left = f"SELECT count() FROM {self.table('events')} WHERE {where}"
        while (mutates := self._mutates(told)) or self.query(left) != [["0"]]:
            if time.monotonic() > deadline:
                raise StoreUnavailable("the deletion has not ended yet", "Ask again; it goes on by itself.")
            # A shard of which no host could be told, and rows that another receiver was just writing.
            if time.monotonic() > settled and not mutates:
                raise StoreUnavailable("the deletion did not reach everything", "Ask again.")
            time.sleep(0.1)

    def _mutates(self, hosts: Sequence[str]) -> bool:
        """Say whether one of some hosts has a deletion under way, as far as it knows already."""
        unfinished = f"SELECT count() FROM system.mutations WHERE database = '{self._database}' AND is_done = 0"
        return any(_table(self._ask(host, f"{unfinished} FORMAT JSONCompact", "")) != [["0"]] for host in hosts)

    def prepare(self, statements: Sequence[str]) -> None:
        """See Engine.prepare. Every host that answers gets the tables; one is enough to start."""
        over_all = [
            f"CREATE TABLE IF NOT EXISTS {self.table(table)} AS {table}"
            f" ENGINE = Distributed({self._cluster}, {self._database}, {table}, cityHash64(toString({key})))"
            for table, key in SHARDED_BY.items()
            if self._cluster
        ]
        self._everywhere([f"CREATE DATABASE IF NOT EXISTS {self._database}"], database="default")
        self._everywhere([*statements, *over_all])

    def _everywhere(self, statements: Sequence[str], database: str = "") -> list[str]:
        """Run statements on every host, and return those that did all; raises StoreUnavailable when there is none."""
        done = []
        for host in self._hosts:
            try:
                for statement in statements:
                    self._ask(host, statement, "", database)
                done.append(host)
            except StoreUnavailable as error:
                failure = error
        if not done:
            raise failure
        return done

    def close(self) -> None:
        """See Engine.close."""
        self._client.close()

    def _anywhere(self, statement: str, data: str) -> str:
        for host in list(self._hosts):
            try:
                return self._ask(host, statement, data)
            except StoreUnavailable as error:
                failure = error
                # The next statement begins with the next host. Rotating is harmless when another thread did it too.
                self._hosts = [*(other for other in self._hosts if other != host), host]
        raise failure

    def _ask(self, host: str, statement: str, data: str, database: str = "") -> str:
        params = {"database": database or self._database}
        body: str | bytes = statement
        if data:
            params["query"], body = statement, data
            # Through a table over all shards it returns when every shard has its rows, not when they are queued.
            params["insert_distributed_sync"] = "1"
        try:
            reply = self._client.post(host, params=params, content=body.encode() if isinstance(body, str) else body)
        except httpx.HTTPError as error:
            raise StoreAway(f"{host} does not answer: {type(error).__name__}", "Is it running?") from error
        # A read-only table, a lost ZooKeeper, a full disk: all are a 500, and all pass.
        if reply.status_code != 200:
            raise StoreUnavailable(f"{host} refuses: {reply.text[:300]}", "Look at the server's log.")
        return reply.text


class Embedded:
    """`chdb:DIR`: the same engine in this process, its files in a folder. One process at a time can have it open."""

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

    def query(self, statement: str) -> list[list[str]]:
        """See Engine.query."""
        return _table(self._guarded(lambda: str(self._session.query(statement, "JSONCompact").data())))

    def do(self, statement: str, data: str = "") -> None:
        """See Engine.do."""
        self._guarded(lambda: self._session.query(f"{statement}\n{data}" if data else statement))

    def table(self, name: str) -> str:
        """See Engine.table."""
        return name

    def engine(self, table: str, version: str) -> str:  # noqa: ARG002 - the same for every table
        """See Engine.engine."""
        return f"ReplacingMergeTree({version})"

    def delete(self, where: str) -> None:
        """See Engine.delete."""
        self.do(f"ALTER TABLE events DELETE WHERE {where} SETTINGS mutations_sync = 1")

    def prepare(self, statements: Sequence[str]) -> None:
        """See Engine.prepare."""
        for statement in statements:
            self.do(statement)

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


def _table(reply: str) -> list[list[str]]:
    """Read JSONCompact. 64-bit numbers come as strings from some versions and as numbers from others."""
    return [[str(cell) for cell in row] for row in json.loads(reply)["data"]]


def redacted(address: str) -> str:
    """An address without its password, for messages."""
    head, at, tail = address.rpartition("@")
    return f"{head.partition('://')[0]}://...{at}{tail}" if at else address
