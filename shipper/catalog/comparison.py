"""What a release changes in a declaration, in words: what it adds, widens, narrows or removes, and what it had to date.

A person's choice covers what was declared when it was made. So whatever a release adds or widens carries `since`, the day
of that release, and nobody who chose before is recorded with it until they choose again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

from shipper.recording.event import Event
from shipper.recording.values import ValueType

ADDS, WIDENS, NARROWS, REMOVES, DATES = "adds", "widens", "narrows", "removes", "dates"

Catalog = Mapping[str, Event]


@dataclass(frozen=True, slots=True)
class Change:
    """One change: what it does, to which event or field, in which words; `fault` says what its date lacks, or nothing."""

    kind: str
    where: str
    text: str
    fault: str = ""


def compare(old: Catalog, new: Catalog) -> list[Change]:
    """Return every change between the declarations of two releases, in the order of the new one, removals last."""
    return [*_changes(old, new), *(_removed(name) for name in old if name not in new)]


def _changes(old: Catalog, new: Catalog) -> Iterator[Change]:
    for name, event in new.items():
        if name not in old:
            yield Change(ADDS, name, f"a new event: {event.reason}", _undated(event.since, ""))
            continue
        before = old[name]
        yield from _lifetime(name, before, event)
        if before.reason != event.reason:
            yield Change(WIDENS, name, f"another purpose: {event.reason}", _undated(event.since, before.since))
        elif before.since != event.since:
            yield _moved(name, before.since, event.since)
        for field, value_type in event.fields.items():
            yield from _field(f"{name}.{field}", before.fields.get(field), value_type, event)
        yield from (_removed(f"{name}.{field}") for field in before.fields if field not in event.fields)


def _field(where: str, before: ValueType | None, value_type: ValueType, event: Event) -> Iterator[Change]:
    if before is None:
        yield Change(ADDS, where, f"a new field, {describe(value_type)}", _undated(value_type.since, ""))
        return
    found = list(_lifetime(where, before, value_type))
    wider, narrower = _compare_types(before, value_type)
    if wider:
        found.append(Change(WIDENS, where, wider, _undated(max(value_type.since, event.since), before.since)))
    if narrower:
        found.append(Change(NARROWS, where, narrower))
    if not any(change.kind == WIDENS for change in found) and before.since != value_type.since:
        found.append(_moved(where, before.since, value_type.since))
    yield from found


def _lifetime(where: str, before: Event | ValueType, after: Event | ValueType) -> Iterator[Change]:
    if before.expires and before.expires < (after.expires or "~"):
        until = f"until {after.expires}" if after.expires else "without an end"
        text = f"it was to end on {before.expires}, and goes on {until}"
        yield Change(WIDENS, where, text, _undated(after.since, before.since))
    elif after.expires and after.expires < (before.expires or "~"):
        yield Change(NARROWS, where, f"it ends on {after.expires}")


def _moved(where: str, before: str, after: str) -> Change:
    if after > before:
        return Change(DATES, where, f"recorded since {after}")
    return Change(DATES, where, "an earlier day", f"since was {before} and is set once: write it again")


def _undated(since: str, before: str) -> str:
    if not since:
        return 'it has no date: write since="YYYY-MM-DD", the day of the release'
    return "" if since > before else f"it is dated {since}, as before: write the day of this release"


def _removed(where: str) -> Change:
    return Change(REMOVES, where, "no longer recorded")


def _compare_types(old: ValueType, new: ValueType) -> tuple[str, str]:  # noqa: C901 - one row per type
    """Say in words what a field may now hold beyond before, and what no longer; "" for neither."""
    if old.kind != new.kind:
        return f"it was {describe(old)} and is {describe(new)}", ""
    if old.randomised != new.randomised:
        return _chances(old, new)
    if old.detail == new.detail:
        return "", ""
    match new.kind:
        case "one_of":
            return _sets("may also be", "is no longer", set(old.detail), set(new.detail))
        case "integer":
            low, high = new.detail
            wider = low < old.detail[0] or high > old.detail[1]
            narrower = low > old.detail[0] or high < old.detail[1]
            text = f"from {low} to {high}, was {old.detail[0]} to {old.detail[1]}"
            return text if wider else "", text if narrower else ""
        case "milliseconds":
            return _bounds(old.detail, new.detail)
        case "flag" | "version_number" | "first_use":
            return "", ""  # they have no arguments that could differ
        case "since_first":
            return f"{describe(new)}, was {describe(old)}", ""
        case "error_class":  # without packages it says those of the declared dependencies
            if not old.detail or not new.detail:
                text = f"{describe(new)}, was {describe(old)}"
                return text, ""
            return _sets("may also be of", "is no longer of", set(old.detail), set(new.detail))
        case _:
            assert_never(new.kind)


def _chances(old: ValueType, new: ValueType) -> tuple[str, str]:
    """Less chance tells more of each person."""
    text = f"said at random with {new.randomised:g}, was {old.randomised:g}"
    wider = new.randomised < old.randomised or set(new.detail) - set(old.detail)
    return (text, "") if wider else ("", text)


def _bounds(old: tuple[int, ...], new: tuple[int, ...]) -> tuple[str, str]:
    if not old:
        return "", "said roughly"
    if not new:
        return "said to the millisecond, was said roughly", ""
    return _sets("is also told apart at", "is no longer told apart at", set(old), set(new))


def _sets(more: str, less: str, old: set[object], new: set[object]) -> tuple[str, str]:
    added, gone = sorted(map(str, new - old)), sorted(map(str, old - new))
    return f"{more} {', '.join(added)}" if added else "", f"{less} {', '.join(gone)}" if gone else ""


def describe(value_type: ValueType) -> str:
    """Name a field's type with its arguments: `one_of(dark, light)`."""
    return f"{value_type.kind}({', '.join(map(str, value_type.detail))})"
