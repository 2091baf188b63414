"""What the store needs of a ClickHouse, wherever it runs."""

from collections.abc import Sequence
from typing import Protocol


class Shard(Protocol):
    """One server's own tables. Both ways of asking raise StoreUnavailable, and then a statement may or may not be done."""

    def query(self, statement: str) -> list[list[str]]:
        """Run a SELECT and return its rows as text."""

    def read(self, statement: str) -> str:
        """Run a SELECT and return its rows as tab-separated lines, as `do` takes them."""

    def do(self, statement: str, data: str = "") -> None:
        """Run a statement; `data` are tab-separated rows for an INSERT."""

    def catch_up(self, *tables: str) -> None:
        """Return when the server has all rows of some tables that any replica had when it was asked."""


class Engine(Protocol):
    """A way to a ClickHouse. Its `query` and `do` are about all shards: they name tables by `table`.

    Only `events` and `forgotten` have a table over all shards, since rows of these are given to it; answers ask each shard.
    """

    @property
    def word(self) -> str:
        """The type for text of which there are few different ones."""

    def query(self, statement: str) -> list[list[str]]:
        """See Shard.query."""

    def do(self, statement: str, data: str = "") -> None:
        """See Shard.do."""

    def table(self, name: str) -> str:
        """Name the table over all shards that stands for `events` or `forgotten`."""

    @property
    def marks(self) -> bool:
        """Whether `delete` marks rows, which stay on the disk until they are purged, or writes their parts again."""

    def shards(self) -> Sequence[Shard]:
        """One server of each shard. Raises StoreUnavailable while a shard has none that answers."""

    def make_engine(self, kind: str, table: str, version: str) -> str:
        """Name the ENGINE of a table, of a kind like ReplacingMergeTree, with its version column where it has one."""

    def delete(self, table: str, where: str) -> None:
        """Delete rows of a table on every shard; returns when no answer counts them any more."""

    def prepare(self, statements: Sequence[str]) -> None:
        """Run the statements that make tables and views, wherever they are needed."""

    def columns(self) -> list[dict[str, set[str]]]:
        """The columns of the tables that are there, by table; one mapping for each server that answers."""

    def close(self) -> None:
        """Give back what it holds."""
