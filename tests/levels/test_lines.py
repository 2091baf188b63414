"""The level "none" as a line: what it holds, what it does not, and that a receiver reads both levels."""

import os
import re

import pytest

from shipper import App, DeclarationError, Event, one_of
from shipper.catalog.declaration import load
from shipper.choices.saving import save_choice
from shipper.collector.http.lines import _read, read_line
from shipper.collector.http.receive import ACCEPT, REJECT, check_names, read_batch, row_of
from shipper.errors import DamagedLine
from shipper.reader import decode
from shipper.recording.folder import open_config
from shipper.recording.line import seal_line
from shipper.recording.modes import ALL, ON
from shipper.recording.unlinked import random_id, unlinked_day, unlinked_line
from tests.fixtures.sample_app import lines, sample, spool_of

LINE = unlinked_line(bytes(range(16)), "2026-11-23", "wunderctl", "0.150.0", "datasource", False, "", '"kind":"mysql"')


@pytest.fixture
def on() -> None:
    with open_config(os.environ, create=True) as config:
        save_choice(config, ALL, ON, "test", 0)


@pytest.mark.usefixtures("on")
def test_a_line_holds_nothing_that_another_line_holds_because_both_come_from_one_machine() -> None:
    app = sample(identity="none")
    assert app.record("datasource", kind="mysql")
    assert app.record("datasource", kind="mysql")

    with spool_of(dict(os.environ)) as spool:
        one, other = (event for event in lines(spool) if event["name"] == "datasource")
    assert set(one) == {"v", "id", "time", "app", "version", "name", "ci", "fields", "sum"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", str(one["time"]))
    assert {key for key in one if one[key] == other[key]} == set(one) - {"id", "sum"}


def test_an_id_of_this_level_has_no_time_in_it() -> None:
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", random_id(os.urandom(16))
    )
    assert random_id(bytes(16)) != random_id(bytes(15) + b"\1")


def test_the_quick_way_reads_it_as_the_long_way_does() -> None:
    line = LINE[:-1]
    assert _read(line) == {key: value for key, value in decode(line).items() if key not in ("v", "sum")}
    driven = LINE.replace(b'"ci":false', b'"ci":false,"agent":"codex"').rpartition(b',"sum"')[0].decode()
    assert read_line(seal_line(driven)[:-1])["agent"] == "codex"
    assert unlinked_day(LINE) == b"2026-11-23"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"time":"2026-11-23"', b'"time":"2026-11-23T10:00:00.000Z"'),
        (b'"ci":', b'"user":"5f0c8a1e7b3d4f6290a1c2d3e4f50617","ci":'),
        (b'"ci":', b'"session":"9b1d2c3e4f506172","ci":'),
        (b'"fields"', b'"os":"linux","fields"'),
        (b"-4607-", b"-7607-"),
        (b"2026-11-23", b"2026-02-30"),
    ],
)
def test_what_would_tell_more_is_refused_on_both_ways(old: bytes, new: bytes) -> None:
    assert old in LINE
    line = seal_line(LINE.replace(old, new).rpartition(b',"sum"')[0].decode())[:-1]
    with pytest.raises(DamagedLine):
        decode(line)
    with pytest.raises(DamagedLine):
        read_line(line)


def test_a_receiver_keeps_it_as_an_event_of_no_session_and_no_machine() -> None:
    batch = read_batch("key", LINE, check_names)

    (row,) = batch.rows
    assert row == row_of(decode(LINE))
    assert (row.person, row.session, row.os, row.arch, row.cpus, row.runtime) == ("", "", "", "", 0, "")
    assert row.time == 1795392000000


CENSUS_FIELDS = '"age":"first-week","os":"linux","arch":"x86_64","runtime":"cpython-3.12","agent":false'


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        (CENSUS_FIELDS, ACCEPT),
        (CENSUS_FIELDS + ',"uses.command":true,"uses.datasource":false', ACCEPT),
        (CENSUS_FIELDS.replace("first-week", "3-days"), REJECT),
        (CENSUS_FIELDS.replace("cpython-3.12", "cpython-3.12.1"), REJECT),
        (CENSUS_FIELDS + ',"uses.command":3', REJECT),
        (CENSUS_FIELDS + ',"host":"example"', REJECT),
        ('"age":"first-week"', REJECT),
    ],
)
def test_a_census_says_what_it_may_and_nothing_else(fields: str, verdict: str) -> None:
    line = unlinked_line(bytes(16), "2026-11-23", "wunderctl", "0.150.0", "shipper.census", False, "", fields)
    assert check_names(read_line(line[:-1])).outcome == verdict


def test_a_census_with_a_session_is_none() -> None:
    event = {**decode(LINE), "name": "shipper.census", "session": "1", "fields": {}}
    assert check_names(event).outcome == REJECT


def test_toml_declares_the_level_and_measured_and_randomised_fields(tmp_path: object) -> None:
    path = f"{tmp_path}/telemetry.toml"
    with open(path, "w", encoding="utf-8") as file:
        file.write("""
            app = "deploy"
            version = "1.4.0"
            endpoint = "https://telemetry.example.com"
            identity = "none"
            [events.command]
            reason = "Which commands people use."
            [events.command.fields]
            command = { type = "one_of", members = ["init", "up"], randomised = 0.1 }
            setup = { type = "since_first", commands = ["init", "up"] }
            new = { type = "first_use" }
        """)
    app = load(path)
    assert app.identity == "none"
    assert b'"identity":"none"' in app.manifest()
    assert b'"members":["init","up"],"randomised":0.1' in app.manifest()
    assert b'"setup":{"type":"since_first","commands":["init","up"]}' in app.manifest()


@pytest.mark.parametrize(
    "options",
    [
        {"identity": "anonymous"},
        {"identity_file": "~/.wunderctl#id"},
        {"questions": {"setup": {"from": "init", "to": "up"}}},
        {"wire": "wundergraph"},
        {"events": [Event(f"e{number}", "Why.", on=one_of("a")) for number in range(57)]},
        {"events": [Event("e" * 60, "Why.", on=one_of("a"))]},
    ],
)
def test_what_this_level_cannot_do_is_said_when_it_is_declared(options: dict[str, object]) -> None:
    with pytest.raises(DeclarationError):
        sample(**{"identity": "none"} | options)  # type: ignore[arg-type]


@pytest.mark.parametrize("chance", [1.0, -0.1, 2, "often"])
def test_a_chance_that_is_none_is_refused(chance: float) -> None:
    with pytest.raises(DeclarationError):
        one_of("a", "b", randomised=chance)


def test_the_default_is_a_pseudonymous_id() -> None:
    assert App("deploy", version="1", endpoint="https://telemetry.example.com").identity == "pseudonymous"


def test_a_store_keeps_it_once_and_by_its_day() -> None:
    (row,) = read_batch("key", LINE, check_names).rows
    again = read_batch("other", LINE, check_names).rows
    other = unlinked_line(bytes(16), "2026-11-23", "wunderctl", "0.150.0", "datasource", False, "", "")

    assert again == (row,)
    assert int.from_bytes(row.id[:6], "big") == row.time
    assert read_batch("key", other, check_names).rows[0].id != row.id
