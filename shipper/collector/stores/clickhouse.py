"""The store past one machine: ClickHouse, by its HTTP interface or in this process (chDB).

One table holds every event. It is ordered by columns that are immutable for an event, its id last, so that an event
which was sent again falls on its own place and one of the two goes: answers read FINAL, where that has happened
already. The statements are plain enough for servers since 18.16 and for the engine of 2026.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import UUID

from shipper.collector.stores.clickhouse_answers import ClickHouseAnswers, plain, text
from shipper.collector.stores.dimensions import LOSSES, day_of, day_text, label_of, lateness
from shipper.collector.stores.store import Receipt, Row, Value

#: People that one look-up among the forgotten asks for: a statement of well under 256 KiB, the servers' bound.
LOOKUP = 5000

#: `earliest` is the largest for the event that came first, and ReplacingMergeTree keeps the largest: what was counted
#: once does not change when it is sent again.
COLUMNS = """
    app String, name String, day Date, id UUID, time Int64, received UInt32, earliest UInt32, version String,
    person String, session String, ci UInt8, os String, arch String, cpus UInt32, runtime String, late String,
    keys Array(String), labels Array(String), kinds Array(UInt8), numbers Array(Int64),
    agent String
"""
#: What `kinds` says of a field: a name, a flag or a number.
NAME, FLAG, NUMBER = "0", "1", "2"


class Engine(Protocol):
    """A way to a ClickHouse. Both methods raise StoreUnavailable, and then the statement may or may not be done."""

    def query(self, statement: str) -> list[list[str]]:
        """Run a SELECT and return its rows as text."""

    def do(self, statement: str, data: str = "") -> None:
        """Run a statement; `data` are tab-separated rows for an INSERT."""

    def table(self, name: str) -> str:
        """Name the table that stands for `events` or `forgotten` wherever rows go in and answers come out."""

    def engine(self, table: str, version: str) -> str:
        """Name the ENGINE of a table that replaces rows of equal order, keeping the largest of a version column."""

    def delete(self, where: str) -> None:
        """Delete rows of `events`; returns when they are gone."""

    def prepare(self, statements: Sequence[str]) -> None:
        """Run the statements that make tables, wherever tables are needed."""

    def close(self) -> None:
        """Give back what it holds."""


class ClickHouseStore(ClickHouseAnswers):
    """See Store. It cannot tell a duplicate at once, so it counts each as accepted; answers count each event once."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._engine = engine
        self._forgotten_table = engine.table("forgotten")
        tables = [
            f"CREATE TABLE IF NOT EXISTS events ({COLUMNS}) ENGINE = {engine.engine('events', 'earliest')}"
            " PARTITION BY toYear(day) ORDER BY (app, name, day, id)",
            "CREATE TABLE IF NOT EXISTS forgotten (person String, since UInt32)"
            f" ENGINE = {engine.engine('forgotten', 'since')} ORDER BY person",
        ]
        try:
            engine.prepare(tables)
        except BaseException:
            engine.close()
            raise

    def add(self, groups: Sequence[Sequence[Row]], received_at: int) -> list[Receipt]:
        """See Store.add."""
        forgotten = self._forgotten({row.person for rows in groups for row in rows if row.person})
        fresh = [row for rows in groups for row in rows if row.person not in forgotten]
        if fresh:
            minute = received_at // 60
            self._engine.do(
                f"INSERT INTO {self._events} FORMAT TabSeparated", "".join(_line(row, minute) for row in fresh)
            )
        return [Receipt(len(rows), 0) for rows in groups]

    def _forgotten(self, people: Iterable[str]) -> set[str]:
        wanted = sorted(people)
        found: set[str] = set()
        for start in range(0, len(wanted), LOOKUP):
            some = ",".join(map(text, wanted[start : start + LOOKUP]))
            rows = self._engine.query(f"SELECT person FROM {self._forgotten_table} WHERE person IN ({some})")
            found.update(person for (person,) in rows)
        return found

    def forget(self, person: str) -> int:
        """See Store.forget."""
        # First remembered, then deleted: what arrives in between is dropped, or deleted with the rest.
        self._engine.do(f"INSERT INTO {self._forgotten_table} FORMAT TabSeparated", f"{person}\t0\n")
        ((events,),) = self._engine.query(f"SELECT count() FROM {self._events} FINAL WHERE person = {text(person)}")
        self._engine.delete(f"person = {text(person)}")
        return int(events)

    def close(self) -> None:
        """See Store.close."""
        self._engine.close()


def _line(row: Row, minute: int) -> str:
    """One row of `events`, tab-separated, in the order of COLUMNS."""
    fields = row.fields.values()
    cells = (
        plain(row.app),
        plain(row.name),
        day_text(day_of(row.time)),
        str(UUID(bytes=row.id)),
        row.time,
        minute,
        (1 << 32) - 1 - minute,
        plain(row.version),
        row.person,
        plain(row.session),
        int(row.ci),
        plain(row.os),
        plain(row.arch),
        row.cpus,
        plain(row.runtime),
        "" if row.name == LOSSES else lateness(row.time, minute * 60),
        f"[{','.join(map(text, row.fields))}]",
        f"[{','.join(text(label_of(value)) for value in fields)}]",
        f"[{','.join(map(_kind, fields))}]",
        f"[{','.join(map(_number, fields))}]",
        plain(row.agent),
    )
    return "\t".join(map(str, cells)) + "\n"


def _kind(value: Value) -> str:
    return FLAG if isinstance(value, bool) else NUMBER if isinstance(value, int) else NAME


def _number(value: Value) -> str:
    return str(value) if type(value) is int else "0"
