"""A CLI without a daemon: its events get out by themselves, and whoever waits for the CLI waits for nothing else."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shipper.delivery.policy import PASS_REST
from shipper.recording.folder import open_app, open_state
from shipper.wakeup import doorbell, spawn
from shipper.wakeup.isolation import cut
from tests.fixtures.daemon_process import APP, choose, due, end, finished, flushers, pending, record, set_due, spool
from tests.fixtures.faults import FAULTS, Faults, Received, acknowledge
from tests.fixtures.waiting import until


@pytest.fixture
def ready(home: Path) -> Path:
    """A spool with one event, whose pass is due."""
    choose("on")
    record("http://127.0.0.1:1")
    set_due(int(time.time()) - 1)
    return home


def make_due(receiver: Faults) -> None:
    choose("on")
    record(receiver.endpoint)
    set_due(int(time.time()) - 1)


def test_what_is_due_goes_out_by_itself(home: Path) -> None:
    with Faults() as receiver:
        make_due(receiver)
        record(receiver.endpoint, spawn=True)
        until(lambda: len(receiver.events) == 2, 60, "both events are delivered")
        until(lambda: finished(home), 60)
    assert pending(home) == []
    assert due()[1] > time.time() + 600


@pytest.mark.parametrize(
    "environ",
    [
        {"CI": "true"},
        {"GITHUB_ACTIONS": "true"},
        {"CLAUDECODE": "1"},
        {"SHIPPER_SPAWN": "0"},
        {"DEMO_TELEMETRY": "local"},
    ],
    ids=str,
)
def test_nothing_is_started_in_ci_under_an_agent_or_where_it_is_forbidden(ready: Path, environ: dict[str, str]) -> None:
    asked = {"SHIPPER_SPAWN": "1", "DEMO_TELEMETRY": "1"} | environ
    record("http://127.0.0.1:1", environ=asked)
    assert flushers(ready) == []
    assert not (spool(ready) / "flusher.lock").exists()


def test_before_it_is_due_nothing_is_started(home: Path) -> None:
    choose("on")
    for _ in range(3):
        record("http://127.0.0.1:1", spawn=True)
    assert flushers(home) == []
    assert not (spool(home) / "flusher.lock").exists()


def test_many_that_end_together_start_one(home: Path) -> None:
    with Faults("hang") as receiver:
        make_due(receiver)
        command = [sys.executable, "-c", APP, "demo", receiver.endpoint, "900", "1"]
        environ = {**os.environ, "SHIPPER_SPAWN": "1"}
        clis = [subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) for _ in range(24)]
        assert [cli.wait(60) for cli in clis] == [0] * len(clis)
        until(lambda: receiver.requests, 60, "the flusher sends")
        assert len(flushers(home)) == 1
        end(home)


def test_who_fills_segments_while_a_pass_is_in_hand_starts_no_other(home: Path) -> None:
    with Faults("hang") as receiver:
        make_due(receiver)
        record(receiver.endpoint, spawn=True)
        until(lambda: receiver.requests, 60, "the flusher sends")
        found, running = due(), flushers(home)
        record(receiver.endpoint, spawn=True, count=2100)
        assert len(list((spool(home) / "sealed").iterdir())) == 2
        assert (due(), flushers(home)) == (found, running)
        end(home)


def test_what_was_filled_while_a_pass_was_in_hand_has_the_next_one_soon(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def filled(receiver: Faults, connection: socket.socket, request: Received) -> None:
        record(receiver.endpoint, count=1100)
        acknowledge(receiver, connection, request)

    monkeypatch.setitem(FAULTS, "filled", filled)
    with Faults("filled", "acknowledge") as receiver:
        make_due(receiver)
        record(receiver.endpoint, spawn=True)
        until(lambda: receiver.events, 60, "both events are delivered")
        until(lambda: finished(home), 60)
        assert (len(receiver.events), len(list((spool(home) / "sealed").iterdir()))) == (2, 1)
        assert due()[1] <= time.time() + PASS_REST


@pytest.mark.parametrize("shape", ["x=$(CLI)", "CLI | cat", "x=$(CLI 2>&1)", "x=$(CLI 5>&1)"])
def test_whoever_waits_for_the_cli_s_output_does_not_wait_for_the_flusher(home: Path, shape: str) -> None:
    with Faults("hang") as receiver:
        make_due(receiver)
        cli = f"{sys.executable} -c '{APP}' demo {receiver.endpoint} 900 1"
        environ = {**os.environ, "SHIPPER_SPAWN": "1"}
        begun = time.monotonic()
        subprocess.run(
            ["bash", "-c", shape.replace("CLI", cli)], env=environ, check=True, capture_output=True, timeout=30
        )
        assert time.monotonic() - begun < 20
        until(lambda: receiver.requests, 60, "the flusher is at work all the while")
        assert len(flushers(home)) == 1
        end(home)


def test_a_host_that_waits_for_all_its_children_does_not_wait_for_the_flusher(home: Path) -> None:
    waiting = APP + (
        "import os\n"
        "try:\n    while True: os.wait()\n"  # what make and xargs do
        "except ChildProcessError: pass\n"
    )
    with Faults("hang") as receiver:
        make_due(receiver)
        command = [sys.executable, "-c", waiting, "demo", receiver.endpoint, "900", "1"]
        begun = time.monotonic()
        subprocess.run(command, env={**os.environ, "SHIPPER_SPAWN": "1"}, check=True, capture_output=True, timeout=50)
        assert time.monotonic() - begun < 20
        until(lambda: receiver.requests, 60)
        end(home)


def test_the_flusher_leaves_the_folder_the_terminal_and_the_priority_of_its_host(home: Path, tmp_path: Path) -> None:
    with Faults("hang") as receiver:
        make_due(receiver)
        record(receiver.endpoint, spawn=True)
        until(lambda: receiver.requests, 60)
        (process,) = flushers(home)
        place = Path(f"/proc/{process}")
        stat = (place / "stat").read_text().rpartition(") ")[2].split()
        assert os.readlink(place / "cwd") == "/"
        assert {os.readlink(place / "fd" / name) for name in "012"} == {os.devnull}
        assert int(stat[3]) != os.getsid(0)  # its own session
        assert int(stat[16]) >= 10  # nice
        end(home)
    assert tmp_path.exists()


def test_a_folder_called_shipper_in_the_way_is_not_run(ready: Path, tmp_path: Path) -> None:
    trap = tmp_path / "checkout"
    for name in ("shipper", "httpx", "filelock"):
        (trap / name).mkdir(parents=True)
        (trap / name / "__init__.py").write_text(f"open({str(trap / 'sprung')!r}, 'w').close()\n")
    (trap / "shipper" / "__main__.py").write_text(f"open({str(trap / 'sprung')!r}, 'w').close()\n")
    environ = {**os.environ, "SHIPPER_SPAWN": "1"}
    code = (
        "import os; from shipper.wakeup.spawn import start_pass; os.chdir(%r);"
        " start_pass(os.environ, 'demo', 'DEMO_TELEMETRY')"
    )
    subprocess.run([sys.executable, "-c", code % str(trap)], env=environ, check=True, timeout=30)
    until(lambda: (spool(ready) / "journal.json").exists(), 60, "a pass was made")
    until(lambda: finished(ready), 70)
    assert not (trap / "sprung").exists()


def test_the_environment_of_a_flusher_is_what_it_needs_and_cannot_start_another() -> None:
    given = {
        "PATH": "no", "HOME": "/home/me", "XDG_STATE_HOME": "/s", "HTTPS_PROXY": "p", "SSL_CERT_FILE": "c",
        "DEMO_TELEMETRY": "1", "DEMO_TELEMETRY_TOKEN": "t", "OTHER_TELEMETRY_TOKEN": "no", "AWS_SECRET_ACCESS_KEY": "no",
        "SSLKEYLOGFILE": "no", "LD_PRELOAD": "no", "SHIPPER_SPAWN": "1", "DO_NOT_TRACK": "0",
    }  # fmt: skip
    kept = cut(given, "DEMO_TELEMETRY", given)
    assert kept == {name: value for name, value in given.items() if value != "no"} | {"SHIPPER_SPAWN": "0"}


def test_what_came_after_the_host_began_may_lower_consent_and_nothing_else() -> None:
    now = {
        "DEMO_TELEMETRY": "on",
        "DEMO_TELEMETRY_TOKEN": "t",
        "HTTPS_PROXY": "p",
        "LD_LIBRARY_PATH": "/l",
        "HOME": "/h",
    }
    ours = {"SHIPPER_SPAWN": "0", "HOME": "/h"}
    assert cut(now, "DEMO_TELEMETRY", {"HTTPS_PROXY": "q"}) == ours | {"HTTPS_PROXY": "q"}
    assert cut(now | {"DEMO_TELEMETRY": "local"}, "DEMO_TELEMETRY", {}) == ours | {"DEMO_TELEMETRY": "local"}
    unknown = {name: value for name, value in now.items() if name != "LD_LIBRARY_PATH"} | ours
    assert cut(now, "DEMO_TELEMETRY", None) == unknown


def test_nothing_secret_stands_in_the_command_line(ready: Path) -> None:
    with Faults("hang") as receiver:
        record(receiver.endpoint, app="other")
        set_due(int(time.time()) - 1, app="other")
        record(receiver.endpoint, app="other", spawn=True, environ={"OTHER_TELEMETRY_TOKEN": "s3cret"})
        until(lambda: receiver.requests, 60)
        (process,) = flushers(ready)
        command = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        assert command[-4:] == [b"flush", b"--implicit", b"other", b""]
        assert b"s3cret" not in b"".join(command)
        end(ready)


def test_a_daemon_that_hears_and_does_nothing_silences_nobody_for_longer_than_ten_minutes(home: Path) -> None:
    with Faults() as receiver, open_state(os.environ, create=True) as state:
        hung = doorbell.open_doorbell(state)  # a daemon that never reads its bell
        try:
            make_due(receiver)
            record(receiver.endpoint, spawn=True)
            assert flushers(home) == []
            assert os.read(hung, 10) != b""
            with open_app(state, "demo") as folder:
                assert doorbell.marked(folder)
            eleven_minutes_ago = time.time() - 660
            os.utime(spool(home) / doorbell.MARK, (eleven_minutes_ago, eleven_minutes_ago))
            set_due(int(time.time()) - 1)
            record(receiver.endpoint, spawn=True)
            until(lambda: len(receiver.events) == 3, 60, "all is delivered in spite of the bell")
            until(lambda: finished(home), 60)
            assert not (spool(home) / doorbell.MARK).exists()
        finally:
            os.close(hung)


@pytest.mark.parametrize("trouble", [OSError(11, "no more processes"), NotImplementedError("no setsid")], ids=str)
def test_what_cannot_be_started_costs_the_host_nothing(
    ready: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise trouble

    monkeypatch.setattr(os, "posix_spawn", fail)
    monkeypatch.setenv("SHIPPER_SPAWN", "1")
    spawn.start_pass(os.environ, "demo", "DEMO_TELEMETRY")
    spawn.start_pass(os.environ, "missing", "MISSING_TELEMETRY")
    assert ready.exists()
