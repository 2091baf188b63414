"""`shipper flush --implicit`: the pass that nobody waits for ends by itself, whatever the network does."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shipper.recording.folder import open_app, open_state
from shipper.spool.locks import flusher_lock
from tests.fixtures.daemon_process import choose, pending, record, spool
from tests.fixtures.faults import Faults


def implicit(*spools: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "shipper", "flush", "--implicit", *spools]
    return subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=80, check=False
    )


def test_it_says_nothing_and_its_exit_code_is_that_of_flush(home: Path) -> None:
    with Faults() as receiver:
        record(receiver.endpoint)  # opt-in and nobody was asked: held
        assert (implicit("demo").returncode, implicit("demo").stdout) == (5, "")
        choose("on")
        record(receiver.endpoint)
        done = implicit("demo")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert len(receiver.events) == 1
    record("http://127.0.0.1:1", app="other")
    assert implicit("other").returncode == 3
    assert len(pending(home, "other")) == 1


def test_it_keeps_to_the_wait_that_a_failure_left(home: Path) -> None:
    choose("on")
    with Faults("status 503 Retry-After: 3600") as receiver:  # longer than a busy machine takes to start the next one
        record(receiver.endpoint)
        assert implicit("demo").returncode == 3
        asked = len(receiver.requests)
        assert implicit("demo").returncode == 3
        assert len(receiver.requests) == asked
    assert pending(home) != []


def test_of_two_passes_one_goes(home: Path) -> None:
    choose("on")
    with Faults() as receiver:
        record(receiver.endpoint)
        with open_state(os.environ) as state, open_app(state, "demo") as folder, flusher_lock(folder, 0):
            done = implicit("demo")
        assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
        assert receiver.requests == []
    assert home.exists()


ALARM = """
import signal, sys
from shipper.cli import implicit
implicit.LIFETIME = 1.5
%s
sys.exit(implicit.main(['demo']))
"""


@pytest.mark.parametrize(
    "hang",
    [
        "import socket; socket.getaddrinfo = lambda *a, **k: signal.pause()",  # a name server that does not answer
        "import sys; sys.modules['httpx'] = None; import builtins; real = builtins.__import__\n"
        "builtins.__import__ = lambda name, *a, **k: "
        "signal.pause() if name == 'shipper.flusher' else real(name, *a, **k)",  # a disk that does not answer
        "signal.signal(signal.SIGALRM, signal.SIG_IGN); signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])",
    ],
    ids=["name server", "import", "signals that the host had ignored"],
)
def test_its_hour_strikes_wherever_it_hangs(home: Path, hang: str) -> None:
    choose("on")
    with Faults("hang") as receiver:
        record(receiver.endpoint)
        begun = time.monotonic()
        done = subprocess.run([sys.executable, "-c", ALARM % hang], env=os.environ, timeout=40, check=False)
        assert done.returncode == -signal.SIGALRM
        assert time.monotonic() - begun < 30
    assert len(pending(home)) == 1


def test_what_its_hour_interrupts_goes_out_with_the_next_pass_under_the_same_key(home: Path) -> None:
    choose("on")
    with Faults("hang", "acknowledge") as receiver:
        record(receiver.endpoint)
        subprocess.run(
            [sys.executable, "-c", ALARM % "implicit.LIFETIME = 8.0"], env=os.environ, timeout=40, check=False
        )
        flushed = [sys.executable, "-m", "shipper", "flush", "demo"]
        assert subprocess.run(flushed, env=os.environ, capture_output=True, timeout=60, check=False).returncode == 0
        assert {request.key for request in receiver.requests} == {receiver.requests[0].key}
        assert len(receiver.events) == 1
    assert pending(home) == []
    assert spool(home).exists()
