"""That a reply comes after its commit is on the disk, seen with the kernel's own eyes."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.crash.test_strace import no_strace
from tests.fixtures.receiver_process import running
from tests.fixtures.waiting import until
from tests.fixtures.wire_events import line

pytestmark = pytest.mark.skipif(bool(no_strace()), reason=no_strace())


@contextmanager
def traced(process: int, log: Path) -> Iterator[None]:
    """Every sync and every send of a process and its threads goes to a file, in order."""
    command = [
        "strace",
        "-f",
        "-yy",
        "-s",
        "32",
        "-e",
        "trace=fsync,fdatasync,sendto",
        "-o",
        str(log),
        "-p",
        str(process),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        try:
            assert strace.stderr is not None
            until(lambda: "attached" in strace.stderr.readline(), what="strace is attached")  # type: ignore[union-attr]
            yield
        finally:
            strace.send_signal(signal.SIGINT)
            strace.communicate(timeout=20)


def test_every_acknowledgement_is_sent_after_a_sync_of_the_log_that_holds_its_events(tmp_path: Path) -> None:
    log = tmp_path / "strace.log"
    with running(tmp_path / "data") as receiver:
        with traced(receiver.process.pid, log):
            for number in range(5):
                assert receiver.post(line(number)).json()["accepted"] == 1
        said = re.findall(
            r"(fsync|fdatasync)\(\d+<[^>]*events.sqlite-wal|sendto\([^\n]*(HTTP/1.1 200)", log.read_text()
        )
    synced = "".join("s" if sync else "R" for sync, _ in said)
    assert re.fullmatch(r"(s+R){5}s*", synced), synced
