"""Processes that stop, fork, exec, exit at once and run threads: no event is lost or doubled (S1, S5, S12, S13)."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from shipper.recording.lock import PATIENCE, Lock, set_patience
from tests.crash.points import in_child
from tests.crash.workshop import declare, opened, promise, promised


def test_a_stopped_holder_of_the_lock_stops_no_writer_for_long(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPPER_HOME", str(place / "home"))
    monkeypatch.setenv("DEMO_TELEMETRY", "on")
    app = declare("http://127.0.0.1:9")
    assert app.record("tick", number=0)
    source, sink = os.pipe()
    holder = os.fork()
    if holder == 0:
        with opened() as spool, Lock(spool.folder, 1):
            os.write(sink, b"!")
            signal.pause()
        os._exit(0)
    try:
        os.read(source, 1)
        os.kill(holder, signal.SIGSTOP)
        set_patience(PATIENCE)  # as in a process that has just begun
        pauses: list[float] = []
        sleep = time.sleep

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            sleep(seconds)

        monkeypatch.setattr(time, "sleep", pause)
        assert all(app.record("tick", number=number) for number in range(1, 21))
        assert 0 < sum(pauses) <= 0.05, "it waited more than once"  # each takes longer where others want the core too
    finally:
        os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)
        os.close(source)
        os.close(sink)
    with opened() as spool:
        spool.seal(1.8e9)
        assert sorted(json.loads(raw)["fields"]["number"] for raw in spool.pending()) == list(range(21))


def test_a_forked_child_records_as_itself(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPPER_HOME", str(place / "home"))
    monkeypatch.setenv("DEMO_TELEMETRY", "on")
    app = declare("http://127.0.0.1:9")
    assert app.record("tick", number=0)
    for number in range(1, 20):
        status, _ = in_child(lambda number=number: promise(app, number))  # type: ignore[misc]
        assert status == 0
    assert app.record("tick", number=20)
    with opened() as spool:
        events = [json.loads(raw) for raw in spool.pending()]
    assert [event["fields"]["number"] for event in events] == list(range(21))
    assert len({event["id"] for event in events}) == 21
    assert len({event["session"] for event in events}) == 20
    assert events[0]["session"] == events[20]["session"]


def test_threads_record_each_event_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPPER_HOME", str(place / "home"))
    monkeypatch.setenv("DEMO_TELEMETRY", "on")

    def many() -> None:
        app = declare("http://127.0.0.1:9")
        threads = [
            threading.Thread(target=lambda first=first: [promise(app, first + number) for number in range(50)])
            for first in range(0, 400, 50)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    status, told = in_child(many)
    assert status == 0
    with opened() as spool:
        spool.recover()
        found = sorted(json.loads(raw)["fields"]["number"] for raw in spool.pending())
    assert found == sorted(promised(told))
    assert len(found) == 400


def test_exec_and_sudden_exit_lose_no_promise(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPPER_HOME", str(place / "home"))
    monkeypatch.setenv("DEMO_TELEMETRY", "on")
    app = declare("http://127.0.0.1:9")

    def replaced() -> None:
        promise(app, 1)
        os.execv("/bin/true", ["true"])

    def sudden() -> None:
        promise(app, 2)
        os._exit(0)

    for work in (replaced, sudden):
        assert in_child(work)[0] == 0
    with opened() as spool:
        assert [json.loads(raw)["fields"]["number"] for raw in spool.pending()] == [1, 2]
