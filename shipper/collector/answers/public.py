"""What may be shown to everybody: counts of installations, none of them for fewer than so many, none to be worked out.

Every number is a count of installations, rounded down to a multiple of the least number that may be shown, and what is
below that is not there. So each number depends on one count alone, two numbers differ by nothing or by at least that
many, and a count below it moves nothing at all. Nothing is added up over several counts, because a sum and its parts tell
of each other; nothing is ordered or scaled by what is not shown. How often something happened is never told: a thousand
events may be one installation's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from shipper.collector.answers.commands import COMMAND
from shipper.collector.answers.declared import NUMBERS, Declared, DeclaredEvent, Field
from shipper.collector.answers.numbers import low_of
from shipper.collector.stores.store import View, Window
from shipper.recording.value_names import version_order

Key = TypeVar("Key")

#: Installations for which a number stands at least, unless the author says otherwise, and the fewest that can be said.
LEAST, FEWEST = 10, 2
#: Days of the page that a receiver publishes: whole ones, so that it changes once a day.
DAYS = 30


@dataclass(frozen=True, slots=True)
class PublicTable:
    """One table: a title, the author's reason, and for each label a rounded count, 0 where it is not told."""

    title: str
    about: str
    rows: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class PublicReport:
    """What everybody may know about an app."""

    window: Window
    least: int
    made: int
    """The day on which it was made, in days since 1970."""
    installations: int
    days: tuple[tuple[int, str, int], ...]
    """Day, version and a rounded count."""
    tables: tuple[PublicTable, ...]


def public_report(view: View, window: Window, least: int, made: int, declared: Declared | None) -> PublicReport:
    """Take out of a view what everybody may know. Without a catalog only what is told names events and fields.

    `window` has no filter but its days: a page that can be filtered can be asked for differences.
    """
    lived = rounded(view.installations("", None), least)
    installations = lived.get(("", "", ""), 0)
    if not installations:
        return PublicReport(window, least, made, 0, (), ())
    days = tuple((day, version, count) for (day, version), count in rounded(view.active(), least).items())
    tables = list(_events(view, least, declared))
    for field, title, about in _LIVED:
        tables.append(
            PublicTable(title, about, _ordered((label, n) for (_, key, label), n in lived.items() if key == field))
        )
    by_day = tuple(sorted(days, key=lambda row: (row[0], version_order(row[1]))))
    return PublicReport(window, least, made, installations, by_day, tuple(table for table in tables if table.rows))


_LIVED = (
    ("version", "Versions", "Installations that used each version."),
    ("runtime", "Runtimes", "Installations that ran on each runtime."),
    ("platform", "Platforms", "Installations that ran on each platform."),
)


def rounded(counts: Mapping[Key, int], least: int) -> dict[Key, int]:
    """Round counts down to a multiple of `least`; those below it are gone."""
    return {key: count // least * least for key, count in counts.items() if count >= least}


def _events(view: View, least: int, declared: Declared | None) -> Iterable[PublicTable]:
    names = declared.events if declared else dict.fromkeys(sorted({event for event, _, _ in view.values()}))
    for name, event in names.items():
        told = rounded(view.installations(name, None), least)
        if event is None or not event.fields:
            yield PublicTable(
                name,
                event.reason if event else "",
                _ordered([(name, told[name, "", ""])] if (name, "", "") in told else []),
            )
        fields = (
            event.fields.values() if event else (Field(key, "") for key in sorted({key for _, key, _ in told if key}))
        )
        for field in fields:
            if name != COMMAND or field.kind not in NUMBERS:
                counts = {label: count for (_, key, label), count in told.items() if key == field.name}
                yield PublicTable(f"{name}: {field.name}", _about(event, field), _labels(field, counts))


def _about(event: DeclaredEvent | None, field: Field) -> str:
    return field.reason or (event.reason if event else "")


def _labels(field: Field, told: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Numbers in their order; a closed set whole, so that what is not told does not even show that somebody did it."""
    if field.kind in NUMBERS:
        return tuple(sorted(told.items(), key=lambda row: low_of(row[0])))
    members = field.members or (("false", "true") if field.kind == "flag" else ())
    return _ordered({**dict.fromkeys(members, 0), **told}.items())


def _ordered(rows: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """The largest first, by what is told."""
    return tuple(sorted(rows, key=lambda row: (-row[1], row[0])))
