"""App: what record() promises, and what it never does."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shipper import App, Event, files, one_of, wires
from shipper.choices.saving import save_choice
from shipper.errors import BadValue, DeclarationError
from shipper.recording import settings
from shipper.recording.consent import BY_UNREACHABLE
from shipper.recording.folder import open_config
from shipper.recording.lock import Lock
from shipper.recording.modes import ALL, LOCAL, OFF, ON
from shipper.recording.settings import LARGEST
from tests.fixtures.sample_app import lines, sample, spool_of


@pytest.fixture
def on() -> None:
    with open_config(os.environ, create=True) as config:
        save_choice(config, ALL, ON, "test", 0)


def environ() -> dict[str, str]:
    return dict(os.environ)


@pytest.mark.usefixtures("on")
def test_what_is_recorded_is_in_the_active_file_with_all_that_was_declared() -> None:
    assert sample().record("datasource", kind="postgres", tables=7)

    with spool_of(environ()) as spool:
        (event,) = lines(spool)
    assert event["name"] == "datasource"
    assert event["fields"] == {"kind": "postgres", "tables": 7}
    assert (event["app"], event["version"], event["ci"]) == ("wunderctl", "0.150.0", False)


def test_until_a_person_has_chosen_events_are_held_and_never_in_reach_of_a_pass() -> None:
    assert sample().record("datasource", kind="mysql")

    with spool_of(environ()) as spool:
        assert "active.ndjson" not in files.names(spool)
        with spool.folder("held") as held:
            assert [event["fields"] for event in lines(held)] == [{"kind": "mysql"}]


@pytest.mark.parametrize("variables", [{"DO_NOT_TRACK": "1"}, {"WUNDERCTL_TELEMETRY": "off"}, {"CI": "true"}])
def test_where_consent_is_missing_nothing_is_written_at_all(
    variables: dict[str, str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert not sample().record("datasource", kind="mysql")
    assert not home.exists()


@pytest.mark.usefixtures("on")
def test_the_flag_of_one_call_stops_that_call() -> None:
    app = sample()
    app.flag = OFF

    assert not app.record("datasource", kind="mysql")
    assert app.mode()[0] == OFF


@pytest.mark.usefixtures("on")
def test_a_choice_made_while_the_writer_waits_for_the_lock_holds() -> None:
    app = sample()
    assert app.record("datasource", kind="mysql")
    with spool_of(environ()) as spool:
        before = spool.read("active.ndjson", 1 << 20)
        code = "from tests.fixtures.sample_app import sample; print(sample().record('datasource', kind='mysql'))"
        with Lock(spool, 1):
            # S6: the writer decided "on" before it waits, so only the look under the lock can stop it.
            patient = "from shipper.recording.lock import set_patience; set_patience(30); print('up', flush=True)"
            writer = subprocess.Popen([sys.executable, "-c", f"{patient}; {code}"], stdout=subprocess.PIPE, text=True)
            assert writer.stdout is not None
            assert writer.stdout.readline() == "up\n"
            wait_for_lock(writer.pid)
            with open_config(environ()) as config:
                save_choice(config, "wunderctl", OFF, "test", 0)
        assert writer.communicate(timeout=30)[0] == "False\n"
        assert spool.read("active.ndjson", 1 << 20) == before


def wait_for_lock(pid: int) -> None:
    from tests.fixtures.waiting import until

    def holds_lock_file() -> bool:
        links = (f"/proc/{pid}/fd/{fd}" for fd in os.listdir(f"/proc/{pid}/fd"))
        return any(os.path.islink(link) and os.readlink(link).endswith("spool.lock") for link in links)

    until(holds_lock_file, 20)


def test_an_undeclared_event_or_value_is_never_written_and_raises_only_in_strict_tests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = sample()

    assert not app.record("surprise")
    monkeypatch.setenv("SHIPPER_STRICT", "1")
    with pytest.raises(BadValue, match="no event surprise"):
        app.record("surprise")
    with pytest.raises(BadValue, match="kind"):
        app.record("datasource", kind="my secret")


@pytest.mark.usefixtures("on")
@pytest.mark.parametrize(
    ("error", "outcome", "shown"),
    [
        (None, "ok", None),
        (KeyError("secret"), "error", "KeyError"),
        (KeyboardInterrupt(), "interrupted", None),
        (SystemExit(0), "ok", None),
        (SystemExit(2), "error", None),
        (SystemExit("words"), "error", None),
    ],
)
def test_a_command_is_measured_however_it_ends_and_the_error_goes_on(
    error: BaseException | None, outcome: str, shown: str | None
) -> None:
    raised: BaseException | None = None
    try:
        with sample().command("up"):
            if error is not None:
                raise error
    except BaseException as caught:
        raised = caught

    assert raised is error
    with spool_of(environ()) as spool:
        (event,) = lines(spool)
    fields = event["fields"]
    assert isinstance(fields, dict)
    assert fields.pop("duration_ms") >= 0
    assert fields == {"command": "up", "outcome": outcome} | ({"error": shown} if shown else {})
    assert b"secret" not in str(event).encode()


@pytest.mark.usefixtures("on")
def test_a_newer_version_takes_the_spool_over_and_an_older_one_cannot_take_it_back() -> None:
    assert sample(version="1.9.0").record("datasource", kind="mysql")
    assert sample(version="1.10.0", endpoint="http://127.0.0.1:10").record("datasource", kind="mysql")
    assert sample(version="1.9.9", endpoint="http://127.0.0.1:11").record("datasource", kind="mysql")

    with spool_of(environ()) as spool:
        assert b'"endpoint":"http://127.0.0.1:10"' in spool.read("app.json", 1 << 20)
        assert [event["version"] for event in lines(spool)] == ["1.9.0", "1.10.0", "1.9.9"]


@pytest.mark.usefixtures("on")
def test_an_endpoint_from_the_environment_has_a_spool_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUNDERCTL_TELEMETRY_ENDPOINT", "http://127.0.0.1:12")
    assert sample().record("datasource", kind="mysql")

    apps = Path(os.environ["SHIPPER_HOME"]) / "state/shipper/apps"
    (only,) = os.listdir(apps)
    assert only.startswith("wunderctl@")
    assert b"127.0.0.1:12" in (apps / only / "app.json").read_bytes()


@pytest.mark.usefixtures("on")
def test_a_forked_child_is_a_session_of_its_own_and_doubles_nothing() -> None:
    app = sample()
    assert app.record("datasource", kind="mysql")
    child = os.fork()
    if child == 0:
        os._exit(0 if app.record("datasource", kind="mysql") else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert app.record("datasource", kind="mysql")

    with spool_of(environ()) as spool:
        events = lines(spool)
    assert len({event["id"] for event in events}) == 3
    assert [event["session"] == events[0]["session"] for event in events] == [True, False, True]


@pytest.mark.usefixtures("on")
def test_no_descriptor_outlives_record() -> None:
    app = sample()
    app.record("datasource", kind="mysql")
    before = os.listdir("/proc/self/fd")
    app.record("datasource", kind="mysql")

    assert os.listdir("/proc/self/fd") == before


WRONG: list[dict[str, object]] = [
    {"name": "Wunder"},
    {"name": "1up"},
    {"name": ""},
    {"name": "a" * 33},
    {"version": "one two"},
    {"endpoint": ""},
    {"endpoint": "http://x\n"},
    {"wire": "a b"},
    {"policy": "always"},
    {"ci": "sometimes"},
    {"flush_interval": 0},
    {"max_bytes": -1},
    {"durability": "forever"},
    {"events": [Event("a", "Why."), Event("a", "Why.")]},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: ",".join(wrong))
def test_a_wrong_declaration_is_told_to_the_author_at_once(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {"name": "right", "version": "1", "endpoint": "http://127.0.0.1:9"}
    options = right | wrong

    with pytest.raises(DeclarationError):
        App(options.pop("name"), **options)  # type: ignore[arg-type]


def test_the_smallest_use_is_as_small_as_the_readme_says() -> None:
    app = App(
        "mytool", version="1.0", endpoint="http://127.0.0.1:9", events=[Event("theme", "Why.", name=one_of("dark"))]
    )

    assert app.record("theme", name="dark")
    assert app.mode()[0] == LOCAL


def test_a_home_that_is_no_folder_means_off_and_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPPER_HOME", "/dev/null")
    monkeypatch.setenv("WUNDERCTL_TELEMETRY", "on")
    assert sample().mode() == (OFF, BY_UNREACHABLE)
    assert not sample().record("datasource", kind="mysql")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"wire": "carrier-pigeon"}, "no wire is called 'carrier-pigeon'"),
        ({"endpoint": "telemetry.example.com"}, "no place to send to"),
        ({"endpoint": "https:telemetry.example.com"}, "no place to send to"),
        ({"endpoint": "http://"}, "no place to send to"),
        ({"endpoint": "http://telemetry.example.com"}, "no place to send to"),
        ({"endpoint": "ftp://telemetry.example.com"}, "no place to send to"),
        ({"max_bytes": LARGEST}, "below 2 to the 53rd"),
    ],
)
def test_what_no_pass_could_ever_send_is_refused_when_it_is_declared(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        App("wunderctl", version="1", **{"endpoint": "https://telemetry.example.com", **wrong})


def test_the_wires_that_an_app_can_name_are_those_that_a_pass_has() -> None:
    assert (tuple(wires.WIRES), tuple(wires.LOCAL)) == (settings.WIRES, settings.LOCAL_SCHEMES)


@pytest.mark.usefixtures("on")
def test_an_endpoint_from_the_environment_that_no_manifest_can_hold_is_no_endpoint(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("WUNDERCTL_TELEMETRY_ENDPOINT", "http://127.0.0.1:9/\n\x1b[2J")
    assert not sample().record("datasource", kind="mysql")
    assert not (home / "state").exists()
