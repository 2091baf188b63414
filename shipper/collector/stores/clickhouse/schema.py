"""The tables and views, in one dialect for servers since 18.16 and the engine of 2026; see the package for their rules.

events      each event whole
lives       which installations were seen: a row per installation, month, version, runtime and platform; a bit per day
uses        what installations were seen doing: a row per installation, month, version and event with its labels
firsts      when each installation first ran a command, and when, in which version, it first ended it well
touched     how many rows came in for each app and day, duplicates too
daily       how often each shape (an event with its labels) occurred, and how many installations were seen: a row a day
monthly     the shapes of a month's rows of `daily`, so that a year is read as twelve rows
withdrawn   what a deleted person had in the sums of each day
forgotten   whose events are dropped
"""

from collections.abc import Callable
from typing import NamedTuple

from shipper.collector.stores.dimensions import FIRST_DAY, LOSSES, day_text

#: The columns of `events` that an insert gives, in its order. `earliest` is the largest for the event that came first, and
#: of two rows with one order ReplacingMergeTree keeps the largest: what was counted does not change when it comes again.
SENT = (
    "app", "name", "day", "id", "time", "received", "earliest", "version", "person", "session", "ci", "os", "arch",
    "cpus", "runtime", "agent", "late", "keys", "labels", "kinds", "numbers",
)  # fmt: skip
#: Makes the ENGINE of a table: its kind, the table's name, the kind's arguments.
MakesEngine = Callable[..., str]


class Table(NamedTuple):
    """One table; `columns` with WORD for the type of text of which there are few different ones."""

    kind: str
    columns: tuple[str, ...]
    order: str
    version: str = ""
    partition: str = ""
    settings: str = ""
    shard: str = ""
    """What a row is spread over shards by; empty for tables that are only written where they are."""


_PERSON = "toFixedString(unhex(person), 16)"
_BIT = "toUInt32(bitShiftLeft(toUInt32(1), toUInt32(toDayOfMonth(day) - 1)))"
_LABELLED = "arrayMap((k, l) -> concat(k, '=', l), keys, labels)"
# Installations are not counted by how long their commands take: see dimensions.is_countable.
_USED = (
    "arrayStringConcat(arrayFilter(x -> x != '', arrayMap((k, l, t) ->"
    " if(name = 'command' AND t = 2, '', concat(k, '=', l)), keys, labels, kinds)), ',')"
)
_COUNTS = ("versions Array(String)", "cis Array(UInt8)", "shapes Array(String)", "times Array(UInt64)")
_DAYS = "days AggregateFunction(groupBitOr, UInt32)"
#: Days are few and wide, so that the index names each few of them.
_WIDE = "index_granularity = 16"

TABLES = {
    "events": Table(
        "Replacing",
        (
            "app WORD", "name WORD", "day Date", "id UUID", "time Int64", "received UInt32", "earliest UInt32",
            "version WORD", "person String", "session String", "ci UInt8", "os WORD", "arch WORD", "cpus UInt32",
            "runtime WORD", "agent WORD", "late WORD", "keys Array(String)", "labels Array(String)", "kinds Array(UInt8)",
            "numbers Array(Int64)",
            f"shape WORD DEFAULT arrayStringConcat(arrayConcat([toString(name)], {_LABELLED}), ',')",
        ),
        "app, day, name, person, id",
        "earliest",
        "toYYYYMM(day)",
        shard="if(person = '', toString(id), person)",
    ),
    "lives": Table(
        "Aggregating",
        ("app WORD", "month UInt32", "version WORD", "who FixedString(16)", "series WORD", "platform WORD", _DAYS),
        "app, month, version, who, series, platform",
        partition="month",
    ),
    "uses": Table(
        "Aggregating",
        ("app WORD", "name WORD", "month UInt32", "who FixedString(16)", "version WORD", "used WORD", _DAYS),
        "app, name, month, who, version, used",
        partition="month",
    ),
    "firsts": Table(
        "Aggregating",
        (
            "app WORD", "command WORD", "who FixedString(16)", "begun AggregateFunction(min, Int64)",
            "done AggregateFunction(min, String)",
        ),
        "app, command, who",
    ),
    "touched": Table("Summing", ("app WORD", "day Date", "rows UInt64"), "app, day", partition="toYYYYMM(day)"),
    "daily": Table(
        "Replacing",
        (
            "app WORD", "day Date", "state UInt64", "at UInt32", "gone Array(String)", *_COUNTS,
            "seen_versions Array(String)", "seen Array(UInt64)",
        ),
        "app, day",
        "state",
        "toYYYYMM(day)",
        _WIDE,
    ),
    "monthly": Table(
        "Replacing", ("app WORD", "month UInt32", "state UInt64", *_COUNTS), "app, month", "state", "month", _WIDE
    ),
    "withdrawn": Table(
        "Replacing",
        ("app WORD", "day Date", "person String", "events UInt64", *_COUNTS, "seen_versions Array(String)"),
        "app, day, person",
        "events",
        "toYYYYMM(day)",
        _WIDE,
    ),
    "forgotten": Table("Replacing", ("person String", "since UInt32"), "person", "since", shard="person"),
}  # fmt: skip

#: Tables that hold rows of people, with the column that says whose. `lives` says whether anything is kept of somebody, so
#: that it is the last from which a deletion takes rows.
PERSONAL = {"events": "person", "uses": "who", "firsts": "who", "lives": "who"}

_PEOPLE = f"FROM events WHERE person != '' AND name != '{LOSSES}'"
VIEWS = {
    "to_lives": (
        "lives",
        f"SELECT app, toYYYYMM(day) AS month, version, {_PERSON} AS who,"
        " arrayStringConcat(arraySlice(splitByChar('.', toString(runtime)), 1, 2), '.') AS series,"
        f" concat(os, ' ', arch) AS platform, groupBitOrState({_BIT}) AS days"
        f" {_PEOPLE} GROUP BY app, month, version, who, series, platform",
    ),
    "to_uses": (
        "uses",
        f"SELECT app, name, toYYYYMM(day) AS month, {_PERSON} AS who, version, {_USED} AS used,"
        f" groupBitOrState({_BIT}) AS days {_PEOPLE} GROUP BY app, name, month, who, version, used",
    ),
    # `done` is the earliest time and, of two equal times, the smaller version; `~` stands after every time.
    "to_firsts": (
        "firsts",
        f"SELECT app, labels[indexOf(keys, 'command')] AS command, {_PERSON} AS who, minState(time) AS begun,"
        " minState(if(labels[indexOf(keys, 'outcome')] = 'ok',"
        " concat(toString(1000000000000000 + time), toString(version)), '~')) AS done"
        f" FROM events WHERE name = 'command' AND person != '' AND day >= toDate('{day_text(FIRST_DAY)}')"
        " GROUP BY app, command, who",
    ),
    "to_touched": ("touched", "SELECT app, day, count() AS rows FROM events WHERE 1 GROUP BY app, day"),
}


def view_select(view: str, where: str) -> str:
    """What a view selects, of some events only."""
    return VIEWS[view][1].replace("FROM events WHERE ", f"FROM events WHERE {where} AND ")


def table_statements(engine: MakesEngine, word: str) -> list[str]:
    """Make the tables; `word` is the engine's type for text of which there are few different ones."""
    return [_table(name, table, engine, word) for name, table in TABLES.items()]


def view_statements() -> list[str]:
    """Make the views, which have the work of the sums on every server that takes an insert."""
    return [
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS {view} TO {table} AS {select}"
        for view, (table, select) in VIEWS.items()
    ]


def _table(name: str, table: Table, engine: MakesEngine, word: str) -> str:
    statement = (
        f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(table.columns).replace('WORD', word)})"
        f" ENGINE = {engine(f'{table.kind}MergeTree', name, table.version)}"
    )
    if table.partition:
        statement += f" PARTITION BY {table.partition}"
    statement += f" ORDER BY ({table.order})"
    return statement + (f" SETTINGS {table.settings}" if table.settings else "")


def columns_of(table: str) -> set[str]:
    """The names of a table's columns."""
    return {column.partition(" ")[0] for column in TABLES[table].columns}
