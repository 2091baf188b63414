"""`clickhouse://`: the HTTP interface of one server, of replicas, or of the servers of several shards."""

import time
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property, partial
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from shipper.collector.stores.clickhouse.reply import MAX_STATEMENT, MODERN_SETTINGS, table_of
from shipper.collector.stores.clickhouse.schema import TABLES
from shipper.collector.stores.store import StoreAway, StoreUnavailable
from shipper.errors import BadCall

#: Seconds for one statement. An insert of 10,000 rows takes a tenth of one; an answer over 1e9 events may take many.
STATEMENT_SECONDS = 120.0
#: Seconds for a connection: a host that is away must not hold a group up while another could take it.
CONNECT_SECONDS = 3.0
#: Seconds that the deletion of a person may take: a mutation rewrites every part that holds one of its events.
DELETE_SECONDS = 600.0
#: Seconds until a host surely knows of a mutation that it was told of: it reads its own order back from ZooKeeper, which
#: took longer than the question that followed where every core was busy.
MUTATION_SECONDS = 10.0
#: Seconds that a replica gets to fetch what it lacks before a refresh is put off. One fetches a group in well under one.
CATCH_UP_SECONDS = 20

#: What a server's table over all shards is named: `all_events`, beside its own `events`.
OVER_ALL = "all_"
#: The first major version with LowCardinality and DELETE in their present form.
MODERN = 23


class Cluster:
    """`clickhouse://[USER:PASSWORD@]HOST:PORT[,HOST:PORT...]/DATABASE[?replicated=1][&cluster=NAME]`: see Engine.

    The hosts are replicas of one shard, or with `cluster` the servers of all shards: which of them hold which shard is
    said by their own `remote_servers`, and any of them takes rows for all and answers for all.

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
        self._settings: dict[str, str] = {}
        login = {"X-ClickHouse-User": unquote(parts.username)} if parts.username else {}
        key = {"X-ClickHouse-Key": unquote(parts.password)} if parts.password else {}
        self._client = httpx.Client(
            headers=login | key, timeout=httpx.Timeout(STATEMENT_SECONDS, connect=CONNECT_SECONDS), trust_env=False
        )

    @cached_property
    def marks(self) -> bool:
        """See Engine.marks."""
        ((version,),) = table_of(self._anywhere("SELECT version() FORMAT JSONCompact", "", "default"))
        modern = int(version.split(".")[0]) >= MODERN
        if modern:
            self._settings.update(MODERN_SETTINGS)
        return modern

    @property
    def word(self) -> str:
        """See Engine.word. To 18.16 LowCardinality is an experiment."""
        return "LowCardinality(String)" if self.marks else "String"

    def query(self, statement: str) -> list[list[str]]:
        """See Engine.query."""
        return table_of(self._anywhere(statement + " FORMAT JSONCompact", ""))

    def do(self, statement: str, data: str = "") -> None:
        """See Engine.do."""
        self._anywhere(statement, data)

    def table(self, name: str) -> str:
        """See Engine.table."""
        return OVER_ALL + name if self._cluster else name

    def shards(self) -> "Sequence[Server]":
        """See Engine.shards."""
        found: dict[str, Server] = {}
        failure: StoreUnavailable | None = None
        for host in list(self._hosts):
            try:
                shard = self._shard_of(host)
            except StoreUnavailable as error:
                failure = error
                continue
            found.setdefault(shard, Server(partial(self._ask, host), self._replicated))
        if failure and (not found or (self._cluster and self._shards_known() > len(found))):
            raise failure
        return list(found.values())

    def _shard_of(self, host: str) -> str:
        """The number of a host's shard; a host that does not find itself in `remote_servers` stands for itself."""
        if not self._cluster:
            self._ask(host, "SELECT 1", "")
            return ""
        mine = f"SELECT shard_num FROM system.clusters WHERE cluster = '{self._cluster}' AND is_local"
        rows = table_of(self._ask(host, f"{mine} FORMAT JSONCompact", ""))
        return rows[0][0] if rows else host

    def _shards_known(self) -> int:
        ((shards,),) = self.query(f"SELECT uniqExact(shard_num) FROM system.clusters WHERE cluster = '{self._cluster}'")
        return int(shards)

    def make_engine(self, kind: str, table: str, version: str) -> str:
        """See Engine.make_engine. Replicated tables need the macros {shard} and {replica} on every server."""
        if not self._replicated:
            return f"{kind}({version})"
        path = f"/clickhouse/tables/{{shard}}/{self._database}/{table}"
        return f"Replicated{kind}('{path}', '{{replica}}'{', ' * bool(version)}{version})"

    def delete(self, table: str, where: str) -> None:
        """See Engine.delete. Of a cluster every host is told, since only they know who holds which shard."""
        statement = f"ALTER TABLE {table} DELETE WHERE {where}"
        if self.marks:
            statement = f"DELETE FROM {table} WHERE {where} SETTINGS lightweight_deletes_sync = 0"
        if self._cluster:
            told = self._everywhere([statement])
        else:
            self._anywhere(statement, "")
            told = self._hosts[:1]  # the one that answered last
        deadline = time.monotonic() + DELETE_SECONDS
        settled = time.monotonic() + MUTATION_SECONDS
        left = f"SELECT count() FROM {table} WHERE {where}"
        while (mutates := self._mutates(told)) or any(shard.query(left) != [["0"]] for shard in self.shards()):
            if time.monotonic() > deadline:
                raise StoreUnavailable("the deletion has not ended yet", "Ask again; it goes on by itself.")
            # A shard of which no host could be told, and rows that another receiver was just writing.
            if time.monotonic() > settled and not mutates:
                raise StoreUnavailable("the deletion did not reach everything", "Ask again.")
            time.sleep(0.1)

    def _mutates(self, hosts: Sequence[str]) -> bool:
        """Say whether one of some hosts has a deletion under way, as far as it knows already."""
        unfinished = f"SELECT count() FROM system.mutations WHERE database = '{self._database}' AND is_done = 0"
        return any(table_of(self._ask(host, f"{unfinished} FORMAT JSONCompact", "")) != [["0"]] for host in hosts)

    def prepare(self, statements: Sequence[str]) -> None:
        """See Engine.prepare. Every host that answers gets the tables; one is enough to start."""
        over_all = [
            f"CREATE TABLE IF NOT EXISTS {self.table(name)} AS {name}"
            f" ENGINE = Distributed({self._cluster}, {self._database}, {name}, cityHash64({table.shard}))"
            for name, table in TABLES.items()
            if self._cluster and table.shard
        ]
        self._everywhere([f"CREATE DATABASE IF NOT EXISTS {self._database}"], database="default")
        self._everywhere([*statements, *over_all])

    def columns(self) -> list[dict[str, set[str]]]:
        """See Engine.columns."""
        asked = f"SELECT table, name FROM system.columns WHERE database = '{self._database}' FORMAT JSONCompact"
        servers = []
        for host in list(self._hosts):
            found: dict[str, set[str]] = defaultdict(set)
            try:
                for table, column in table_of(self._ask(host, asked, "", "default")):
                    found[table].add(column)
            except StoreUnavailable:
                continue
            servers.append(found)
        return servers

    def close(self) -> None:
        """See Engine.close."""
        self._client.close()

    def _everywhere(self, statements: Sequence[str], database: str = "") -> list[str]:
        """Run statements on every host, and return those that did all; raises StoreUnavailable when there is none."""
        done = []
        for host in list(self._hosts):
            try:
                for statement in statements:
                    self._ask(host, statement, "", database)
                done.append(host)
            except StoreUnavailable as error:
                failure = error
        if not done:
            raise failure
        return done

    def _anywhere(self, statement: str, data: str, database: str = "") -> str:
        for host in list(self._hosts):
            try:
                return self._ask(host, statement, data, database)
            except StoreUnavailable as error:
                failure = error
                # The next statement begins with the next host. Rotating is harmless when another thread did it too.
                self._hosts = [*(other for other in self._hosts if other != host), host]
        raise failure

    def _ask(self, host: str, statement: str, data: str, database: str = "") -> str:
        params = self._settings | {
            "database": database or self._database,
            "max_query_size": str(MAX_STATEMENT),
            # A block that comes again goes through the views again: its first try may have died before them.
            "insert_deduplicate": "0",
            # Through a table over all shards it returns when every shard has its rows, not when they are queued.
            "insert_distributed_sync": "1",
            "receive_timeout": str(CATCH_UP_SECONDS if statement.startswith("SYSTEM SYNC") else int(STATEMENT_SECONDS)),
        }
        body: str | bytes = statement
        if data:
            params["query"], body = statement, data
        try:
            reply = self._client.post(host, params=params, content=body.encode() if isinstance(body, str) else body)
        except httpx.HTTPError as error:
            raise StoreAway(f"{host} does not answer: {type(error).__name__}", "Is it running?") from error
        # A read-only table, a lost ZooKeeper, a full disk: all are a 500, and all pass.
        if reply.status_code != 200:
            raise StoreUnavailable(f"{host} refuses: {reply.text[:300]}", "Look at the server's log.")
        return reply.text


class Server:
    """One host of a cluster; see Shard."""

    def __init__(self, ask: "partial[str]", replicated: bool) -> None:
        self._ask = ask
        self._replicated = replicated

    def query(self, statement: str) -> list[list[str]]:
        """See Shard.query."""
        return table_of(self._ask(statement + " FORMAT JSONCompact", ""))

    def read(self, statement: str) -> str:
        """See Shard.read."""
        return self._ask(statement + " FORMAT TabSeparated", "")

    def do(self, statement: str, data: str = "") -> None:
        """See Shard.do."""
        self._ask(statement, data)

    def catch_up(self, *tables: str) -> None:
        """See Shard.catch_up."""
        for table in tables if self._replicated else ():
            self._ask(f"SYSTEM SYNC REPLICA {table}", "")


def redacted(address: str) -> str:
    """An address without its password, for messages."""
    head, at, tail = address.rpartition("@")
    return f"{head.partition('://')[0]}://...{at}{tail}" if at else address
