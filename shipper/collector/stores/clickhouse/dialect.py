"""Literals and rows as ClickHouse reads them."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from shipper.collector.stores.dimensions import LOSSES, bounded_losses, day_of, day_text, label_of, late_of
from shipper.collector.stores.store import Row, Value

_QUOTED = str.maketrans({"\\": "\\\\", "'": "\\'", "\t": "\\t", "\n": "\\n", "\0": "\\0"})
#: What `kinds` says of a field: a name, a flag or a number.
NAME, FLAG, NUMBER = "0", "1", "2"
#: Added to a time so that its text has always as many digits, and the smallest text is the earliest time.
AGE = 10**15


def plain(value: str) -> str:
    """Escape a string as tab-separated rows and literals want it."""
    return value.translate(_QUOTED)


def text(value: str) -> str:
    """Write a string literal."""
    return f"'{value.translate(_QUOTED)}'"


def texts(values: Iterable[str]) -> str:
    """Write string literals with commas between them, for IN and for arrays."""
    return ",".join(map(text, values))


def date_literal(day: int) -> str:
    """Write a day, in days since 1970."""
    return f"toDate('{day_text(day)}')"


def dates(days: Iterable[int]) -> str:
    """Write days with commas between them."""
    return ",".join(map(date_literal, days))


def people_literal(people: Iterable[str]) -> str:
    """Write people, who are 32 hex digits each, as the 16 bytes that the tables of installations hold."""
    return ",".join(f"toFixedString(unhex('{person}'), 16)" for person in people)


def transform(column: str, numbers: Sequence[tuple[str, int]]) -> str:
    """Write an expression that turns a column's words into numbers, and any other word into 0."""
    if not numbers:
        return "toUInt64(0)"
    values = ",".join(str(number) for _, number in numbers)
    return f"toUInt64(transform(toString({column}), [{texts(word for word, _ in numbers)}], [{values}], 0))"


def line(row: Row, minute: int) -> str:
    """One row of `events`, tab-separated, in the order of `schema.SENT`; `minute` is when it came in, in Unix minutes."""
    said = bounded_losses(row.fields) if row.name == LOSSES else row.fields
    fields = said.values()
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
        plain(row.agent),
        late_of(row, minute * 60),
        f"[{texts(said)}]",
        f"[{texts(map(label_of, fields))}]",
        f"[{','.join(map(_kind, fields))}]",
        f"[{','.join(map(_number, fields))}]",
    )
    return "\t".join(map(str, cells)) + "\n"


def _kind(value: Value) -> str:
    return FLAG if isinstance(value, bool) else NUMBER if isinstance(value, int) else NAME


def _number(value: Value) -> str:
    return str(value) if type(value) is int else "0"
