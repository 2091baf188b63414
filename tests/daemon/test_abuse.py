"""A daemon that is abused: a full disk, a flood of rings, spools that hang, are corrupt or huge."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shipper.daemon.loop import REST_BETWEEN_LOOKS
from shipper.recording.folder import open_state
from shipper.testing.receiver import Receiver
from shipper.wakeup.doorbell import ring
from tests.fixtures.daemon_process import Manager, choose, daemon, end, record, set_due, spool
from tests.fixtures.disks import disk
from tests.fixtures.passes import flush
from tests.fixtures.waiting import until


def fill(place: Path) -> None:
    """Write until not a byte more fits."""
    with open(place / "filler", "wb", buffering=0) as file:
        try:
            while file.write(bytes(512)) == 512:
                pass
        except OSError:
            return


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_on_a_full_disk_the_daemon_delivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with disk(tmp_path / "small", "size=96k") as small, Receiver("acknowledge") as receiver:
        monkeypatch.setenv("SHIPPER_HOME", str(small))
        choose("on")
        record(receiver.endpoint, count=20)
        set_due(int(time.time()) - 1)
        fill(small)
        with daemon():
            until(lambda: len(receiver.events) == 20, 60, "what was recorded before the disk was full is delivered")
        end(small)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_without_room_for_a_doorbell_the_daemon_delivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with disk(tmp_path / "small", "size=1m") as small, Receiver("acknowledge") as receiver:
        monkeypatch.setenv("SHIPPER_HOME", str(small))
        choose("on")
        record(receiver.endpoint)
        flush(time.time())  # somebody has delivered before: the folders and locks of a pass are there
        record(receiver.endpoint, count=20)
        set_due(int(time.time()) - 1)
        used = os.statvfs(small).f_files - os.statvfs(small).f_ffree
        subprocess.run(["mount", "-o", f"remount,nr_inodes={used}", str(small)], check=True)
        running = subprocess.Popen([sys.executable, "-m", "shipper", "run"])
        try:
            until(lambda: len(receiver.events) == 21, 60, "what was recorded before the disk was full is delivered")
            assert running.poll() is None
        finally:
            running.kill()
            running.wait(10)
        end(small)


def test_a_flood_of_rings_costs_a_few_looks_a_second_and_delays_nobody(home: Path) -> None:
    choose("on")
    with Receiver("acknowledge") as receiver, Manager(str(home.parent / "notify")) as manager:
        record(receiver.endpoint)
        set_due(int(time.time()) + 3600)
        for number in range(200):
            (home / "state" / "shipper" / "apps" / f"app{number}").mkdir(mode=0o700)
        with daemon(NOTIFY_SOCKET=manager.address), open_state(os.environ) as state:
            until(lambda: manager.heard("READY=1"))
            before, begun = manager.heard("STATUS="), time.monotonic()
            while manager.heard("STATUS=") < before + 5:
                ring(state)
            looks, seconds = manager.heard("STATUS=") - before, time.monotonic() - begun
            assert looks <= seconds / REST_BETWEEN_LOOKS + 2
            set_due(int(time.time()) - 1)
            ring(state)
            until(lambda: manager.heard("STATUS=") and receiver.events, 60, "the pass that was rung for amid the flood")


def test_one_hanging_one_corrupt_and_one_huge_spool_starve_nobody(home: Path) -> None:
    choose("on")
    with Receiver("hang") as hanging, Receiver("acknowledge") as receiver:
        for app, endpoint in (("hangs", hanging.endpoint), ("corrupt", receiver.endpoint), ("huge", receiver.endpoint)):
            record(endpoint, app)
            set_due(int(time.time()) - 10, app=app)
        for path in [path for path in spool(home, "corrupt").rglob("*") if path.is_file()]:
            path.write_bytes(os.urandom(4096))
        (spool(home, "huge") / "sealed").mkdir(mode=0o700, exist_ok=True)
        for number in range(2000):
            (spool(home, "huge") / "sealed" / f"20261123T1{number:08d}Z-00000000.ndjson").write_bytes(b"x\n")
        record(receiver.endpoint, "small")
        set_due(int(time.time()) - 1, app="small")
        with daemon():
            until(
                lambda: any(b'"app":"small"' in line for line in receiver.events.values()), 60, "the small one is sent"
            )
