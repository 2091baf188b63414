"""The doorbell: a ring reaches who listens, hurts nobody, and is answered even by a daemon that hangs."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipper.recording.folder import Folder, open_state
from shipper.wakeup import doorbell


@pytest.fixture
def state(home: Path) -> Iterator[Folder]:
    with open_state(os.environ, create=True) as folder:
        assert folder.path.startswith(str(home))
        yield folder


def test_without_a_daemon_nobody_is_rung(state: Folder) -> None:
    assert not doorbell.ring(state)
    os.mkfifo(Path(state.path) / doorbell.NAME, 0o600)
    assert not doorbell.ring(state)
    assert not doorbell.listening(state)


def test_a_ring_reaches_the_daemon_and_wakes_it_once(state: Folder) -> None:
    fd = doorbell.open_doorbell(state)
    try:
        assert doorbell.listening(state)
        assert doorbell.ring(state)
        assert os.read(fd, 10) == b"!"
        with pytest.raises(BlockingIOError):
            os.read(fd, 10)
    finally:
        os.close(fd)
    assert not doorbell.ring(state)


def test_a_bell_full_of_rings_takes_no_time_and_counts_as_heard(state: Folder) -> None:
    fd = doorbell.open_doorbell(state)
    try:
        begun = time.monotonic()
        assert all(doorbell.ring(state) for _ in range(20_000)) or sys.platform != "linux"
        while True:
            try:
                os.write(fd, b"!" * 65536)
            except BlockingIOError:
                break
        assert doorbell.ring(state)
        assert time.monotonic() - begun < 30
    finally:
        os.close(fd)


def test_what_is_no_bell_of_ours_is_neither_rung_nor_used(state: Folder) -> None:
    path = Path(state.path) / doorbell.NAME
    path.write_bytes(b"kept")
    assert not doorbell.ring(state)
    assert not doorbell.listening(state)
    with pytest.raises(FileExistsError, match="is not a doorbell"):
        doorbell.open_doorbell(state)
    assert path.read_bytes() == b"kept"


def test_a_link_in_the_place_of_the_bell_is_not_followed(state: Folder, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    os.mkfifo(other, 0o600)
    reader = os.open(other, os.O_RDWR | os.O_NONBLOCK)
    try:
        (Path(state.path) / doorbell.NAME).symlink_to(other)
        assert not doorbell.ring(state)
        with pytest.raises(OSError, match="symbolic links"):
            doorbell.open_doorbell(state)
    finally:
        os.close(reader)


def test_the_death_of_the_daemon_while_a_cli_rings_kills_no_cli(home: Path, state: Folder) -> None:
    ringer = (
        "import os, sys, signal\n"
        "signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"  # as in a host that is no Python program
        "from shipper.recording.folder import open_state\n"
        "from shipper.wakeup import doorbell\n"
        "write, fd = os.write, int(sys.argv[1])\n"
        "def dying(doorbell_fd, data):\n"
        "    os.close(fd)\n"  # the daemon's own end goes between open and write
        "    return write(doorbell_fd, data)\n"
        "os.write = dying\n"
        "with open_state(os.environ) as state:\n"
        "    write(1, b'%d' % doorbell.ring(state))\n"
    )
    fd = doorbell.open_doorbell(state)
    os.set_inheritable(fd, True)
    process = subprocess.Popen(
        [sys.executable, "-c", ringer, str(fd)], pass_fds=[fd], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    os.close(fd)
    said, _ = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, b"1")
    assert home.exists()


def test_a_mark_grows_old_until_a_pass_takes_it_away(state: Folder) -> None:
    now = time.time()
    assert not doorbell.marked(state)
    assert doorbell.mark(state, now) == 0
    assert doorbell.marked(state)
    assert doorbell.mark(state, now + 700) == pytest.approx(700, abs=5)
    doorbell.answer(state)
    assert not doorbell.marked(state)
    assert doorbell.mark(state, now) == 0
    doorbell.answer(state)
    doorbell.answer(state)


def test_a_mark_from_the_future_counts_as_too_old(state: Folder) -> None:
    now = time.time()
    doorbell.mark(state, now)
    assert doorbell.mark(state, now - 2 * doorbell.OVERDUE) >= doorbell.OVERDUE
    assert doorbell.mark(state, now - 5) < doorbell.OVERDUE
