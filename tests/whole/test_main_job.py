"""The main job on real processes: what was promised is at the receiver, once, whoever was killed on the way."""

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.fixtures.command_line import PATIENCE, ROOT, Receiver, promised, record, shipper, start
from tests.fixtures.waiting import until

DIES_BEFORE_DELETING = """
import os, signal, sys
from shipper.cli import main

def die(event, arguments):
    if event == "os.remove" and str(arguments[0]).endswith(".ndjson"):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
main(["flush", "counter"])
"""

FLUSHES = """
import os, sys
from shipper.cli import main

while not os.path.exists(sys.argv[1]):
    main(["flush", "counter"])
"""


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """A receiver that is not up yet, and a person who agreed to send there."""
    found = Receiver(tmp_path)
    monkeypatch.setenv("COUNTER_RECEIVER", found.url)
    assert shipper("on", "counter").returncode == 0
    return found


def flush(**environ: str) -> dict[str, int]:
    """What a pass by hand came to, with its exit code."""
    ended = shipper("flush", "counter", "--json", **environ)
    (result,) = json.loads(ended.stdout)
    return {**result, "code": ended.returncode}


@contextmanager
def watched(receiver: Receiver, seen: list[tuple[str, bytes]]) -> Iterator[str]:
    """A way to the receiver on which every request is noted: its key and its body."""

    class Relay(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.headers["Idempotency-Key"], body))
            onward = http.client.HTTPConnection(receiver.address, timeout=PATIENCE)
            onward.request("POST", self.path, body, dict(self.headers))
            reply = onward.getresponse()
            self.send_response(reply.status)
            answer = reply.read()
            self.send_header("Content-Type", reply.headers["Content-Type"])
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            onward.close()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Relay) as relay:
        thread = Thread(target=relay.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{relay.server_address[1]}"
        finally:
            relay.shutdown()
            thread.join()


def test_fifty_processes_record_forty_events_each_while_flushes_run(receiver: Receiver, tmp_path: Path) -> None:
    over = tmp_path / "over"
    record(2000, 1)
    with (
        receiver.up(),
        subprocess.Popen([sys.executable, "-c", FLUSHES, over], stdout=subprocess.DEVNULL, cwd=ROOT) as flusher,
    ):
        try:
            until(lambda: receiver.numbers() == [2000], what="passes are running")
            writers = [start("tests.fixtures.recording_tool", str(first), "40") for first in range(0, 2000, 40)]
            kept = sorted(number for writer in writers for number in promised(writer))
            meanwhile = len(shipper("show", "--sent").stdout.splitlines())
        finally:
            over.touch()
        flusher.wait(PATIENCE)
        assert flush()["code"] == 0
    assert kept == list(range(2000)), "nobody had to wait so long that it gave up"
    assert receiver.numbers() == list(range(2001))
    assert meanwhile > 1, "passes delivered while the writers wrote"


def test_the_receiver_comes_and_goes_and_nothing_is_lost_or_doubled(receiver: Receiver) -> None:
    for round_ in range(2):
        record(100 * round_, 50)
        down = flush()
        assert (down["code"], down["left"]) == (3, 50)
        with receiver.up():
            record(100 * round_ + 50, 50)
            assert (flush()["code"], flush()["left"]) == (0, 0)
        assert receiver.numbers() == list(range(100 * (round_ + 1)))


def test_a_receiver_killed_in_the_middle_of_a_flush_gets_the_rest_later(receiver: Receiver) -> None:
    record(0, 6000)
    with receiver.up() as process, start("shipper", "flush", "counter") as flushing:
        until(receiver.numbers, what="something has arrived")
        process.kill()
        flushing.communicate(timeout=PATIENCE)
    assert len(receiver.numbers()) < 6000, "it died before everything was there"
    assert flushing.returncode == 3
    with receiver.up():
        assert flush()["code"] == 0
    assert receiver.numbers() == list(range(6000))


def test_a_flush_killed_between_acknowledgement_and_deletion_sends_the_same_bytes_again(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[tuple[str, bytes]] = []
    with receiver.up(), watched(receiver, requests) as way:
        monkeypatch.setenv("COUNTER_RECEIVER", way)
        record(0, 30)
        killed = subprocess.run([sys.executable, "-c", DIES_BEFORE_DELETING], timeout=PATIENCE, check=False)
        assert killed.returncode == -signal.SIGKILL
        assert receiver.numbers() == list(range(30)), "it was acknowledged before the kill"
        again = flush()
    assert (again["delivered"], again["duplicate"], again["code"]) == (30, 30, 0)
    assert receiver.numbers() == list(range(30))
    first, second = requests
    assert first == second


def test_a_hundred_processes_killed_right_after_record_returned_true_lose_nothing(receiver: Receiver) -> None:
    kept = [number for number in range(100) for number in record(number, 1, "kill")]
    assert kept == list(range(100))
    with receiver.up():
        assert flush()["code"] == 0
    assert receiver.numbers() == kept


def test_without_consent_nothing_reaches_the_receiver(receiver: Receiver) -> None:
    shipper("local", "counter")
    record(0, 5)
    with receiver.up():
        assert flush()["code"] == 5
        assert flush(DO_NOT_TRACK="1")["code"] == 5
        shipper("on", "counter", "--with-held")
        assert flush(DO_NOT_TRACK="1")["code"] == 5
        assert receiver.numbers() == []
        assert (flush()["delivered"], receiver.numbers()) == (5, list(range(5)))
