"""The test kit does for an author's tests what it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import shipper.testing
from shipper.errors import BadValue
from shipper.flusher import run_pass
from shipper.testing import Recorded, assert_events
from shipper.testing.faults import FAULTS
from shipper.testing.receiver import Receiver
from tests.fixtures.sample_app import sample
from tests.integrations.test_budget import PATH

pytest_plugins: list[str] = []  # the plugin is found by its entry point, as an author's is


def flush() -> object:
    return run_pass("wunderctl", environ=os.environ | {"WUNDERCTL_TELEMETRY": "on"}, by_hand=True)


def test_what_is_recorded_is_compared_by_name_order_and_given_fields(shipper_recorded: Recorded) -> None:
    app = sample()
    assert_events()
    app.record("datasource", kind="mysql", tables=3)
    with app.command("up"):
        pass

    shipper_recorded.assert_events(("datasource", {"kind": "mysql"}), ("command", {"outcome": "ok"}))
    assert_events("datasource", "command", app="wunderctl")
    assert_events(app="another")
    for wrong in ([], ["datasource"], ["command", "datasource"], [("datasource", {"kind": "postgres"}), "command"]):
        with pytest.raises(AssertionError, match="but recorded was"):
            assert_events(*wrong)


@pytest.mark.usefixtures("shipper_recorded")
def test_a_value_that_the_catalog_does_not_know_fails_the_test_that_records_it() -> None:
    with pytest.raises(BadValue):
        sample().record("datasource", kind="oracle")


def test_an_authors_environment_does_not_decide(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    monkeypatch.setenv("WUNDERCTL_TELEMETRY", "off")
    request.getfixturevalue("shipper_recorded")

    assert sample().record("datasource", kind="mysql")


@pytest.mark.usefixtures("shipper_recorded")
def test_a_receiver_plays_faults_by_name(shipper_receiver: type[Receiver]) -> None:
    with shipper_receiver("status 503", "acknowledge") as receiver:
        sample(endpoint=receiver.endpoint).record("datasource", kind="mysql")
        flush()
        flush()

    assert len(receiver.events) == 1
    assert {"page", "redirect", "hang", "poisoned", "limited", "miscount", "reset", "flood"} <= set(FAULTS)


def test_a_test_that_asks_is_guarded_and_one_that_does_not_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text("""
import os
from shipper import App, Event
app = App("theirs", version="1", endpoint="https://192.0.2.1", policy="opt-out", events=[Event("used", "Why.")])

def test_who_does_not_ask_is_left_alone():
    assert not [name for name in os.environ if name.startswith("SHIPPER_")]

def test_who_asks_stays_out_of_the_persons_home(shipper_recorded):
    assert os.environ["SHIPPER_SPAWN"] == "0"
    assert not os.environ["SHIPPER_HOME"].startswith(os.environ["HOME"])

def test_sent_elsewhere(shipper_recorded):
    from shipper.flusher import run_pass
    assert app.record("used")
    run_pass("theirs", environ=os.environ, by_hand=True)
""")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SHIPPER_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        env=environ,
        cwd=tmp_path,
    )

    assert "3 passed, 1 error" in done.stdout, done.stdout + done.stderr
    assert "OutsideTheFence" in done.stdout
    assert not list(Path(environ["HOME"]).iterdir())


def test_a_full_temporary_folder_ends_no_run_that_asks_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text("def test_theirs(): assert True\n")
    hooks = "import sys; seen = []; add = sys.addaudithook; sys.addaudithook = seen.append\n"
    run = "import pytest; code = pytest.main(['-q', '-p', 'no:cacheprovider']); assert not seen; sys.exit(code)"
    done = subprocess.run(
        [sys.executable, "-c", hooks + run],
        capture_output=True,
        text=True,
        env=os.environ | {"TMPDIR": "/proc/nowhere"},
        cwd=tmp_path,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_plugin_costs_a_run_that_does_not_need_it_next_to_nothing() -> None:
    code = "import sys, pytest; before = set(sys.modules); import shipper.testing; print(sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert loaded == f"{sorted({*PATH, 'shipper.testing'})}\n"
    assert shipper.testing.__doc__
