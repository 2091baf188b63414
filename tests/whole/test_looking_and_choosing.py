"""A person sees everything that waits, and what they choose is what happens."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from shipper.recording.folder import open_app, open_state
from shipper.recording.lock import Lock
from tests.fixtures.command_line import record, shipper


def spool(home: Path) -> Path:
    return home / "state" / "shipper" / "apps" / "counter"


def pending() -> list[int]:
    return [json.loads(line)["fields"]["number"] for line in shipper("show", "counter").stdout.splitlines()]


def status(**environ: str) -> dict[str, object]:
    (one,) = json.loads(shipper("status", "--json", **environ).stdout)
    assert isinstance(one, dict)
    return one


def test_show_prints_exactly_the_bytes_on_disk(home: Path) -> None:
    record(0, 3)
    shown = shipper("show", "counter")
    assert shown.stdout.encode() == (spool(home) / "held" / "active.ndjson").read_bytes()
    assert shown.stderr == "3 events pending\n"


def test_show_finds_every_line_wherever_a_pass_has_brought_it(home: Path) -> None:
    record(0, 2)
    shipper("on", "counter", "--with-held")
    (sealed,) = (spool(home) / "sealed").iterdir()
    (spool(home) / "sending").mkdir(mode=0o700)
    sealed.rename(spool(home) / "sending" / sealed.name)
    record(2, 2)
    shipper("local", "counter")
    record(4, 2)
    assert pending() == [0, 1, 2, 3, 4, 5]


def test_show_ends_where_there_is_nothing() -> None:
    nothing = shipper("show")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "0 events pending\n")


def test_an_app_that_never_recorded_is_named_with_those_that_did() -> None:
    record(0, 1)
    unknown = shipper("show", "countre")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == (
        "shipper: no app called countre has recorded anything here\n  Did you mean `counter`? Known here: counter.\n"
    )
    assert "Did you mean `counter`?" in shipper("forget", "countre").stderr


def test_a_choice_for_an_app_that_never_recorded_says_so_and_holds() -> None:
    record(0, 1)
    off = shipper("off", "countre")
    assert off.returncode == 0
    assert "nothing called countre has recorded here; the choice holds if it ever does" in off.stderr
    assert "Did you mean `counter`?" in off.stderr
    assert status()["mode"] == "local", "the app that was meant is not off"


def test_a_line_in_quarantine_is_shown_with_its_reason(home: Path) -> None:
    record(0, 1)
    (spool(home) / "quarantine").mkdir(mode=0o700)
    entry = spool(home) / "quarantine" / "20261123T100000123Z-1f2e3d4c.7"
    entry.write_bytes(b'{"reason":"rejected","detail":"no such event","time":"2026-11-23T10:00:00.123Z"}\n{"v":1}\n')
    entry.chmod(0o600)
    shown = json.loads(shipper("show", "--quarantine").stdout)
    assert (shown["name"], shown["reason"], shown["detail"]) == (entry.name, "rejected", "no such event")
    assert shown["line"] == '{"v":1}'


def test_an_event_is_dropped_from_quarantine_by_its_id(home: Path) -> None:
    record(0, 1)
    line = shipper("show").stdout
    (spool(home) / "quarantine").mkdir(mode=0o700)
    entry = spool(home) / "quarantine" / "20261123T100000123Z-1f2e3d4c.7"
    entry.write_text(json.dumps({"reason": "rejected", "id": json.loads(line)["id"]}) + "\n" + line)
    entry.chmod(0o600)
    known = json.loads(line)["id"]
    assert shipper("drop", known).stderr == "1 event erased from quarantine\n"
    assert shipper("show", "--quarantine").stdout == ""
    again = shipper("drop", known)
    assert (again.returncode, again.stderr.splitlines()[0]) == (1, f"shipper: nothing called {known} is in quarantine")


def test_on_covers_what_is_recorded_from_then_on_and_what_was_held_goes_only_when_it_is_said() -> None:
    record(0, 2)
    assert (status()["mode"], status()["held"], status()["pending"]) == ("local", 2, 0)
    stays = "2 events recorded before stay here: `shipper on counter --with-held` sends them too"
    assert shipper("on", "counter").stderr == f"counter: on\n  counter: {stays}\n"
    record(2, 1)
    assert (status()["mode"], status()["held"], status()["pending"]) == ("on", 2, 1)
    said = shipper("on", "counter", "--with-held").stderr
    assert said == "counter: on\n  counter: 2 events recorded before may go too\n"
    assert (status()["mode"], status()["held"], status()["pending"]) == ("on", 0, 3)


@pytest.mark.parametrize("said", [{"DO_NOT_TRACK": "1"}, {"COUNTER_TELEMETRY": "off"}], ids=str)
def test_what_waits_is_held_once_an_invocation_was_told_not_to_track(said: dict[str, str]) -> None:
    shipper("on", "counter")
    record(0, 2)
    assert (status()["held"], status()["pending"]) == (0, 2)
    assert record(2, 1, **said) == []
    assert (status()["mode"], status()["held"], status()["pending"]) == ("on", 2, 0)
    assert shipper("flush", "counter").stdout == "nothing to send\n"
    record(3, 1)
    assert (status()["held"], status()["pending"]) == (2, 1), "what is recorded later without it is not touched"
    shown = next(line for line in shipper("status", "counter").stdout.splitlines() if "  held " in line)
    why = "DO_NOT_TRACK is set" if "DO_NOT_TRACK" in said else "the environment says off"
    assert shown.endswith(f"2 events stay here ({why}) until `shipper on counter --with-held`")
    shipper("on", "counter", "--with-held")
    assert (status()["held"], status()["pending"], status()["held_because"]) == (0, 3, "")


def test_local_in_the_environment_is_about_that_call_and_holds_back_nothing_else() -> None:
    shipper("on", "counter")
    record(0, 2)
    record(2, 1, COUNTER_TELEMETRY="local")
    assert (status()["held"], status()["pending"]) == (1, 2)


def test_local_holds_back_what_waited_to_be_sent() -> None:
    shipper("on", "counter")
    record(0, 2)
    assert shipper("local", "counter").stderr == "counter: local\n  counter: 2 events held back here\n"
    assert (status()["held"], status()["pending"]) == (2, 0)


@pytest.mark.parametrize("app", [["counter"], []])
def test_off_erases_every_byte_of_every_event(home: Path, app: list[str]) -> None:
    shipper("on", "counter")
    record(0, 2)
    shipper("local", "counter")
    record(2, 2)
    assert shipper("off", *app).returncode == 0
    assert record(4, 2) == []
    files = [path for path in spool(home).rglob("*") if path.is_file()]
    assert [path.name for path in files if b"number" in path.read_bytes()] == ["app.json"]


def test_on_after_off_lets_nothing_go_that_came_in_meanwhile(home: Path) -> None:
    record(0, 2)
    kept = (spool(home) / "held" / "active.ndjson").read_bytes()
    shipper("off", "counter")
    late = spool(home) / "held" / "active.ndjson"
    late.write_bytes(kept)
    late.chmod(0o600)
    shipper("on", "counter")
    assert pending() == []


def test_a_person_who_was_off_comes_back_as_somebody_else() -> None:
    record(0, 1)
    before = json.loads(shipper("show").stdout)["user"]
    shipper("off", "counter")
    shipper("on", "counter")
    record(1, 1)
    assert json.loads(shipper("show").stdout)["user"] != before


def test_off_says_so_and_fails_when_it_could_not_erase() -> None:
    record(0, 2)
    with open_state(os.environ) as state, open_app(state, "counter") as folder, Lock(folder, 1.0):
        failed = shipper("off", "counter")
    assert failed.returncode == 1
    assert "2 events still here" in failed.stderr
    assert record(2, 1) == [], "the choice holds all the same"
    assert shipper("off", "counter").returncode == 0
    assert pending() == []


def test_what_the_environment_forbids_is_said_when_somebody_agrees() -> None:
    record(0, 1)
    said = shipper("on", "counter", DO_NOT_TRACK="1").stderr
    assert "is off all the same: DO_NOT_TRACK is set" in said


def test_status_names_every_rule_and_the_one_that_decided() -> None:
    record(0, 1)
    shipper("local")
    named = {"COUNTER_TELEMETRY_TOKEN": "s3cret", "COUNTER_TELEMETRY_ENDPOINT": "http://127.0.0.1:9"}
    lines = shipper("status", "counter", "--why", COUNTER_TELEMETRY="yes", **named).stdout.splitlines()
    assert lines[0] == "counter 1.0: local (chosen for all apps)", "a variable does not raise what was chosen"
    rows = {line[4:32].strip(): line[32:] for line in lines if line.startswith("    ")}
    assert list(rows) == [
        "DO_NOT_TRACK",
        "COUNTER_TELEMETRY",
        "choice for all apps",
        "choice for counter",
        "/etc/shipper",
        ".shipper",
        "CI",
        "policy",
        "notice shown",
        "decided by",
        "question asked",
        "id",
        "coding agent",
        "COUNTER_TELEMETRY_ENDPOINT",
        "COUNTER_TELEMETRY_TOKEN",
        "SHIPPER_SPAWN",
        "SHIPPER_HOME",
    ]
    assert rows["decided by"] == "chosen for all apps"
    assert "s3cret" not in str(rows)
    assert re.fullmatch(r"local \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z shipper", rows["choice for all apps"])
    assert rows["policy"] == "opt-in, in CI off"
    assert re.fullmatch("[0-9a-f]{32}", rows["id"])
    assert [line.split()[-1] for line in lines if "COUNTER_TELEMETRY " in line] == ["yes"]


def test_a_choice_for_what_cannot_be_an_app_touches_no_file(home: Path) -> None:
    refused = shipper("on", "../../counter")
    assert refused.returncode == 2
    assert refused.stderr.startswith("shipper: '../../counter' cannot be the name of an app")
    assert not home.exists()


@pytest.mark.parametrize("command", ["on", "local", "off", "show", "status"])
def test_an_unset_variable_of_a_script_does_not_mean_every_app(command: str, home: Path) -> None:
    record(0, 1)
    before = pending()
    assert shipper(command, "").returncode in (1, 2)
    assert (pending(), list((home / "config/shipper").glob("*.mode"))) == (before, [])


@pytest.mark.parametrize("sink", ["2>/dev/full", "2>&1 | true"])
def test_off_erases_even_where_nobody_hears_what_it_says(sink: str) -> None:
    record(0, 2)
    said = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {shlex.quote(sys.executable)} -m shipper off counter {sink}"]
    )
    assert said.returncode == 0
    assert pending() == []


def test_a_choice_is_saved_even_where_the_spools_cannot_be_reached(home: Path) -> None:
    shipper("on", "counter")
    record(0, 1)
    (home / "state/shipper").chmod(0o777)
    failed = shipper("off", "counter")
    assert (failed.returncode, failed.stderr.splitlines()[0]) == (
        1,
        "counter: off is saved, but what is pending could not be reached",
    )
    assert status_choice(home) == "off"


def status_choice(home: Path, name: str = "counter") -> str:
    return (home / f"config/shipper/{name}.mode").read_text().split()[0]


def test_on_for_all_lets_nothing_go_of_an_app_that_was_told_to_keep_its_events() -> None:
    record(0, 2)
    shipper("local", "counter")
    said = shipper("on").stderr
    assert "counter has a choice of its own: local" in said
    assert (status()["mode"], status()["held"], status()["pending"]) == ("local", 2, 0)
    shipper("on", "counter")
    assert (status()["mode"], status()["held"], status()["pending"]) == ("on", 2, 0)


def test_on_for_one_app_says_that_all_are_off() -> None:
    shipper("off")
    said = shipper("on", "counter").stderr
    assert "all apps are off, and that stands above it" in said
    assert record(0, 1) == []
    shipper("on")
    assert record(0, 1) == [0]


def test_a_choice_says_by_which_tool_it_was_made(home: Path) -> None:
    shipper("local", "counter")
    assert (home / "config/shipper/counter.mode").read_text().endswith("Z shipper\n")


def test_where_nothing_was_recorded_status_still_says_what_was_chosen() -> None:
    shipper("off")
    shipper("local", "counter")
    said = shipper("status").stderr.splitlines()
    assert said[0].startswith("Nothing has been recorded here.")
    assert [line.split()[:3] for line in said[1:]] == [
        ["all", "apps:", "off"],
        ["counter:", "local", said[2].split()[2]],
    ]


def test_a_manifest_that_cannot_be_read_hides_no_other_app(home: Path) -> None:
    record(0, 1)
    broken = home / "state/shipper/apps/broken"
    broken.mkdir(mode=0o700)
    looked = shipper("status")
    assert looked.returncode == 1
    assert looked.stdout.startswith("counter 1.0: local")
    assert looked.stderr.startswith("broken: ")


def test_in_ci_status_says_that_events_carry_no_id() -> None:
    record(0, 1)
    assert "left out: GITHUB_ACTIONS" in shipper("status", "--why", GITHUB_ACTIONS="true").stdout


@pytest.mark.parametrize("wrong", ["file", "link", "open to others"])
def test_one_app_that_cannot_be_reached_keeps_no_other_from_what_was_chosen(wrong: str, home: Path) -> None:
    record(0, 2)
    other = spool(home).parent / "another"  # before it in every list
    if wrong == "file":
        other.write_text("x")
    elif wrong == "link":
        other.symlink_to(home)
    else:
        other.mkdir()
        other.chmod(0o777)
    assert [one["spool"] for one in json.loads(shipper("status", "--json").stdout)] == ["counter"]
    off = shipper("off")
    assert (off.returncode, pending()) == (1 if wrong == "open to others" else 0, [])
    assert ("another: could not be reached" in off.stderr) == (wrong == "open to others")
