"""The notice of an opt-out app: once, on a terminal, and nothing is recorded before it."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shipper import App, files
from shipper.choices import notice
from shipper.privacy.page import as_markdown
from shipper.recording.consent import NOTICE_DUE
from shipper.recording.folder import Folder, open_config
from shipper.recording.lock import Lock
from shipper.recording.modes import OFF, ON
from tests.fixtures.sample_app import lines, sample, spool_of
from tests.fixtures.terminal import Screen, on_terminal, screen

RUN = """
import sys
from tests.fixtures.sample_app import sample
words = {"about": "https://example.com/telemetry", "notice": "With thanks from\\nthe authors."}
app = sample(policy="opt-out", **words, **eval(sys.argv[1]))
print(app.record("datasource", kind="mysql"), app.record("datasource", kind="mysql"))
"""
SHOWN = "Nothing was recorded in this run."


def run(options: str = "{}", **environ: str) -> tuple[str, str]:
    code, out, shown = on_terminal(RUN, environ, [options])
    assert code == 0, shown
    return out.decode(), shown


def test_the_first_run_shows_it_and_records_nothing_and_the_second_records_and_shows_nothing() -> None:
    assert run() == ("False False\n", notice.text(noticed()))
    assert run() == ("True True\n", "")
    with spool_of(dict(os.environ)) as spool:
        assert len(lines(spool)) == 2


def noticed() -> App:
    return sample(policy="opt-out", about="https://example.com/telemetry", notice="With thanks from\nthe authors.")


def test_it_says_what_why_where_how_to_see_and_how_to_stop() -> None:
    text = notice.text(noticed())
    for part in (
        "wunderctl sends usage telemetry",
        "pseudonymous",
        "Which commands people use, how long they take, how they end.",
        "Which data sources people connect.",
        "http://127.0.0.1:9",
        "shipper show wunderctl",
        "shipper off wunderctl",
        "WUNDERCTL_TELEMETRY=off",
        "DO_NOT_TRACK=1",
        "https://example.com/telemetry",
        "With thanks from\nthe authors.",
    ):
        assert part in text


def test_without_a_terminal_nothing_is_shown_and_nothing_recorded_until_it_was_shown() -> None:
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", RUN, "{}"], capture_output=True, check=True)
        assert (done.stdout, done.stderr) == (b"False False\n", b"")
    assert SHOWN in run()[1]
    done = subprocess.run([sys.executable, "-c", RUN, "{}"], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"True True\n", b"")


@pytest.mark.parametrize(
    "environ", [{"CI": "true"}, {"DO_NOT_TRACK": "1"}, {"WUNDERCTL_TELEMETRY": "off"}, {"WUNDERCTL_TELEMETRY": "local"}]
)
def test_who_need_not_be_asked_is_not_told(environ: dict[str, str], home: Path) -> None:
    assert run(**environ)[1] == ""
    assert not (home / "config/shipper/wunderctl.notice").exists()


def test_a_changed_policy_shows_it_again_and_stops_recording_until_then() -> None:
    assert SHOWN in run()[1]
    changed = "{'policy_date': '2026-11-23'}"
    assert run("{'policy_date': ''}") == ("True True\n", "")
    out, shown = run(changed)
    assert (out, SHOWN in shown) == ("False False\n", True)
    assert run(changed) == ("True True\n", "")
    assert run() == ("True True\n", ""), "an older version of the app does not ask again"
    out, shown = run("{'policy_date': '2027-01-01'}")
    assert (out, SHOWN in shown) == ("False False\n", True)


def test_the_mark_says_for_which_policy_and_when(home: Path) -> None:
    run("{'policy_date': '2026-11-23'}")
    date, time = (home / "config/shipper/wunderctl.notice").read_text().split()
    assert date == "2026-11-23"
    assert len(time) == 24
    assert (home / "config/shipper/wunderctl.notice").stat().st_mode & 0o777 == 0o600


def test_fifty_racing_first_runs_show_one_notice_and_fifty_second_runs_make_one_id() -> None:
    # Each stands ready to record and starts when the pipe that it reads from is closed.
    patient = "import shipper.choices.notice; from shipper.recording.lock import set_patience; set_patience(60)"
    racer = RUN.replace("app = ", f"{patient}; sys.stdin.read()\napp = ")
    with screen() as shown:
        first, second = race(racer, shown), race(racer, shown)
        shown.close()
        assert shown.text().count(SHOWN) == 1
    # Who looks after another run has shown the notice is a later run.
    assert b"False False\n" in first
    assert set(first) <= {b"False False\n", b"True True\n"}
    assert set(second) == {b"True True\n"}
    with spool_of(dict(os.environ)) as spool:
        events = lines(spool)
    assert len(events) == 2 * (first + second).count(b"True True\n")
    assert len({event["user"] for event in events}) == 1


def race(code: str, shown: Screen) -> list[bytes]:
    start, line = os.pipe()
    command = [sys.executable, "-c", "import sys, shipper\n" + code, "{}"]
    racers = [subprocess.Popen(command, stdin=start, stdout=subprocess.PIPE, stderr=shown.slave) for _ in range(50)]
    os.close(start)
    os.close(line)
    return [racer.communicate()[0] for racer in racers]


KILLED = (
    """
import os, sys
os.rename = lambda *arguments, **options: os._exit(9)
"""
    + RUN
)


def test_who_is_killed_between_showing_and_marking_shows_it_again() -> None:
    code, _, shown = on_terminal(KILLED, arguments=["{}"])
    assert (code, SHOWN in shown) == (9, True)
    out, shown = run()
    assert (out, SHOWN in shown) == ("False False\n", True)
    assert run() == ("True True\n", "")


FULL = (
    """
from shipper import files
def full(*arguments, **options): raise OSError(28, "No space left on device")
files.write = full
"""
    + RUN
)


def test_where_the_mark_cannot_be_made_nothing_is_shown() -> None:
    assert on_terminal(FULL, arguments=["{}"]) == (0, b"False False\n", "")
    assert SHOWN in run()[1]


def test_a_held_lock_settles_the_run_silent_and_unrecorded() -> None:
    with screen() as shown:
        with os.fdopen(os.dup(shown.slave), "w") as stream, open_config(os.environ, create=True) as config:
            with Lock(config, 1.0, "wunderctl.lock"):
                assert notice.show_once(noticed(), os.environ, 0, stream)
            assert files.names(config) == ["wunderctl.lock"], "nothing was marked"
        shown.close()
        assert shown.text() == ""


def test_the_choice_of_a_person_stands_above_the_notice() -> None:
    with open_config(os.environ, create=True) as config:
        from shipper.choices.saving import save_choice

        save_choice(config, "wunderctl", ON, "command", 0)
        assert run() == ("True True\n", "")
        save_choice(config, "wunderctl", OFF, "command", 0)
        assert run() == ("False False\n", "")


def test_a_host_that_prints_json_prints_it_byte_for_byte() -> None:
    host = RUN.replace(
        "print(app.record", "app.record('datasource', kind='mysql'); print('{\"ok\": true}')\n(app.record"
    )
    bare = b'{"ok": true}\n'
    for _ in range(2):
        code, out, _ = on_terminal(host, arguments=["{}"])
        assert (code, out) == (0, bare)
        assert json.loads(out) == {"ok": True}


def test_until_it_was_shown_the_app_says_that_it_is_due() -> None:
    app = sample(policy="opt-out")
    assert app.mode() == (OFF, NOTICE_DUE)
    with open_config(os.environ, create=True) as config:
        assert isinstance(config, Folder)
        files.write(config, "wunderctl.notice", b"- 2026-11-23T10:00:00.000Z\n")
    assert app.mode()[0] == ON


def test_an_instrumented_program_names_its_own_commands() -> None:
    app = noticed()
    parser = argparse.ArgumentParser("wunderctl")
    parser.add_subparsers()
    app.instrument(parser, prog="wunderctl")
    assert "wunderctl telemetry off  (or set WUNDERCTL_TELEMETRY=off" in notice.text(app)
    assert "wunderctl telemetry show" in notice.text(app)
    assert "shipper off" not in notice.text(app) + as_markdown(app)
    app = noticed()
    app.instrument(test_an_instrumented_program_names_its_own_commands)
    assert "shipper off wunderctl" in notice.text(app)
