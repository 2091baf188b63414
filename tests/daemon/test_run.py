"""`shipper run` as a real process: it serves, sleeps, stays small, and dies well."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from shipper.cli import main
from shipper.wakeup import doorbell
from tests.fixtures.daemon_process import (
    Manager,
    answering,
    children,
    choose,
    daemon,
    due,
    living,
    pending,
    record,
    resident,
    set_due,
    spool,
)
from tests.fixtures.faults import FAULTS, Faults, Received, acknowledge
from tests.fixtures.waiting import until

MOST_MEMORY = 16 * 1024 * 1024
"""Bytes resident that an idle daemon may hold."""


def test_a_new_app_is_found_by_its_first_event_and_sent_for_when_due(home: Path) -> None:
    choose("on")
    with Faults() as receiver, daemon():
        record(receiver.endpoint, interval=2)
        until(lambda: len(receiver.events) == 1, 60, "delivered by itself")
        until(lambda: pending(home) == [], 60)


def test_what_was_due_while_nobody_served_is_sent_at_the_start(home: Path) -> None:
    choose("on")
    with Faults() as receiver:
        record(receiver.endpoint)
        set_due(int(time.time()) - 5)
        with daemon():
            until(lambda: len(receiver.events) == 1, 60, "delivered")
    assert home.exists()


def test_a_ring_is_answered_at_once_and_nothing_else_is_started(home: Path) -> None:
    choose("on")
    with Faults() as receiver, daemon() as running:
        record(receiver.endpoint)
        set_due(int(time.time()) - 1)
        record(receiver.endpoint, spawn=True)
        until(lambda: len(receiver.events) == 2, 60, "the rung spool is delivered")
        until(lambda: children(running.pid) == [], 60)
        until(lambda: not (spool(home) / doorbell.MARK).exists(), 60)


def test_each_app_has_its_own_schedule_consent_endpoint_and_backoff(home: Path) -> None:
    choose("on")
    choose("local", "third")
    with Faults() as first, Faults("status 503") as second, Faults() as third:
        for app, receiver in (("first", first), ("second", second), ("third", third)):
            record(receiver.endpoint, app=app, interval=1)
        with daemon():
            until(lambda: len(first.events) == 1, 60)
            until(lambda: due("second")[0] > time.time(), 60, "the second waits")
            record(first.endpoint, app="first", interval=1)
            set_due(int(time.time()) - 1, app="first")
            record(first.endpoint, app="first", interval=1)
            until(lambda: len(first.events) == 3, 60, "the first goes on")
        assert (len(second.events), third.requests) == (0, [])
    assert pending(home, "second") != []


def test_a_receiver_that_hangs_holds_up_no_other_app(home: Path) -> None:
    choose("on")
    with Faults("hang") as dead, Faults() as alive:
        record(dead.endpoint, app="dead", interval=1)
        record(alive.endpoint, app="alive", interval=1)
        with daemon():
            until(lambda: dead.requests and alive.events, 60)
    assert pending(home, "dead") != []


def test_idle_it_stays_small(home: Path) -> None:
    choose("on")
    with Faults() as receiver, daemon() as running:
        assert resident(running.pid) <= MOST_MEMORY
        record(receiver.endpoint, interval=1)
        until(lambda: len(receiver.events) == 1, 60)
        until(lambda: children(running.pid) == [], 60)
        assert resident(running.pid) <= MOST_MEMORY
    assert home.exists()


def test_a_second_one_says_who_serves_and_ends(home: Path) -> None:
    second = [sys.executable, "-m", "shipper", "run"]
    with daemon() as running:
        done = subprocess.run(second, env=os.environ, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 4
        assert f"process {running.pid}" in done.stderr
        with Manager(str(home / "notify")) as manager:
            environ = {**os.environ, "NOTIFY_SOCKET": manager.address}
            done = subprocess.run(second, env=environ, capture_output=True, text=True, timeout=20, check=False)
            assert done.returncode == 0  # or the manager would start it again and again
            assert manager.heard("READY=1") == 1
            assert manager.heard(f"STATUS=another daemon serves this person already: process {running.pid}") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=str)
def test_told_to_stop_amid_a_send_it_ends_within_five_seconds_and_loses_nothing(home: Path, number: int) -> None:
    choose("on")
    with Faults("hang", "acknowledge") as receiver:
        record(receiver.endpoint, interval=1)
        with daemon() as running:
            until(lambda: receiver.requests, 60, "a send is in hand")
            begun = time.monotonic()
            running.send_signal(number)
            assert running.wait(5) == 0
            assert time.monotonic() - begun < 5
        assert not (home / "state" / "shipper" / doorbell.NAME).exists()
        assert len(pending(home)) == 1
        flushed = [sys.executable, "-m", "shipper", "flush", "demo"]
        subprocess.run(flushed, env=os.environ, check=True, capture_output=True, timeout=60)
        assert {request.key for request in receiver.requests} == {receiver.requests[0].key}
        assert len(receiver.events) == 1


def test_told_to_stop_it_lets_a_pass_finish_that_needs_a_moment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = threading.Event()

    def answer_late(receiver: Faults, connection: socket.socket, request: Received) -> None:
        told.wait(60)
        acknowledge(receiver, connection, request)

    monkeypatch.setitem(FAULTS, "late", answer_late)
    choose("on")
    with Faults("late") as receiver:
        record(receiver.endpoint, interval=1)
        with daemon() as running:
            until(lambda: receiver.requests, 60, "a send is in hand")
            running.terminate()
            told.set()
            assert running.wait(5) == 0
        assert pending(home) == []
        assert len(receiver.requests) == 1


def test_told_to_stop_while_a_pass_does_not_heed_it_ends_within_five_seconds(home: Path) -> None:
    choose("on")
    with Faults("hang") as receiver:
        record(receiver.endpoint, interval=1)
        with daemon() as running:
            until(lambda: receiver.requests, 60)
            (stopped,) = children(running.pid)
            os.kill(stopped, signal.SIGSTOP)
            running.terminate()
            assert running.wait(5) == 0
        until(lambda: not living(stopped), 5, "the pass is gone too")
    assert len(pending(home)) == 1


def test_killed_and_started_again_it_loses_nothing_and_serves(home: Path) -> None:
    choose("on")
    with Faults("hang", "acknowledge") as receiver:
        record(receiver.endpoint, interval=1, count=3)
        with daemon() as running:
            until(lambda: receiver.requests, 60)
            passes = children(running.pid)
            running.kill()
            running.wait()
            for process in passes:
                os.kill(process, signal.SIGKILL)
        until(lambda: not answering())
        (spool(home) / "journal.json").unlink()  # it has the wait that a broken-off attempt leaves
        set_due(int(time.time()) - 1)
        with daemon():
            until(lambda: len(receiver.events) == 3, 60)
            until(lambda: pending(home) == [], 60)


def test_a_pass_that_dies_is_said_once_and_left_alone_for_a_while(home: Path) -> None:
    choose("on")
    with Faults("hang") as receiver, Manager(str(home.parent / "notify")) as manager:
        record(receiver.endpoint, interval=1)
        with daemon(NOTIFY_SOCKET=manager.address) as running:
            until(lambda: receiver.requests, 60)
            for process in children(running.pid):
                os.kill(process, signal.SIGKILL)
            until(lambda: manager.heard("STATUS=1 spool") and "SIGKILL" in manager.said[-1], 60)
            set_due(int(time.time()) - 1)
            record(receiver.endpoint, spawn=True)
            running.send_signal(signal.SIGCHLD)  # one more look
            assert children(running.pid) == []
            assert len(receiver.requests) == 1
            running.terminate()
            assert running.stderr is not None
            assert running.stderr.read().count("a pass was ended by SIGKILL") == 1


def test_sighup_makes_it_look_at_everything_anew(home: Path) -> None:
    choose("on")
    with Faults("hang", "acknowledge") as receiver, Manager(str(home.parent / "notify")) as manager:
        record(receiver.endpoint, interval=1)
        with daemon(NOTIFY_SOCKET=manager.address) as running:
            until(lambda: receiver.requests, 60)
            for process in children(running.pid):
                os.kill(process, signal.SIGKILL)
            until(lambda: manager.heard("STATUS=") and "SIGKILL" in manager.said[-1], 60)
            (spool(home) / "journal.json").unlink()
            set_due(int(time.time()) - 1)
            running.send_signal(signal.SIGHUP)  # the rest after a crash is a minute; not after this
            until(lambda: len(receiver.events) == 1, 60)


def test_who_takes_the_folder_away_ends_it(home: Path) -> None:
    with daemon() as running:
        path = home / "state" / "shipper" / doorbell.NAME
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        path.unlink()
        os.write(fd, b"!")
        os.close(fd)
        assert running.wait(5) == 1
        assert running.stderr is not None
        assert "taken away" in running.stderr.read()


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_the_manager_is_told(home: Path, kind: str) -> None:
    address = str(home.parent / "notify") if kind == "path" else f"@shipper-test-{os.getpid()}-{time.monotonic_ns()}"
    with Manager(address) as manager, daemon(NOTIFY_SOCKET=address) as running:
        until(lambda: manager.heard("READY=1") == 1)
        until(lambda: manager.heard("STATUS=0 spools, waiting for the doorbell") == 1)
        assert manager.heard("WATCHDOG=1") == 0
        running.terminate()
        running.wait(5)
        assert manager.heard("STOPPING=1") == 1
        assert manager.heard("READY=1") == 1


def test_the_watchdog_is_answered_twice_as_often_as_it_asks(home: Path) -> None:
    with Manager(str(home.parent / "notify")) as manager:
        environ = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "400000"}
        with daemon(**environ):
            begun = time.monotonic()
            until(lambda: manager.heard("WATCHDOG=1") >= 8, 60)
            assert 1.2 < time.monotonic() - begun < 4


def test_a_watchdog_meant_for_another_process_is_none_of_its_business(home: Path) -> None:
    with Manager(str(home.parent / "notify")) as manager:
        environ = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"}
        with daemon(**environ) as running:
            until(lambda: manager.heard("READY=1"))
            running.terminate()
            running.wait(5)
        assert manager.heard("WATCHDOG=1") == 0


def test_in_the_journal_each_line_has_its_level(home: Path, tmp_path: Path) -> None:
    log = tmp_path / "journal"
    with open(log, "wb") as stderr:
        found = os.fstat(stderr.fileno())
        environ = {**os.environ, "JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        with subprocess.Popen([sys.executable, "-m", "shipper", "run"], env=environ, stderr=stderr) as running:
            until(answering)
            running.terminate()
    assert log.read_text() == f"<6>serving {home}/state/shipper\n"


def test_once_is_over_when_nothing_is_due_any_more(home: Path) -> None:
    choose("on")
    once = [sys.executable, "-m", "shipper", "run", "--once"]
    with Faults() as receiver:
        record(receiver.endpoint)
        record(receiver.endpoint, app="later")
        set_due(int(time.time()) - 1)
        done = subprocess.run(once, env=os.environ, capture_output=True, text=True, timeout=40, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert len(receiver.events) == 1
    assert pending(home, "later") != []
    assert not (home / "state" / "shipper" / doorbell.NAME).exists()


def test_where_there_are_no_fifos_it_says_what_to_do_instead(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr(os, "mkfifo")  # as on Windows, which no test here can be
    assert main(["run"]) == 1
    assert "shipper flush" in capsys.readouterr().err
    assert not home.exists()


def test_a_home_that_cannot_be_used_is_said_in_words(home: Path) -> None:
    home.parent.joinpath("shipper-home").write_text("in the way")
    done = subprocess.run(
        [sys.executable, "-m", "shipper", "run"],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(home) in done.stderr


def status(process: int) -> str:
    return Path(f"/proc/{process}/status").read_text()


def sleeps(process: int) -> str:
    """How often a process has gone to sleep: once more for each time it woke."""
    return next(line for line in status(process).splitlines() if line.startswith("voluntary"))


def waits_in(process: int) -> str:
    """The place in the kernel where a process sleeps."""
    return Path(f"/proc/{process}/wchan").read_text()


def test_with_nothing_due_nothing_wakes_it(home: Path, tmp_path: Path) -> None:
    """A short look here, to see every kind of wake-up; tests/daemon/figures.py looks for a minute."""
    if not os.path.exists("/usr/bin/strace"):
        pytest.skip("strace is not installed")
    choose("on")
    with Faults() as receiver, daemon() as running:
        record(receiver.endpoint, interval=1)
        until(lambda: len(receiver.events) == 1, 60)
        until(lambda: children(running.pid) == [], 60)
        set_due(int(time.time()) + 600)
        slept = sleeps(running.pid)
        os.kill(running.pid, signal.SIGHUP)  # it looks anew: what it waits for now is what was just set
        until(lambda: sleeps(running.pid) != slept and "poll" in waits_in(running.pid), 60, "it sleeps again")
        log = tmp_path / "calls"
        with subprocess.Popen(["strace", "-qq", "-o", str(log), "-p", str(running.pid)]) as tracer:
            try:
                until(lambda: f"TracerPid:\t{tracer.pid}\n" in status(running.pid), 60, "strace is attached")
                slept = sleeps(running.pid)
                with pytest.raises(AssertionError, match="it woke"):
                    until(lambda: sleeps(running.pid) != slept, 4, "it woke")
            finally:
                tracer.terminate()
        assert [line.partition("(")[0] for line in log.read_text().splitlines()] in (["poll"], ["restart_syscall"])
    assert home.exists()
