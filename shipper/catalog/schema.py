"""Catalogs for readers: taken from a declaration file or a manifest, and enforced on events that arrive.

A declaration is TOML, `telemetry.toml`:

    app = "deploy"
    version = "1.4.0"
    endpoint = "https://telemetry.example.com"

    [events.deployment]
    reason = "How often people deploy, and how it ends."
    owner = "platform team"
    expires = "2027-12-31"
    [events.deployment.fields]
    target = { type = "one_of", members = ["staging", "production"], reason = "Which stage needs care." }
    duration_ms = { type = "milliseconds" }
    attempts = { type = "integer", range = [1, 10] }

A manifest, `app.json`, is the same as JSON with the events in a list. Both are read here, through the makers that a
Python declaration calls.
"""

from collections.abc import Callable, Mapping

from shipper.catalog.census import census_fault
from shipper.errors import DeclarationError
from shipper.recording.event import CENSUS, LOSSES, OUT_OF_TYPE, Event, by_name
from shipper.recording.measured import first_use, since_first
from shipper.recording.values import (
    DETAILS,
    ValueType,
    error_class,
    flag,
    integer,
    milliseconds,
    one_of,
    version_number,
)

#: Bytes of a declaration file: thousands of events.
MAX_FILE = 1024 * 1024

_MAKERS: Mapping[str, Callable[..., ValueType]] = {
    "one_of": one_of,
    "integer": integer,
    "milliseconds": milliseconds,
    "flag": flag,
    "version_number": version_number,
    "error_class": error_class,
    "since_first": since_first,
    "first_use": first_use,
}
_ABOUT = ("reason", "owner", "expires", "since")


def read_document(path: str) -> dict[str, object]:
    """Read a declaration (TOML) or a manifest (JSON, by the suffix .json). Raises DeclarationError, naming the file."""
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_FILE + 1)
        if len(text) > MAX_FILE:
            raise DeclarationError(f"{path} is larger than {MAX_FILE} bytes")
        document = _json(text) if path.endswith(".json") else _toml(text)
    except OSError as error:
        raise DeclarationError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, DeclarationError):
            raise
        raise DeclarationError(f"{path} is not a declaration: {error}") from None
    if not isinstance(document, dict):
        raise DeclarationError(f"{path} is not a declaration: no table")
    return document


# Who records from a shell script has a compiled declaration, and must not pay for either of these.


def _json(text: bytes) -> object:
    import json

    return json.loads(text)


def _toml(text: bytes) -> object:
    import tomllib

    return tomllib.loads(text.decode("utf-8"))


def load_catalog(path: str) -> tuple[str, dict[str, Event]]:
    """Read the app's name and its catalog from a declaration or a manifest. Raises DeclarationError."""
    document = read_document(path)
    app = document.get("app")
    if not isinstance(app, str):
        raise DeclarationError(f"{path} names no app", 'write app = "<name>" in its first line')
    return app, events_from(document.get("events"))


def events_from(tables: object) -> dict[str, Event]:
    """Make a catalog of a declaration's events (a table by name) or a manifest's (a list). Raises DeclarationError."""
    if isinstance(tables, list):
        return by_name([_event(_text(table, "name"), _without(table, "name")) for table in tables])
    if isinstance(tables, dict):
        return by_name([_event(name, table) for name, table in tables.items()])
    raise DeclarationError("a declaration needs events", "write a table [events.<name>] for each")


def _event(name: str, table: object) -> Event:
    if not isinstance(table, dict):
        raise DeclarationError(f"the event {name} is no table")
    fields = table.get("fields", {})
    if not isinstance(fields, dict):
        raise DeclarationError(f"the fields of {name} are no table")
    _refuse_unknown(name, table, (*_ABOUT, "fields"))
    value_types = {field: value_type(f"{name}.{field}", described) for field, described in fields.items()}
    clash = value_types.keys() & {"owner", "expires", "since", "options"}
    if clash:
        raise DeclarationError(f"{name}.{min(clash)}: no field can have this name, it describes the event")
    about = {key: _text(table, key) for key in ("owner", "expires", "since") if key in table}
    return Event(name, _text(table, "reason") if "reason" in table else "", **about, **value_types)  # type: ignore[arg-type]


def value_type(where: str, table: object) -> ValueType:
    """Make a field's type from a description like {type = "one_of", members = ["a"]}. Raises DeclarationError."""
    maker = table.get("type") if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(maker, str) or maker not in _MAKERS:
        raise DeclarationError(f"{where} has no type that we know", f"type is one of {', '.join(_MAKERS)}")
    detail = DETAILS.get(maker, "")
    extra = ("randomised",) if maker == "one_of" else ()
    _refuse_unknown(where, table, ("type", detail, *extra, *_ABOUT))
    arguments = table.get(detail, [])
    if not isinstance(arguments, list) or (maker == "integer" and len(arguments) != 2):
        raise DeclarationError(f"{where}: {detail} is a list{' of two' if maker == 'integer' else ''}")
    if maker == "since_first" and not 1 <= len(arguments) <= 2:
        raise DeclarationError(f"{where}: commands are the first one and, if it is one alone, the last one")
    return _MAKERS[maker](*arguments, **{key: table[key] for key in (*extra, *_ABOUT) if key in table})


def _refuse_unknown(where: str, table: Mapping[str, object], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            raise DeclarationError(f"{where}: unknown key {key!r}", f"known here: {', '.join(filter(None, known))}")


def _text(table: object, key: str) -> str:
    value = table.get(key) if isinstance(table, dict) else None
    if not isinstance(value, str):
        raise DeclarationError(f"{key} is text, not {value!r}")
    return value


def _without(table: dict[str, object], key: str) -> dict[str, object]:
    return {other: value for other, value in table.items() if other != key}


def check(event: Mapping[str, object], catalogs: Mapping[str, Mapping[str, Event]]) -> str:
    """Say why a decoded event is not what its app declares, in at most 64 characters, or "" when it is.

    catalogs are catalogs by app, as load_catalog() reads them. Pure: the receiver asks it for every event.
    """
    name, fields = str(event.get("name")), event.get("fields")
    if name == LOSSES:
        return ""  # no catalog declares it, and a refused count of losses would itself be lost
    declared = catalogs.get(str(event.get("app")))
    if declared is None:
        return "undeclared app"
    if name == CENSUS:
        return census_fault(event, declared)
    if not isinstance(fields, dict):
        return "no fields"
    if name not in declared:
        return "undeclared event"
    day = str(event.get("time"))[:10]
    if declared[name].expired(day):
        return "past the event's last day"
    return next(filter(None, (_fault(declared[name], field, fields[field], day) for field in fields)), "")


def _fault(event: Event, field: str, value: object, day: str) -> str:
    if field == OUT_OF_TYPE:
        return "" if type(value) is int and value > 0 else "a count is no count"
    declared = event.fields.get(field)
    if declared is None:
        return f"undeclared field {field}"[:64]
    if "" != declared.expires < day:
        return f"past the last day of {field}"[:64]
    return "" if _says(declared, value) else f"outside its type: {field}"[:64]


def _says(declared: ValueType, value: object) -> bool:
    """Say whether value is one that the type itself could have said."""
    if declared.kind == "error_class":
        # Only who recorded it knows which packages are installed there: here the form alone can be held.
        return isinstance(value, str) and all(map(str.isidentifier, value.replace(".<locals>", "").split(".")))
    import json

    return declared.encode(value) == json.dumps(value)
