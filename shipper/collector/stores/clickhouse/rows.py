"""Events as a ClickHouse keeps them, as rows again."""

from collections.abc import Sequence
from uuid import UUID

from shipper.collector.stores.clickhouse.dialect import FLAG, NUMBER, text
from shipper.collector.stores.store import Row, Value

#: No name and no label holds it.
_COMMA = ","
_ARRAYS = ", ".join(
    f"arrayStringConcat(arrayMap(x -> toString(x), {column}), '{_COMMA}')"
    for column in ("keys", "labels", "kinds", "numbers")
)


def select_events(person: str, after: bytes, most: int) -> str:
    """Select the events of a person after an id, b"" for all, in the columns that `row_of` reads."""
    beyond = f" AND toString(id) > {text(str(UUID(bytes=after)))}" if after else ""
    return (
        "SELECT toString(id) AS identity, received, time, app, version, name, person, session, ci, os, arch, cpus, runtime,"
        f" agent, {_ARRAYS} FROM events FINAL WHERE person = {text(person)}{beyond} ORDER BY identity LIMIT {most}"
    )


def row_of(columns: Sequence[str]) -> tuple[Row, int]:
    """Make a row, with the minute in which it was received, of what `select_events` selects."""
    identity, minute, time, app, version, name, person, session, ci, os, arch, cpus, runtime, agent, *arrays = columns
    keys, labels, kinds, numbers = (array.split(_COMMA) if array else [] for array in arrays)
    fields: dict[str, Value] = {
        key: int(number) if kind == NUMBER else label == "true" if kind == FLAG else label
        for key, label, kind, number in zip(keys, labels, kinds, numbers, strict=True)
    }
    where = (os, arch, int(cpus), runtime)
    row = Row(UUID(identity).bytes, int(time), app, version, name, person, session, ci == "1", *where, fields, agent)
    return row, int(minute)
