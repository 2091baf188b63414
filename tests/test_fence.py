"""The fence holds: a test cannot reach out, see the real environment or leave a process behind unseen."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import OutsideTheFenceError, left_behind
from tests.fixtures.waiting import until


def test_a_connection_beyond_loopback_is_stopped_before_it_is_made() -> None:
    with socket.socket() as caller, pytest.raises(OutsideTheFenceError):
        caller.connect(("192.0.2.1", 80))


def test_a_name_of_the_world_is_not_looked_up() -> None:
    with pytest.raises(OutsideTheFenceError):
        socket.getaddrinfo("telemetry.example.com", 443)


def test_loopback_is_reachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()[:2]) as caller:
        assert caller.getpeername() == server.getsockname()


def test_nothing_of_the_real_environment_decides_for_shipper(home: Path) -> None:
    telling = ("CI", "DO_NOT_TRACK", "HTTP_PROXY", "https_proxy", "XDG_STATE_HOME", "GITHUB_ACTIONS")
    assert [name for name in telling if name in os.environ] == []
    assert os.environ["SHIPPER_HOME"] == str(home)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are found by /proc, which this system lacks")
def test_a_process_in_a_session_of_its_own_is_still_found(home: Path) -> None:
    grandchild = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()'], start_new_session=True)"
    read, write = os.pipe()
    with os.fdopen(write, "wb"):
        subprocess.run([sys.executable, "-W", "ignore", "-c", grandchild], stdin=read, check=True)
        os.close(read)
        assert until(lambda: left_behind(home)) != {}
    until(lambda: left_behind(home) == {}, what="the grandchild has read its end of file and gone")


def test_waiting_names_what_did_not_happen() -> None:
    with pytest.raises(AssertionError, match=r"after 0.02 s still not so: the pigs fly"):
        until(lambda: False, 0.02, "the pigs fly")
