"""What an app declares, as far as answers speak of it: from a catalog, or learned from what came in."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shipper.catalog.schema import events_from, read_document
from shipper.errors import DeclarationError
from shipper.recording.names import valid_name
from shipper.recording.questions import DeclaredQuestion, read_questions
from shipper.recording.spans import SPANS
from shipper.recording.values import ValueType

#: The folder, in that of a receiver's data, with an app.json for each app whose declaration it learned.
LEARNED = "declarations"
#: Types whose values are counted by steps, and so stand in the order of their numbers.
NUMBERS = ("integer", "milliseconds")
#: The type of a duration that was measured where it passed, in named steps; and that of "for the first time here".
SINCE_FIRST, FIRST_USE = "since_first", "first_use"
#: What the label of a number looks like: its step of the series 1, 2, 5, 10.
_STEP = re.compile(r"below 0|\d+(-\d+)?")


@dataclass(frozen=True, slots=True)
class Field:
    """A declared field: its type's name, the members of a closed set, and the author's reason."""

    name: str
    kind: str
    reason: str = ""
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeclaredEvent:
    """A declared event with the author's reason and its fields, in the author's order."""

    name: str
    reason: str
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Declared:
    """One app's catalog; `known` is False where it was only learned from what came in."""

    app: str
    events: Mapping[str, DeclaredEvent] = field(default_factory=dict)
    questions: tuple[DeclaredQuestion, ...] = ()
    known: bool = True

    def has(self, event: str, name: str) -> bool:
        """Whether an event with a field is declared."""
        return event in self.events and name in self.events[event].fields


def read_declared(path: str) -> Declared:
    """Read a telemetry.toml or an app.json. Raises DeclarationError."""
    document = read_document(path)
    app = document.get("app")
    if not isinstance(app, str):
        raise DeclarationError(f"{path} names no app", 'write app = "<name>" in its first line')
    return declared_in(app, document)


def declared_for(folder: str, app: str) -> Declared | None:
    """What a receiver learned of an app from its senders, in the folder of its data; None where it learned nothing."""
    path = os.path.join(folder, LEARNED, f"{app}.json")
    return read_declared(path) if valid_name(app) and "/" not in app and os.path.isfile(path) else None


def declared_in(app: str, document: Mapping[str, object]) -> Declared:
    """Take what answers need out of a declaration that has been read. Raises DeclarationError."""
    events = {}
    for name, event in events_from(document.get("events")).items():
        fields = {key: Field(key, typed.kind, typed.reason, _members(typed)) for key, typed in event.fields.items()}
        events[name] = DeclaredEvent(name, event.reason, fields)
    return Declared(app, events, read_questions(document.get("questions", {})))


def _members(typed: ValueType) -> tuple[str, ...]:
    """The words that a closed set can say; those of a duration in their order."""
    if typed.kind == SINCE_FIRST:
        return SPANS
    return tuple(typed.detail) if typed.kind == "one_of" else ()


def learned(app: str, values: Iterable[tuple[str, str, str]]) -> Declared:
    """Make a catalog of what came in: (event, field, label). It has no reasons, and no questions of the author's."""
    labels: dict[str, dict[str, set[str]]] = {}
    for event, name, label in values:
        fields = labels.setdefault(event, {})
        if name:
            fields.setdefault(name, set()).add(label)
    events = {
        event: DeclaredEvent(event, "", {name: Field(name, _kind(name, said)) for name, said in sorted(fields.items())})
        for event, fields in sorted(labels.items())
    }
    return Declared(app, events, known=False)


def _kind(name: str, labels: set[str]) -> str:
    if all(map(_STEP.fullmatch, labels)):
        return "milliseconds" if name.endswith("_ms") else "integer"
    return "flag" if labels <= {"true", "false"} else "one_of"
