"""Catalogs for readers: the same declaration in Python, TOML and JSON, enforced on what arrives."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.catalog import schema
from shipper.cli.record import value_of
from shipper.errors import DeclarationError
from shipper.recording.event import Event
from shipper.recording.values import ValueType, error_class, flag, integer, milliseconds, one_of, version_number

TOML = """
app = "deploy"
version = "1.4.0"
endpoint = "https://telemetry.example.com"

[events.deployment]
reason = "How often people deploy, and how it ends."
owner = "platform team"
expires = "2027-12-31"
[events.deployment.fields]
target = { type = "one_of", members = ["staging", "production"], reason = "Which stage needs care.", owner = "jane" }
duration_ms = { type = "milliseconds", bounds = [1000, 100] }
attempts = { type = "integer", range = [1, 10], expires = "2026-11-23" }
clean = { type = "flag" }
tool = { type = "version_number" }
error = { type = "error_class", packages = ["httpx"] }
"""


def deployment() -> Event:
    return Event(
        "deployment",
        "How often people deploy, and how it ends.",
        owner="platform team",
        expires="2027-12-31",
        target=one_of("staging", "production", reason="Which stage needs care.", owner="jane"),
        duration_ms=milliseconds(1000, 100),
        attempts=integer(1, 10, expires="2026-11-23"),
        clean=flag(),
        tool=version_number(),
        error=error_class("httpx"),
    )


def test_toml_declares_the_same_as_python(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.toml"
    path.write_text(TOML)
    app, events = schema.load_catalog(str(path))
    assert app == "deploy"
    assert [event.manifest() for event in events.values()] == [deployment().manifest()]


def test_a_manifest_is_read_back_to_the_same_catalog() -> None:
    manifest = json.loads(f"[{deployment().manifest()}]")
    assert schema.events_from(manifest)["deployment"].manifest() == deployment().manifest()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("reason = ", "raison = "), "unknown key 'raison'"),
        (('reason = "How often people deploy, and how it ends."\n', ""), "says no reason"),
        (("members = ", "words = "), "unknown key 'words'"),
        (('"one_of"', '"text"'), "no type that we know"),
        (("range = [1, 10]", "range = [1]"), "list of two"),
        (("range = [1, 10]", "range = 10"), "list of two"),
        (('["staging", "production"]', '"staging"'), "is a list"),
        (('["staging", "production"]', '["two words"]'), "cannot be a member"),
        (("target = ", "expires = "), "no field can have this name"),
        (("[events.deployment]\n", "[events.deployment.deployment]\n"), "unknown key 'deployment'"),
        (('{ type = "flag" }', "true"), "no type"),
        (('app = "deploy"', "app = 1"), "names no app"),
        (('app = "deploy"', 'app = "deploy'), "is not a declaration"),
    ],
)
def test_a_wrong_declaration_file_says_what_is_wrong(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = tmp_path / "telemetry.toml"
    path.write_text(TOML.replace(*change))
    assert path.read_text() != TOML
    with pytest.raises(DeclarationError, match=message):
        schema.load_catalog(str(path))


@pytest.mark.parametrize(
    "content", [b"\xff", b"x" * (schema.MAX_FILE + 1), b"[" * 50_000, b"app = 'x'", b"app = 'x'\nevents = 3"]
)
def test_a_file_that_is_no_declaration_is_refused(tmp_path: Path, content: bytes) -> None:
    for name in ("telemetry.toml", "app.json"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DeclarationError):
            schema.load_catalog(str(tmp_path / name))
    with pytest.raises(DeclarationError, match="cannot be read"):
        schema.load_catalog(str(tmp_path / "missing.toml"))


def arrived(**changes: object) -> dict[str, object]:
    fields = {
        "target": "staging",
        "duration_ms": 100,
        "attempts": 1,
        "clean": True,
        "tool": "1.2",
        "error": "httpx.ConnectError",
    }
    event = {"app": "deploy", "name": "deployment", "time": "2026-11-23T10:00:00.000Z", "fields": fields}
    return {**event, **changes}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"fields": {}}, ""),
        ({"fields": {"target": "other"}}, ""),
        ({"fields": {"target": "home"}}, "outside its type: target"),
        ({"fields": {"target": 1}}, "outside its type: target"),
        ({"fields": {"duration_ms": 1000}}, ""),
        ({"fields": {"duration_ms": 999}}, "outside its type: duration_ms"),
        ({"fields": {"duration_ms": True}}, "outside its type: duration_ms"),
        ({"fields": {"attempts": 11}}, "outside its type: attempts"),
        ({"fields": {"clean": 1}}, "outside its type: clean"),
        ({"fields": {"clean": "true"}}, "outside its type: clean"),
        ({"fields": {"tool": "1.2-jane"}}, "outside its type: tool"),
        ({"fields": {"tool": "other"}}, ""),
        ({"fields": {"error": "mine.<locals>.Error"}}, ""),
        ({"fields": {"error": "/home/jane"}}, "outside its type: error"),
        ({"fields": {"error": "a..b"}}, "outside its type: error"),
        ({"fields": {"path": "staging"}}, "undeclared field path"),
        ({"fields": {"p" * 64: "staging"}}, ("undeclared field " + "p" * 64)[:64]),
        ({"fields": {"shipper.out_of_type": 2}}, ""),
        ({"fields": {"shipper.out_of_type": 0}}, "a count is no count"),
        ({"fields": {"shipper.out_of_type": "jane"}}, "a count is no count"),
        ({"fields": []}, "no fields"),
        ({"name": "login"}, "undeclared event"),
        ({"app": "other"}, "undeclared app"),
        ({"time": "2026-11-24T00:00:00.000Z"}, "past the last day of attempts"),
        ({"time": "2028-01-01T00:00:00.000Z"}, "past the event's last day"),
        ({"name": "shipper.losses", "fields": {"full": 3}}, ""),
        ({"name": "shipper.losses", "fields": {"full": "jane"}}, ""),
        ({"name": "shipper.losses", "fields": {"full": True}}, ""),
    ],
)
def test_what_was_not_declared_is_refused_with_its_reason(changes: dict[str, object], reason: str) -> None:
    assert schema.check(arrived(**changes), {"deploy": {"deployment": deployment()}}) == reason


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(["staging", "1.2.3", "v1", "other"]),
)


@given(given_fields=st.dictionaries(st.sampled_from(sorted(arrived()["fields"])), VALUES))  # type: ignore[call-overload]
def test_whatever_is_recorded_is_accepted_by_the_same_catalog(given_fields: dict[str, object]) -> None:
    event = deployment()
    said = json.loads(f"{{{event.encode_fields(given_fields, today='2026-11-23')}}}")
    assert schema.check(arrived(fields=said), {"deploy": {"deployment": event}}) == ""


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (lambda: integer(-5, 5), "-3", -3),
        (lambda: integer(-5, 5), "3.0", "3.0"),
        (lambda: integer(-5, 5), "--3", "--3"),
        (lambda: integer(-5, 5), "9" * 5000, "9" * 5000),
        (lambda: integer(-5, 5), "\u0663", "\u0663"),
        (milliseconds, "1234", 1234),
        (flag, "true", True),
        (flag, "false", False),
        (flag, "yes", True),
        (flag, "maybe", "maybe"),
        (version_number, "1", "1"),
        (lambda: one_of("1", "2"), "1", "1"),
    ],
)
def test_a_shells_text_is_read_as_its_type_wants_it(kind: Callable[[], ValueType], text: str, value: object) -> None:
    read = value_of(kind(), text)
    assert (read, type(read)) == (value, type(value))
