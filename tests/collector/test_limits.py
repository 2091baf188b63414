"""What a receiver bears: overload, slowness, bombs and a store that is away; nothing of it grows, nothing is a 500."""

import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from shipper.collector.http import connections, guard, intake
from shipper.collector.stores import sqlite
from tests.fixtures.receiver_inside import receiving
from tests.fixtures.receiver_process import running
from tests.fixtures.waiting import until
from tests.fixtures.wire_events import HEADERS, line, packed

HEAD = (
    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nIdempotency-Key: k\r\n"
    b"Content-Length: 100000\r\n\r\n"
)


def send(client: httpx.Client, *lines: bytes, packing: bool = True) -> httpx.Response:
    """One batch."""
    content, encoding = (packed(*lines), "gzip") if packing else (b"".join(lines), "identity")
    return client.post("/v1/events", content=content, headers=HEADERS | {"Content-Encoding": encoding})


def connected(client: httpx.Client) -> socket.socket:
    """A plain connection to where a client goes."""
    return socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=20)


@contextmanager
def held(data: Path) -> Iterator[None]:
    """The store's file is locked by somebody else, so that no commit gets through."""
    with closing(sqlite3.connect(data / sqlite.FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_store_that_cannot_commit_is_a_503_with_a_time_to_wait_and_nothing_was_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    with receiving(tmp_path / "data") as (client, _):
        with held(tmp_path / "data"):
            refused = send(client, line(1))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, str(guard.RETRY_STORE))
        assert send(client, line(1)).json()["accepted"] == 1
        said = dict(found.rsplit(" ", 1) for found in client.get("/metrics").text.splitlines())
        assert said['shipper_commits_total{result="failed"}'] == said['shipper_commits_total{result="done"}'] == "1"
        assert said["shipper_commit_rows_total"] == "1"
        assert float(said["shipper_commit_seconds_total"]) >= 0.1  # the one that failed waited that long


def test_when_too_much_waits_for_its_commit_senders_are_asked_to_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MAX_MEMORY", 10_000 * intake.MEMORY_PER_BYTE)
    monkeypatch.setattr(intake, "TURN_SECONDS", 0.2)
    with receiving(tmp_path / "data") as (client, receiver):
        replies: list[httpx.Response] = []
        with held(tmp_path / "data"):
            first = threading.Thread(target=lambda: replies.append(send(client, *map(line, range(20)))))
            first.start()
            until(lambda: receiver.group.waiting == 20, what="the first batch waits")
            overload = send(client, *map(line, range(20, 40)))
        first.join()
        assert (overload.status_code, overload.headers["retry-after"]) == (429, str(guard.RETRY_OVERLOAD))
        assert replies[0].json()["accepted"] == 20
        assert send(client, *map(line, range(20, 40))).json()["accepted"] == 20
        assert receiver.intake.memory == receiver.intake.reading == 0


def test_requests_that_wait_together_are_committed_together_and_each_learns_its_own(tmp_path: Path) -> None:
    with receiving(tmp_path / "data") as (client, receiver):
        replies: dict[int, httpx.Response] = {}
        with held(tmp_path / "data"):
            threads = [
                threading.Thread(
                    target=lambda first=first: replies.update({first: send(client, line(first), line(first + 1))})
                )
                for first in range(10)
            ]
            for thread in threads:
                thread.start()
            until(lambda: receiver.group.waiting == 20, what="all ten requests wait")
        for thread in threads:
            thread.join()
        assert receiver.metrics.commits["done"] <= 3
        assert sum(reply.json()["accepted"] for reply in replies.values()) == 11
        assert sum(reply.json()["duplicate"] for reply in replies.values()) == 9


def test_a_body_that_comes_in_too_slowly_is_a_408(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "FIRST_SECONDS", 0.2)
    with receiving(tmp_path / "data") as (client, _), connected(client) as slow:
        slow.sendall(HEAD + b"{")
        assert slow.recv(100).startswith(b"HTTP/1.1 408")


def test_a_head_that_comes_in_too_slowly_ends_its_connection_the_first_and_every_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    with receiving(tmp_path / "data") as (client, _):
        with connected(client) as slow:
            slow.sendall(HEAD[:30])
            assert slow.recv(100) == b""
        with connected(client) as slow:
            slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            until(lambda: slow.recv(1000).endswith(b'{"status":"ok"}'), what="the first answer")
            slow.sendall(HEAD[:30])
            assert slow.recv(100) == b""


def test_a_patient_connection_may_send_one_request_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    with receiving(tmp_path / "data") as (client, receiver):
        for number in range(3):
            with held(tmp_path / "data"):  # each request takes longer than the patience for a head
                thread = threading.Thread(target=lambda number=number: send(client, line(number)))
                thread.start()
                until(lambda: receiver.group.waiting, what="it waits")
                threading.Event().wait(0.4)
            thread.join()
        assert receiver.metrics.replies == {200: 3}


def test_when_bodies_hold_too_much_the_slowest_and_largest_goes_and_a_newcomer_is_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MAX_READING", 100_000)
    with receiving(tmp_path / "data") as (client, receiver), ExitStack() as stack:
        slow = [stack.enter_context(connected(client)) for _ in range(3)]
        for number, connection in enumerate(slow, 1):
            connection.sendall(HEAD + b"x" * 30_000)
            until(lambda held=30_000 * number: receiver.intake.reading == held, what="it is held")  # type: ignore[misc]
        assert send(client, *map(line, range(200)), packing=False).json()["accepted"] == 200
        assert slow[0].recv(100).startswith(b"HTTP/1.1 429")
        stack.close()
        until(lambda: "shipper_reading_bytes 0" in client.get("/metrics").text, what="nothing is held any more")


def test_when_there_are_too_many_connections_the_longest_idle_goes_and_a_newcomer_is_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 20)
    with receiving(tmp_path / "data") as (client, _), ExitStack() as stack:
        bodies = [stack.enter_context(connected(client)) for _ in range(10)]
        for connection in bodies:
            connection.sendall(HEAD + b"x")
        until(lambda: "shipper_reading_bytes 10" in client.get("/metrics").text, what="ten bodies come in")
        idle = [stack.enter_context(connected(client)) for _ in range(40)]
        assert send(client, line(1)).json()["accepted"] == 1
        for gone in idle[:20]:
            with suppress(ConnectionResetError):
                assert gone.recv(1) == b""
        for connection in bodies:
            connection.setblocking(False)
            with pytest.raises(BlockingIOError):
                connection.recv(1)


@pytest.mark.parametrize("lengths", [b"Transfer-Encoding: chunked", b"Content-Length: 3\r\nTransfer-Encoding: chunked"])
def test_a_request_whose_length_can_be_read_in_two_ways_ends_its_connection_unanswered(
    lengths: bytes, tmp_path: Path
) -> None:
    with receiving(tmp_path / "data") as (client, receiver), connected(client) as smuggler:
        smuggled = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
        smuggler.sendall(HEAD.replace(b"Content-Length: 100000", lengths) + b"0\r\n\r\n" + smuggled)
        answered = b"".join(iter(lambda: smuggler.recv(1000), b""))
        assert (answered[:12], answered.count(b"HTTP/1.1")) == (b"HTTP/1.1 400", 1)
        assert not receiver.metrics.replies


def test_requests_that_are_sent_ahead_of_their_turn_end_their_connection(tmp_path: Path) -> None:
    with receiving(tmp_path / "data") as (client, _), held(tmp_path / "data"), connected(client) as ahead:
        body = packed(line(1))
        one = (
            f"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
            f"Content-Encoding: gzip\r\nIdempotency-Key: k\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body
        with suppress(ConnectionResetError):
            ahead.sendall(one * 100)
            assert ahead.recv(1000) == b""


def test_what_was_acknowledged_before_a_kill_at_any_moment_is_there_afterwards(tmp_path: Path) -> None:
    acknowledged = 0
    for attempt in range(6):
        with running(tmp_path / "data") as receiver:
            killer = threading.Timer(0.05 + attempt * 0.11, receiver.process.kill)
            killer.start()
            number = attempt * 1_000_000
            while True:
                try:
                    reply = receiver.post(*map(line, range(number, number + 50)))
                except httpx.HTTPError:
                    break
                assert reply.json()["accepted"] == 50
                acknowledged += 50
                number += 50
            killer.join()
            receiver.process.wait()
    with running(tmp_path / "data") as receiver:
        said = receiver.client.get("/answers.json", params={"since": "2026-11-23", "until": "2026-11-23"}).json()
        # The last request of each life may have been committed without its reply: then it counts, and would be a
        # duplicate when it is sent again.
        assert acknowledged <= said["figures"]["Commands run"] <= acknowledged + 6 * 50
        again = receiver.post(*map(line, range(50)))
        assert acknowledged == 0 or again.json()["duplicate"] == 50
    assert acknowledged > 0
