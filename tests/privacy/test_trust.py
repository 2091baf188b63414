"""Whose word holds: the person's against the environment's, the machine's, a repository's; and who gets which secret."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shipper import App, Event, flag
from shipper.recording.machine import machine_endpoint, machine_mode, repository_mode
from shipper.wires.destination import origin
from tests.fixtures.command_line import record, shipper
from tests.fixtures.daemon_process import APP
from tests.fixtures.faults import Faults
from tests.fixtures.sample_app import lines, spool_of

ROOT_NEEDED = pytest.mark.skipif(
    subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0, reason="no mount namespace here"
)


def status(app: str = "counter", **environ: str) -> "list[dict[str, object]]":
    return list(json.loads(shipper("status", app, "--json", **environ).stdout))


def users(home: Path) -> "dict[str, str]":
    """The id that stands in the first line of each spool."""
    found = {}
    for path in home.rglob("active.ndjson"):
        spool = path.parent.name if path.parent.name != "held" else path.parent.parent.name
        found[spool] = json.loads(path.read_bytes().splitlines()[0])["user"]
    return found


def test_an_id_belongs_to_an_endpoint(home: Path) -> None:
    shipper("on")
    record(0, 1)
    record(1, 1, COUNTER_TELEMETRY_ENDPOINT="http://127.0.0.1:9/theirs")
    found = users(home)
    assert len(found) == 2
    assert len(set(found.values())) == 2, "the second receiver knows the person by another id"
    record(2, 1)
    assert users(home) == found


def test_each_receiver_is_asked_to_erase_the_id_that_it_knew(home: Path) -> None:
    shipper("on")
    with Faults() as ours, Faults() as theirs:
        record(0, 1, COUNTER_RECEIVER=ours.endpoint)
        record(1, 1, COUNTER_RECEIVER=ours.endpoint, COUNTER_TELEMETRY_ENDPOINT=theirs.endpoint)
        found = users(home)
        shipper("flush")
        shipper("forget", "counter")
        asked = {
            receiver: [request.path.rpartition("/")[2] for request in receiver.requests if request.method == "DELETE"]
            for receiver in (ours, theirs)
        }
    assert asked[ours] == [found["counter"]]
    assert asked[theirs] == [next(user for spool, user in found.items() if "@" in spool)]


@pytest.mark.parametrize("place", ["the file", "the variable"])
def test_a_token_goes_to_its_origin_and_to_no_other(home: Path, place: str) -> None:
    shipper("on")
    with Faults() as ours, Faults() as theirs:
        environ = {"COUNTER_RECEIVER": ours.endpoint}
        if place == "the file":
            file = home / "config/shipper/counter.token"
            file.write_text(f"{ours.endpoint} s3cret\n")
            file.chmod(0o600)
        else:
            environ["COUNTER_TELEMETRY_TOKEN"] = "s3cret"
        record(0, 1, **environ)
        record(1, 1, COUNTER_TELEMETRY_ENDPOINT=theirs.endpoint, **environ)
        shipper("flush", **environ)
        seen = {
            receiver: [dict(request.headers).get("authorization", "") for request in receiver.requests]
            for receiver in (ours, theirs)
        }
    assert seen[ours] == ["Bearer s3cret"]
    assert seen[theirs] == [""]


def test_the_origin_of_an_endpoint_is_what_a_browser_compares() -> None:
    assert origin("https://a.example/path?x") == origin("https://A.example:443") == "https://a.example"
    assert (
        len(
            {
                origin(each)
                for each in ("https://a.example", "https://a.example:8443", "http://a.example", "https://b.example")
            }
        )
        == 4
    )
    assert origin("https://a.example:99999") == ""


def test_an_endpoint_that_came_after_the_process_began_counts_only_if_it_is_this_machine(home: Path) -> None:
    shipper("on")
    for endpoint in ("https://evil.example", "file:///home/jane/.bashrc", "http://127.0.0.1:9"):
        late = f"import os; os.environ['DEMO_TELEMETRY_ENDPOINT'] = {endpoint!r}\n{APP}"
        subprocess.run(
            [sys.executable, "-c", late, "demo", "http://127.0.0.1:1", "900", "1"], check=True, capture_output=True
        )
    assert len(list((home / "state/shipper/apps").iterdir())) == 2
    first = {**os.environ, "DEMO_TELEMETRY_ENDPOINT": "https://mine.example"}
    subprocess.run(
        [sys.executable, "-c", APP, "demo", "http://127.0.0.1:1", "900", "1"],
        check=True,
        env=first,
        capture_output=True,
    )
    assert len(list((home / "state/shipper/apps").iterdir())) == 3


def test_a_repository_lowers_and_never_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "repository/src/deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    from tests.fixtures.sample_app import sample

    app = sample()
    shipper("on", "wunderctl")
    assert app.mode()[0] == "on"
    (tmp_path / "repository/.shipper").write_text("# no telemetry from our builds\nwunderctl off\nother local\n")
    assert app.mode() == ("off", "switched off for this folder, by .shipper")
    assert sample("other").mode()[0] == "local"
    (tmp_path / "repository/.shipper").write_text("local\n")
    assert app.mode() == ("local", "kept here in this folder, by .shipper")
    (below / ".shipper").write_text("on\n")
    assert app.mode()[0] == "local", "the lowest of all that are found"
    shipper("local", "wunderctl")
    (tmp_path / "repository/.shipper").write_text("on\n")
    assert app.mode() == ("local", "chosen for this app")
    (below / ".shipper").write_text("perhaps\n")
    assert app.mode()[0] == "off"
    (below / ".shipper").unlink()
    (below / ".shipper").mkdir()
    assert app.mode()[0] == "local", "a folder of that name is somebody else's"


def test_the_machines_files_are_read_with_suspicion(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    place = str(folder)
    assert machine_mode("tool", place) == ""
    for text, said in (
        ("off\n", "off"),
        ("local", "local"),
        ("on\n", ""),
        ("perhaps", "unreadable"),
        ("", "unreadable"),
        ("\xff", "unreadable"),
    ):
        (folder / "_all.mode").write_text(text, encoding="latin-1")
        assert machine_mode("tool", place) == said
    (folder / "_all.mode").write_text("off\n")
    (folder / "tool.mode").write_text("on\n")
    assert (machine_mode("tool", place), machine_mode("other", place)) == ("", "off"), "an app's own file goes before"
    (folder / "tool.endpoint").write_text("https://company.example\n")
    root = os.geteuid() == 0
    assert machine_endpoint("tool", place) == ("https://company.example" if root else "")
    (folder / "tool.endpoint").chmod(0o666)
    assert machine_endpoint("tool", place) == "", "anybody could have written it"
    assert repository_mode("tool", str(folder / "missing")) == "unreadable"


def on_a_machine(
    tmp_path: Path, files: "dict[str, str]", *command: str, **environ: str
) -> "subprocess.CompletedProcess[str]":
    """Run a command on a machine whose /etc/shipper holds these files: in a mount namespace of its own."""
    etc = tmp_path / "etc"
    if not etc.exists():
        shutil.copytree("/etc", etc, symlinks=True, ignore=lambda *_: ["shipper"], ignore_dangling_symlinks=True)
    shutil.rmtree(etc / "shipper", ignore_errors=True)
    (etc / "shipper").mkdir(mode=0o755)
    for name, text in files.items():
        (etc / "shipper" / name).write_text(text)
    script = f'mount --bind {etc} /etc && exec "$@"'
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *command],
        env={**os.environ, **environ}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@ROOT_NEEDED
def test_the_machine_outranks_everything_but_a_persons_lower_choice(tmp_path: Path) -> None:
    shipper("on", "counter")
    record(0, 1)
    command = (sys.executable, "-m", "shipper", "status", "counter", "--why")
    said = on_a_machine(tmp_path, {"_all.mode": "local\n"}, *command, COUNTER_TELEMETRY="on").stdout
    assert "counter 1.0: local (kept here on this machine, by /etc/shipper)" in said
    assert [line.split()[-1] for line in said.splitlines() if line.strip().startswith("/etc/shipper")] == ["local"]
    said = on_a_machine(
        tmp_path, {"_all.mode": "off\n"}, *command, COUNTER_TELEMETRY="on", SHIPPER_HOME=os.environ["SHIPPER_HOME"]
    ).stdout
    assert "counter 1.0: off (switched off for this machine, in /etc/shipper)" in said
    recorded = on_a_machine(
        tmp_path, {"counter.mode": "off\n"}, sys.executable, "-c", APP, "counter", "http://127.0.0.1:9", "900", "1"
    )
    assert recorded.stdout == "False\n"
    shipper("off", "counter")
    said = on_a_machine(
        tmp_path, {"_all.mode": "local\n"}, sys.executable, "-c", APP, "counter", "http://127.0.0.1:9", "900", "1"
    ).stdout
    assert said == "False\n", "a person's off is lower"


@ROOT_NEEDED
def test_the_doctor_says_what_the_machine_says(tmp_path: Path) -> None:
    files = {"_all.mode": "local\n", "tool.mode": "perhaps\n", "tool.endpoint": "https://company.example\n"}
    said = on_a_machine(tmp_path, files, sys.executable, "-m", "shipper", "doctor").stdout
    assert "note  machine: /etc/shipper/_all.mode says local" in said
    assert "wrong machine: /etc/shipper/tool.mode cannot be read: off for tool" in said
    assert "note  machine: tool sends to https://company.example, by /etc/shipper/tool.endpoint" in said


@ROOT_NEEDED
def test_the_machine_names_the_companys_own_receiver(tmp_path: Path, home: Path) -> None:
    shipper("on")
    with Faults() as ours, Faults() as companys:
        record(0, 1, COUNTER_RECEIVER=ours.endpoint)
        files = {"counter.endpoint": companys.endpoint + "\n"}
        environ = {"COUNTER_RECEIVER": ours.endpoint, "COUNTER_TELEMETRY_ENDPOINT": "http://127.0.0.1:9"}
        tool = (sys.executable, "-m", "tests.fixtures.recording_tool", "1", "1")
        assert on_a_machine(tmp_path, files, *tool, **environ).stdout == "1\n"
        done = on_a_machine(tmp_path, files, sys.executable, "-m", "shipper", "flush", **environ)
        assert "the machine names another receiver, in /etc/shipper" in done.stderr
        assert (len(ours.events), len(companys.events)) == (0, 1)
        found = users(home)
        assert json.loads(next(iter(companys.events.values())))["user"] not in found.values(), (
            "the company's receiver knows another id"
        )


def test_in_a_home_for_one_run_an_opt_out_app_shows_no_notice_and_records_nothing_until_somebody_chooses(
    tmp_path: Path,
) -> None:
    import pty

    code = "from tests.fixtures.sample_app import sample\nprint(sample(policy='opt-out').record('datasource', kind='mysql'))"
    environ = {name: value for name, value in os.environ.items() if name != "SHIPPER_HOME"} | {"TMPDIR": str(tmp_path)}

    def run() -> "tuple[str, bytes]":
        ours, theirs = pty.openpty()
        try:
            done = subprocess.run(
                [sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE, stderr=theirs, text=True
            )
            os.set_blocking(ours, False)
            try:
                return done.stdout, os.read(ours, 4096)
            except BlockingIOError:
                return done.stdout, b""
        finally:
            os.close(ours)
            os.close(theirs)

    assert run() == ("False\n", b"")
    assert run() == ("False\n", b"")
    subprocess.run([sys.executable, "-m", "shipper", "on", "wunderctl"], env=environ, check=True, capture_output=True)
    assert run() == ("True\n", b"")


def dated(**more: str) -> App:
    events = [
        Event("old", "Why.", plain=flag(), young=flag(since="2199-01-01"), covered=flag(since="2020-01-01")),
        Event("new", "Why.", since="2199-01-01", plain=flag()),
    ]
    return App("wunderctl", version="1.0", endpoint="http://127.0.0.1:9", events=events, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["wunderctl", None])
def test_what_is_newer_than_the_choice_is_not_recorded(name: "str | None", home: Path) -> None:
    app = dated()
    shipper("on", *filter(None, (name,)))
    assert app.record("old", plain=True, young=True, covered=True)
    assert not app.record("new", plain=True)
    with spool_of(dict(os.environ)) as spool:
        assert [(event["name"], event["fields"]) for event in lines(spool)] == [
            ("old", {"plain": True, "covered": True})
        ]
    file = home / f"config/shipper/{name or '_all'}.mode"
    file.write_text("on 2199-01-02T10:00:00.000Z shipper\n")  # the choice is renewed
    assert app.record("new", plain=True)


def test_a_notice_covers_what_was_declared_when_it_was_shown(home: Path) -> None:
    app = dated(policy="opt-out")
    folder = home / "config/shipper"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "wunderctl.notice").write_text("- 2026-11-23T10:00:00.000Z\n")
    (folder / "wunderctl.notice").chmod(0o600)
    assert app.mode()[0] == "on"
    assert app.record("old", young=True)
    assert not app.record("new")
    with spool_of(dict(os.environ)) as spool:
        assert [event["fields"] for event in lines(spool)] == [{}]


def test_where_nobody_has_chosen_everything_is_kept_here(home: Path) -> None:
    assert dated().record("new", plain=True), "it leaves only by a choice of then or later"
    assert list(home.rglob("held/active.ndjson"))


@pytest.mark.parametrize("policy", ["opt-in", "opt-out"])
@pytest.mark.parametrize("name", ["wunderctl", None])
def test_another_receiver_of_a_new_version_is_agreed_to_anew(policy: str, name: "str | None", home: Path) -> None:
    from tests.fixtures.sample_app import sample

    def release(version: str, host: str) -> App:
        return sample(version=version, endpoint=f"https://{host}/v1", policy=policy)

    shipper("on", *filter(None, (name,)))
    assert release("1.0", "ours.example").record("datasource", kind="mysql")
    before = users(home)["wunderctl"]
    assert release("1.1", "ours.example").record("datasource", kind="mysql")
    assert users(home)["wunderctl"] == before, "the same origin"

    moved = release("2.0", "theirs.example")
    assert not moved.record("datasource", kind="mysql")
    assert moved.mode()[0] != "on"
    (now,) = status("wunderctl")
    assert (now["pending"], now["held"], now["held_because"]) == (0, 2, "the app sends to another receiver now")
    assert release("1.1", "ours.example").mode()[0] != "on", "a copy that was left behind does not take it back"
    shipper("on", "wunderctl")
    assert moved.mode()[0] == "on"
    assert moved.record("datasource", kind="mysql")
    assert users(home)["wunderctl"] != before


def test_a_person_who_said_off_or_local_stays_with_it_when_the_receiver_changes(home: Path) -> None:
    from tests.fixtures.sample_app import sample

    shipper("local", "wunderctl")
    assert sample(version="1.0", endpoint="https://ours.example").record("datasource", kind="mysql")
    assert not sample(version="2.0", endpoint="https://theirs.example").record("datasource", kind="mysql")
    assert (home / "config/shipper/wunderctl.mode").read_text().startswith("local ")
    assert sample(version="2.0", endpoint="https://theirs.example").record("datasource", kind="mysql")
