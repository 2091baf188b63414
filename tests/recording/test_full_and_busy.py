"""What a writer does when its segment is full, or when it does not get the lock in time (S3, S12)."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from shipper import files
from shipper.choices.saving import save_choice
from shipper.recording import lock
from shipper.recording.active import SEGMENT_BYTES
from shipper.recording.folder import Folder, open_config
from shipper.recording.modes import ALL, LOCAL, OFF, ON
from shipper.spool import Spool, without_lock
from shipper.spool.limits import measure
from shipper.spool.losses import counted
from shipper.spool.names import OVERFLOWS
from tests.fixtures.sample_app import lines, locked_elsewhere, sample, spool_of


@pytest.fixture
def on() -> None:
    with open_config(os.environ, create=True) as config:
        save_choice(config, ALL, ON, "test", 0)


class Clock:
    """Time as the lock sees it: it passes only while a writer waits for the lock, and `during` happens meanwhile.

    In the wheel the lock shares its `time` with all of recording, which asks it for the date.
    """

    time_ns, gmtime = staticmethod(time.time_ns), staticmethod(time.gmtime)

    def __init__(self, during: Callable[[], object] = int) -> None:
        self.now, self.during = 0.0, during

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.during()


def environ() -> dict[str, str]:
    return dict(os.environ)


@pytest.mark.usefixtures("on")
def test_without_the_lock_lines_go_into_an_overflow_file_and_from_there_with_the_next_pass() -> None:
    app = sample()
    assert app.record("datasource", kind="mysql")
    with spool_of(environ()) as folder, locked_elsewhere(folder):
        assert app.record("datasource", kind="postgres")
        assert app.record("datasource", kind="postgres")
        with folder.folder("overflow") as overflow:
            (name,) = [name for name in files.names(overflow) if name.endswith(".ndjson")]
            assert [event["fields"] for event in lines(overflow, name)] == [{"kind": "postgres"}] * 2
        assert Spool(folder, environ()).counts().events == 3
    with spool_of(environ()) as folder:
        spool = Spool(folder, environ())
        spool.recover()
        assert [len(list(spool.pending())), len(spool.waiting())] == [3, 1]


@pytest.mark.usefixtures("on")
def test_who_gets_no_overflow_file_either_writes_a_segment_of_his_own() -> None:
    app = sample()
    assert app.record("datasource", kind="mysql")
    with spool_of(environ()) as folder, locked_elsewhere(folder), ExitStack() as held:
        overflow = held.enter_context(folder.folder("overflow", create=True))
        for number in range(OVERFLOWS):
            held.enter_context(locked_elsewhere(overflow, f"{number}.lock"))
        assert app.record("datasource", kind="postgres")
        with folder.folder("sealed") as sealed:
            (name,) = files.names(sealed)
            assert [event["fields"] for event in lines(sealed, name)] == [{"kind": "postgres"}]


@pytest.mark.usefixtures("on")
def test_without_the_lock_the_bound_is_bytes_and_not_files_of_one_line() -> None:
    """D11: 2,000 files of one line were all that a stopped holder of the lock left room for, of 32 MiB."""
    app, bound = sample(max_bytes=600_000, max_files=60), 600_000
    assert app.record("datasource", kind="mysql")
    with spool_of(environ()) as folder, locked_elsewhere(folder):
        promised = 0
        while app.record("datasource", kind="postgres"):
            promised += 1
        spool, used = Spool(folder, environ()), measure(folder)
        assert spool.counts().events == promised + 1
        assert bound - SEGMENT_BYTES // 2 < used.bytes <= bound + SEGMENT_BYTES
        assert used.files < 60
    assert promised > 1000


@pytest.mark.usefixtures("on")
def test_what_overflows_in_mode_local_is_held_and_what_overflows_is_erased_by_off() -> None:
    app = sample()
    assert app.record("datasource", kind="mysql")
    with spool_of(environ()) as folder:
        spool = Spool(folder, environ())
        with locked_elsewhere(folder):
            assert app.record("datasource", kind="postgres")
            with open_config(os.environ, create=True) as config:
                save_choice(config, ALL, LOCAL, "test", 0)
            assert app.record("datasource", kind="rest")
        assert (spool.counts().events, spool.counts().held) == (2, 1)
        spool.recover()
        assert (spool.counts().events, spool.counts().held) == (2, 1)
        spool.hold_back(time.time())
        assert (spool.counts().events, spool.counts().held) == (0, 3)
        spool.let_go(time.time())
        assert (spool.counts().events, spool.counts().held) == (3, 0)
        with locked_elsewhere(folder):
            assert app.record("datasource", kind="rest")
        spool.purge()
        assert list(spool.everything()) == []


@pytest.mark.usefixtures("on")
def test_whoever_seals_keeps_the_spool_within_its_bytes_and_counts_what_goes() -> None:
    app, bound, recorded = sample(max_bytes=600_000), 600_000, 3000
    assert sum(app.record("datasource", kind="mysql") for _ in range(recorded)) == recorded

    with spool_of(environ()) as spool:
        with spool.folder("sealed") as sealed:
            left = sum(len(lines(sealed, name)) for name in files.names(sealed)) + len(lines(spool))
            assert sum(sealed.stat(name).st_size for name in files.names(sealed)) <= bound
        assert 0 < left < recorded
        assert counted(spool) == {"full": recorded - left}


@pytest.mark.usefixtures("on")
def test_a_full_segment_is_sealed_by_the_writer_whose_line_would_pass_it() -> None:
    app = sample()
    with_lines = 1005
    assert sum(app.record("datasource", kind="mysql") for _ in range(with_lines)) == with_lines

    with spool_of(environ()) as spool, spool.folder("sealed") as sealed:
        (name,) = files.names(sealed)
        size = sealed.stat(name).st_size
        assert size <= 256 * 1024 < size + 400
        assert len(lines(sealed, name)) + len(lines(spool)) == with_lines


@pytest.mark.usefixtures("on")
def test_a_process_waits_50_milliseconds_for_the_lock_in_all_its_events_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app, clock = sample(), Clock()
    assert app.record("datasource", kind="mysql")
    lock.set_patience(lock.PATIENCE)
    with spool_of(environ()) as spool, locked_elsewhere(spool):
        monkeypatch.setattr(lock, "time", clock)
        assert all(app.record("datasource", kind="postgres") for _ in range(5))
    assert 0.04 < clock.now < 0.051


@pytest.mark.usefixtures("on")
def test_an_event_does_not_wait_for_somebody_who_is_making_the_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """He may be stopped amid it. The event goes without an id, the wait is part of the 50 ms, the next one asks again."""
    app, clock = sample(), Clock()
    lock.set_patience(lock.PATIENCE)
    monkeypatch.setattr(lock, "time", clock)
    with open_config(os.environ) as config, locked_elsewhere(config, "wunderctl.lock"):
        assert app.record("datasource", kind="mysql")
        assert 0.04 < clock.now < 0.051
        with spool_of(environ()) as spool, locked_elsewhere(spool):
            assert app.record("datasource", kind="postgres")
    assert clock.now < 0.051
    assert app.record("datasource", kind="mysql")
    with spool_of(environ()) as spool:
        assert ["user" in event for event in lines(spool)] == [False, True]


@pytest.mark.usefixtures("on")
def test_an_off_that_came_while_a_writer_waited_in_vain_holds(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    def off() -> None:
        with open_config(os.environ) as config:
            save_choice(config, ALL, OFF, "test", 0)

    app = sample()
    assert app.record("datasource", kind="mysql")
    lock.set_patience(lock.PATIENCE)
    with spool_of(environ()) as spool, locked_elsewhere(spool):
        monkeypatch.setattr(lock, "time", Clock(off))
        assert not app.record("datasource", kind="postgres")
    assert not list(home.rglob("sealed/*"))


@pytest.mark.usefixtures("on")
def test_a_line_without_the_lock_is_complete_before_any_pass_can_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rooms, write = [], files.write

    def watched(folder: Folder, name: str, data: bytes, sync: bool = False) -> None:
        rooms.append(os.path.basename(folder.path))
        write(folder, name, data, sync)

    app = sample()
    assert app.record("datasource", kind="mysql")
    monkeypatch.setattr(files, "write", watched)
    monkeypatch.setattr(without_lock, "has_locks", lambda: False)  # as in a subinterpreter
    with spool_of(environ()) as spool, locked_elsewhere(spool):
        assert app.record("datasource", kind="postgres")
    assert rooms == ["tmp"]


@pytest.mark.usefixtures("on")
def test_events_of_one_millisecond_have_ids_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1_800_000_000_000_000_000)
    app = sample()
    assert all(app.record("datasource", kind="mysql") for _ in range(3))
    with spool_of(environ()) as spool:
        assert len({str(event["id"]) for event in lines(spool)}) == 3
