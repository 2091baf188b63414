"""Where an id would be a new person each time there is none, and what is past its last day is not recorded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shipper import App, Event, flag
from shipper.reader import decode
from shipper.recording.automation import one_run_home
from tests.fixtures.sample_app import lines, spool_of

RECORD = """
from tests.fixtures.sample_app import sample
assert sample().record("datasource", kind="mysql")
"""


def recorded(home: Path, **environ: str | None) -> dict[str, object]:
    """Record an event in a process of its own and read it where it then lies."""
    known = {**os.environ, "WUNDERCTL_TELEMETRY": "on", **environ}
    kept = {name: value for name, value in known.items() if value is not None}
    subprocess.run([sys.executable, "-c", RECORD], check=True, env=kept)
    (spool,) = home.rglob("active.ndjson")
    return decode(spool.read_bytes())


def ids(home: Path) -> list[str]:
    return [path.name for path in home.rglob("*.id")]


def test_a_person_at_home_has_an_id(home: Path) -> None:
    event = recorded(home)
    assert (len(str(event["user"])), "agent" in event) == (32, False)
    assert ids(home) == ["wunderctl.id"]


@pytest.mark.parametrize("sign", ["CI", "GITHUB_ACTIONS", "BUILD_NUMBER", "bamboo_planKey"])
def test_in_ci_an_event_carries_no_id_and_none_is_made(sign: str, home: Path) -> None:
    event = recorded(home, **{sign: "1"})
    assert (event["ci"], "user" in event, ids(home)) == (True, False, [])


def test_under_an_agent_an_event_names_it_and_keeps_the_id(home: Path) -> None:
    event = recorded(home, AI_AGENT="secret-value-of-theirs", GEMINI_CLI="1")
    assert (event["agent"], "user" in event) == ("gemini-cli", True)
    assert "secret-value" not in str(event)


def test_in_a_home_for_one_run_an_event_carries_no_id_and_none_is_made(tmp_path: Path) -> None:
    person = tmp_path / "person"
    environ = {"HOME": str(person), "TMPDIR": str(tmp_path)}
    assert one_run_home(environ)
    event = recorded(person, SHIPPER_HOME=None, **environ)
    assert (event["ci"], "user" in event, ids(person)) == (False, False, [])


def test_what_is_past_its_last_day_is_recorded_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUNDERCTL_TELEMETRY", "on")
    events = [
        Event("old", "Why.", expires="2026-01-01"),
        Event("young", "Why.", expires="2199-01-01", old=flag(expires="2026-01-01"), young=flag()),
    ]
    app = App("wunderctl", version="1.0", endpoint="http://127.0.0.1:9", events=events)
    assert not app.record("old")
    assert app.record("young", old=True, young=True)
    with spool_of(dict(os.environ)) as spool:
        assert [(event["name"], event["fields"]) for event in lines(spool)] == [("young", {"young": True})]
