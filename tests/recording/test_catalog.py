"""The closed value types, and events made of them: nothing leaves that was not declared."""

import enum
import json
import sys
import types
from collections.abc import Callable
from decimal import Decimal

import httpcore
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.errors import BadValue, DeclarationError
from shipper.recording.event import MAX_FIELDS, Event, by_name
from shipper.recording.line import MAX_LINE
from shipper.recording.names import valid_date, valid_name
from shipper.recording.values import (
    MAX_MILLISECONDS,
    ValueType,
    error_class,
    flag,
    integer,
    milliseconds,
    one_of,
    quote,
    version_number,
)

OUTSIDE = None
ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.text()), st.decimals()
)
TYPES: dict[str, Callable[[], ValueType]] = {
    "one_of": lambda: one_of("up", "init"),
    "integer": lambda: integer(-2, 10),
    "milliseconds": milliseconds,
    "rough milliseconds": lambda: milliseconds(1000, 100),
    "flag": flag,
    "version_number": version_number,
    "error_class": error_class,
}


class Command(str, enum.Enum):  # noqa: UP042  StrEnum prints as its value: the harmless one
    """A member of a str enum prints as `Command.UP`, which nobody declared."""

    UP = "up"


class OwnError(Exception):
    """An error of the package that declares the catalog: here the tests'."""


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("one_of", "up", '"up"'),
        ("one_of", Command.UP, '"up"'),
        ("one_of", "other", '"other"'),
        ("one_of", "/home/jane/secret", OUTSIDE),
        ("one_of", 1, OUTSIDE),
        ("one_of", ["up"], OUTSIDE),
        ("integer", -2, "-2"),
        ("integer", 10, "10"),
        ("integer", 11, OUTSIDE),
        ("integer", True, OUTSIDE),
        ("integer", 3.0, OUTSIDE),
        ("integer", "3", OUTSIDE),
        ("milliseconds", 12, "12"),
        ("milliseconds", 12.9, "12"),
        ("milliseconds", MAX_MILLISECONDS, str(MAX_MILLISECONDS)),
        ("milliseconds", MAX_MILLISECONDS + 1, OUTSIDE),
        ("milliseconds", -0.1, OUTSIDE),
        ("milliseconds", float("nan"), OUTSIDE),
        ("milliseconds", float("inf"), OUTSIDE),
        ("milliseconds", True, OUTSIDE),
        ("rough milliseconds", 99, "0"),
        ("rough milliseconds", 100, "100"),
        ("rough milliseconds", 999.9, "100"),
        ("rough milliseconds", 10**6, "1000"),
        ("flag", True, "true"),
        ("flag", False, "false"),
        ("flag", 1, OUTSIDE),
        ("flag", "true", OUTSIDE),
        ("version_number", "3.12.1", '"3.12.1"'),
        ("version_number", "v18.2.0", '"18.2.0"'),
        ("version_number", "1.2.3-janes-branch", '"1.2.3"'),
        ("version_number", "3.13.0rc1", '"3.13.0"'),
        ("version_number", "1.2.3.4.5", '"1.2.3.4"'),
        ("version_number", "20261123", '"20261123"'),
        ("version_number", "020261123", OUTSIDE),
        ("version_number", "1.", '"1"'),
        ("version_number", "1..2", '"1"'),
        ("version_number", "main", OUTSIDE),
        ("version_number", "\u0663.1", OUTSIDE),
        ("version_number", 3.12, OUTSIDE),
        ("error_class", ValueError("postgres://jane:secret@db"), '"ValueError"'),
        ("error_class", KeyboardInterrupt, '"KeyboardInterrupt"'),
        ("error_class", "FileNotFoundError", '"FileNotFoundError"'),
        ("error_class", "print", OUTSIDE),
        ("error_class", "JanesError", OUTSIDE),
        ("error_class", json.JSONDecodeError("x", "y", 0), '"json.decoder.JSONDecodeError"'),
        ("error_class", OwnError("x"), '"tests.recording.test_catalog.OwnError"'),
        ("error_class", "", OUTSIDE),
        ("error_class", 7, OUTSIDE),
    ],
)
def test_a_value_is_said_in_its_type_or_not_at_all(kind: str, value: object, said: str | None) -> None:
    assert TYPES[kind]().encode(value) == said


@pytest.mark.parametrize("kind", TYPES)
@given(value=ANYTHING)
def test_no_value_whatever_leaves_its_type(kind: str, value: object) -> None:
    declared = TYPES[kind]()
    said = declared.encode(value)
    if said is None:
        return
    read = json.loads(said)
    assert {
        "one_of": read in ("up", "init", "other"),
        "integer": type(read) is int and -2 <= read <= 10,
        "milliseconds": type(read) is int and 0 <= read <= MAX_MILLISECONDS,
        "rough milliseconds": type(read) is int and read in (0, 100, 1000),
        "flag": type(read) is bool,
        "version_number": isinstance(read, str) and set(read) <= set("0123456789."),
        "error_class": isinstance(read, str) and valid_name(read),
    }[kind] or read == "other"


def installed(name: str, place: str, monkeypatch: pytest.MonkeyPatch) -> type[BaseException]:
    """A class whose package lies at place, as an import would leave it."""
    module = types.ModuleType(name)
    module.__file__ = place
    monkeypatch.setitem(sys.modules, name, module)
    return type("ConnectError", (Exception,), {"__module__": name + ".deep"})


def test_a_declared_dependencys_error_is_named_and_an_installed_private_packages_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    theirs = installed("postgrest", "/x/lib/python3.12/site-packages/postgrest/__init__.py", monkeypatch)
    private = installed("acme_merger_2027", "/x/site-packages/acme_merger_2027/__init__.py", monkeypatch)
    own = error_class()
    own.own_package = "httpx"  # a real distribution: it requires httpcore, and pytest does not know it
    assert own.encode(httpcore.ConnectError()) == '"httpcore.ConnectError"'
    assert own.encode(httpx.ConnectError("x")) == '"httpx.ConnectError"'
    assert own.encode(pytest.UsageError()) is OUTSIDE, "installed, and no dependency of httpx"
    assert own.encode(private()) is OUTSIDE
    assert error_class().encode(httpcore.ConnectError()) is OUTSIDE, "tests are of no distribution"
    own.own_package = "click.testing"  # no distribution is called so
    assert own.encode(httpcore.ConnectError()) is OUTSIDE
    private = installed("janes_project", "/home/jane/janes_project/__init__.py", monkeypatch)
    assert error_class("janes_project").encode(private()) == '"janes_project.deep.ConnectError"'
    assert error_class("janes_project").encode(theirs()) is OUTSIDE, "with packages given, only those"
    assert error_class("postgrest").encode("postgrest.ConnectError") == '"postgrest.ConnectError"'


def test_a_name_that_is_too_long_is_said_by_its_package() -> None:
    long = type("LostError", (Exception,), {"__module__": "deeppackage." + "deeper." * 9 + "module"})
    longer = type("L" * 70, (Exception,), {"__module__": "deeppackage"})
    assert error_class("deeppackage").encode(long()) == '"deeppackage.LostError"'
    assert error_class("deeppackage").encode(longer()) is OUTSIDE


def command() -> Event:
    return Event(
        "command",
        "Which commands people use.",
        command=one_of("up", "init"),
        duration_ms=milliseconds(),
        node=version_number(expires="2026-11-23"),
    )


def test_fields_are_said_in_the_declared_order_and_only_those_given() -> None:
    assert command().encode_fields({"duration_ms": 12, "command": "up"}) == '"command":"up","duration_ms":12'
    assert command().encode_fields({}) == ""


def test_what_is_outside_its_type_becomes_other_or_is_left_out_and_is_counted() -> None:
    said = command().encode_fields({"command": "rm -rf", "duration_ms": "long", "path": "/home/jane"})
    assert json.loads(f"{{{said}}}") == {"command": "other", "shipper.out_of_type": 3}


@pytest.mark.parametrize("given_fields", [{"command": "rm"}, {"duration_ms": -1}, {"path": 1}])
def test_strict_raises_for_what_would_be_counted(given_fields: dict[str, object]) -> None:
    with pytest.raises(BadValue, match=next(iter(given_fields))):
        command().encode_fields(given_fields, strict=True)


@pytest.mark.parametrize(("today", "said"), [("2026-11-23", '"node":"18.2.0"'), ("2026-11-24", "")])
def test_a_field_is_recorded_until_its_last_day(today: str, said: str) -> None:
    assert command().encode_fields({"node": "18.2.0"}, strict=True, today=today) == said


def test_an_event_is_recorded_until_its_last_day() -> None:
    event = Event("command", "Why.", expires="2026-11-23")
    assert [event.expired(day) for day in ("2026-11-22", "2026-11-23", "2026-11-24")] == [False, False, True]
    assert not Event("command", "Why.").expired("9999-12-31")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: one_of(),
        lambda: one_of("a", "a"),
        lambda: one_of("with blank"),
        lambda: one_of("x" * 65),
        lambda: one_of(1),  # type: ignore[arg-type]
        lambda: integer(2, 1),
        lambda: integer(0, 1 << 63),
        lambda: integer(False, 1),
        lambda: milliseconds(0),
        lambda: milliseconds(MAX_MILLISECONDS + 1),
        lambda: error_class("a.b"),
        lambda: flag(reason=1),  # type: ignore[arg-type]
        lambda: flag(expires="soon"),
        lambda: Event("two words", "Why."),
        lambda: Event("shipper.losses", "Why."),
        lambda: Event("command", ""),
        lambda: Event("command", "Why.", expires="2026-13-01"),
        lambda: Event("command", "Why.", owner=flag()),  # type: ignore[arg-type]
        lambda: Event("command", "Why.", path="text"),  # type: ignore[arg-type]
        lambda: Event("command", "Why.", **{"shipper.x": flag()}),  # type: ignore[arg-type]
        lambda: Event("command", "Why.", **{'a"b': flag()}),  # type: ignore[arg-type]
        lambda: Event("command", "Why.", **{f"f{n}": flag() for n in range(MAX_FIELDS + 1)}),  # type: ignore[arg-type]
        lambda: by_name([command(), command()]),
    ],
)
def test_a_wrong_declaration_raises_when_it_is_made(wrong: Callable[[], object]) -> None:
    with pytest.raises(DeclarationError):
        wrong()


def test_the_largest_event_that_can_be_declared_fits_into_a_line() -> None:
    names = [f"{'f' * 62}{n:02}" for n in range(MAX_FIELDS)]
    event = Event("command", "Why.", **{name: one_of("m" * 64) for name in names})  # type: ignore[arg-type]
    envelope = 8 * 64 + 300
    assert len(event.encode_fields(dict.fromkeys(names, "m" * 64) | {"undeclared": 1})) + envelope < MAX_LINE


@given(st.text())
def test_quoted_text_is_ascii_json_of_the_same_text(text: str) -> None:
    quoted = quote(text)
    assert quoted.isascii()
    assert json.loads(quoted) == text


def test_the_manifest_says_everything_that_was_declared() -> None:
    event = Event(
        "command",
        'Which "commands" people use: \u00e4.',
        owner="cli@example.com",
        expires="2027-01-01",
        command=one_of("up", "init", reason="What to polish.", owner="jane", expires="2026-12-01"),
        count=integer(0, 9),
        took=milliseconds(1000, 100),
        error=error_class("httpx"),
        tty=flag(),
    )
    assert json.loads(event.manifest()) == {
        "name": "command",
        "reason": 'Which "commands" people use: \u00e4.',
        "owner": "cli@example.com",
        "expires": "2027-01-01",
        "fields": {
            "command": {
                "type": "one_of",
                "members": ["up", "init"],
                "reason": "What to polish.",
                "owner": "jane",
                "expires": "2026-12-01",
            },
            "count": {"type": "integer", "range": [0, 9]},
            "took": {"type": "milliseconds", "bounds": [100, 1000]},
            "error": {"type": "error_class", "packages": ["httpx"]},
            "tty": {"type": "flag"},
        },
    }


@given(value=st.decimals(allow_nan=False) | st.fractions())
def test_numbers_of_other_kinds_are_left_out(value: Decimal) -> None:
    assert integer(-10, 10).encode(value) is OUTSIDE
    assert milliseconds().encode(value) is OUTSIDE


def test_a_day_is_recognised() -> None:
    assert valid_date("2026-11-23")
    for text in ("", "2026-11-2", "2026/11/23", "2026-00-10", "2026-01-32", "20261123", None, "\u0662026-11-23"):
        assert not valid_date(text), text
