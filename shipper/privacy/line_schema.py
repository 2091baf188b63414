"""The JSON Schema (draft 2020-12) of an app's event lines."""

from typing import assert_never

from shipper import App
from shipper.recording.automation import AGENTS
from shipper.recording.census import AGES, ARCHITECTURES, SYSTEMS, USES
from shipper.recording.event import CENSUS, OUT_OF_TYPE
from shipper.recording.modes import NONE
from shipper.recording.spans import SPANS
from shipper.recording.values import MAX_MILLISECONDS, OTHER, ValueType

_NAME = r"^[A-Za-z0-9_.:+/<>-]{1,64}$"
_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
_UNLINKED = ("v", "id", "time", "app", "version", "name", "ci", "agent", "fields", "sum")
_NAMED: dict[str, object] = {"type": "string", "pattern": _NAME}


def json_schema(app: App) -> dict[str, object]:
    """Describe one line of this app's spool: one shape for each declared event, and the one of shipper's own losses."""
    counts: dict[str, object] = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
    shapes = [_line(app, event.name, _fields(event.fields)) for event in app.events.values()]
    if app.identity == NONE:
        shapes.append(_line(app, CENSUS, _census(app)))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Events of {app.name}",
        "oneOf": [*shapes, _line(app, "shipper.losses", counts)],
    }


def _line(app: App, name: str, fields: dict[str, object]) -> dict[str, object]:
    properties = {
        "v": {"const": 1},
        "id": {"type": "string", "pattern": _UUID},
        "time": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
        "app": {"const": app.name},
        "version": _NAMED,
        "name": {"const": name},
        "user": _NAMED,
        "session": _NAMED,
        "ci": {"type": "boolean"},
        "agent": {"enum": list(AGENTS)},
        "os": {"enum": ["linux", "macos", "windows", OTHER]},
        "arch": {"enum": ["x86_64", "arm64", OTHER]},
        "cpus": {"type": "integer", "minimum": 1},
        "runtime": {"type": "string", "pattern": r"^[a-z]+ \d+\.\d+\.\d+$"},
        "fields": fields,
        "sum": {"type": "string", "pattern": "^[0-9a-f]{8}$"},
    }
    if app.identity == NONE:
        properties = {key: properties[key] for key in _UNLINKED} | {
            "id": {"type": "string", "pattern": _UUID.replace("-7[", "-4[")},
            "time": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"},
        }
    required = [key for key in properties if key not in ("user", "agent")]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _census(app: App) -> dict[str, object]:
    flag: dict[str, object] = {"type": "boolean"}
    own: dict[str, object] = {
        "age": {"enum": list(AGES)},
        "os": {"enum": list(SYSTEMS)},
        "arch": {"enum": list(ARCHITECTURES)},
        "runtime": {"type": "string", "pattern": r"^[a-z]+-\d+\.\d+$"},
        "agent": flag,
    }
    uses: dict[str, object] = {USES + name: flag for name in app.events}
    return {"type": "object", "properties": own | uses, "required": list(own), "additionalProperties": False}


def _fields(value_types: dict[str, ValueType]) -> dict[str, object]:
    properties = {name: _values(declared) for name, declared in value_types.items()}
    properties[OUT_OF_TYPE] = {"type": "integer", "minimum": 1}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _values(declared: ValueType) -> dict[str, object]:
    match declared.kind:
        case "one_of":
            return {"enum": list(dict.fromkeys((*declared.detail, OTHER)))}
        case "integer":
            return {"type": "integer", "minimum": declared.detail[0], "maximum": declared.detail[1]}
        case "milliseconds" if declared.detail:
            return {"enum": [0, *declared.detail]}
        case "milliseconds":
            return {"type": "integer", "minimum": 0, "maximum": MAX_MILLISECONDS}
        case "since_first":
            return {"enum": list(SPANS)}
        case "flag" | "first_use":
            return {"type": "boolean"}
        case "version_number":
            return {"type": "string", "pattern": rf"^(\d{{1,8}}(\.\d{{1,8}}){{0,3}}|{OTHER})$"}
        case "error_class":
            return _NAMED
        case _:
            assert_never(declared.kind)
