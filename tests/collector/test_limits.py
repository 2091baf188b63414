"""What a receiver bears: overload, slowness, bombs and a store that is away; nothing of it grows, nothing is a 500."""

import gzip
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import pytest

from shipper.collector.http import connections, group_commit, receive, server
from shipper.collector.stores import sqlite
from tests.fixtures.receiver_inside import receiving
from tests.fixtures.receiver_process import Running, running
from tests.fixtures.waiting import until
from tests.fixtures.wire_events import HEADERS, line, packed

MIB = 1024 * 1024
HEAD = (
    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nIdempotency-Key: k\r\n"
    b"Content-Length: 100000\r\n\r\n"
)


def send(client: httpx.Client, *lines: bytes) -> httpx.Response:
    """One batch."""
    return client.post("/v1/events", content=packed(*lines), headers=HEADERS)


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
        assert (refused.status_code, refused.headers["retry-after"]) == (503, str(server.RETRY_STORE))
        assert send(client, line(1)).json()["accepted"] == 1
        said = dict(found.rsplit(" ", 1) for found in client.get("/metrics").text.splitlines())
        assert said['shipper_commits_total{result="failed"}'] == said['shipper_commits_total{result="done"}'] == "1"
        assert said["shipper_commit_rows_total"] == "1"
        assert float(said["shipper_commit_seconds_total"]) >= 0.1  # the one that failed waited that long


def test_when_too_much_waits_for_its_commit_senders_are_asked_to_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "MAX_WAITING", 10)
    with receiving(tmp_path / "data") as (client, receiver):
        replies: list[httpx.Response] = []
        with held(tmp_path / "data"):
            first = threading.Thread(target=lambda: replies.append(send(client, *map(line, range(8)))))
            first.start()
            until(lambda: receiver.group.waiting == 8, what="the first batch waits")
            overload = send(client, *map(line, range(8, 16)))
        first.join()
        assert (overload.status_code, overload.headers["retry-after"]) == (429, str(server.RETRY_OVERLOAD))
        assert replies[0].json()["accepted"] == 8
        assert send(client, *map(line, range(8, 16))).json()["accepted"] == 8


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
    monkeypatch.setattr(server, "BODY_SECONDS", 0.2)
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


def test_bodies_that_are_held_while_they_come_in_are_bounded_over_all_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_READING", 100_000)
    with receiving(tmp_path / "data") as (client, receiver), ExitStack() as stack:
        slow = [stack.enter_context(connected(client)) for _ in range(4)]
        for connection in slow[:3]:
            connection.sendall(HEAD + b"x" * 30_000)
        until(lambda: "shipper_reading_bytes 90000" in client.get("/metrics").text, what="three bodies are held")
        slow[3].sendall(HEAD + b"x" * 30_000)
        assert slow[3].recv(100).startswith(b"HTTP/1.1 429")
        stack.close()
        until(lambda: "shipper_reading_bytes 0" in client.get("/metrics").text, what="nothing is held any more")
        assert receiver.metrics.replies[429] == 1


def peak(receiver: Running) -> int:
    """The most memory that a receiver has had so far, in bytes."""
    for found in Path(f"/proc/{receiver.process.pid}/status").read_text().splitlines():
        if found.startswith("VmHWM"):
            return int(found.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def test_a_bomb_and_500_slow_connections_cost_little_memory_and_delay_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bomb = gzip.compress(b"\0" * 50 * MIB)
    with running(tmp_path / "data") as receiver, ExitStack() as stack:
        receiver.post(line(1))
        before = peak(receiver)
        for _ in range(5):
            assert receiver.client.post("/v1/events", content=bomb, headers=HEADERS).status_code == 413
        bombed = peak(receiver)
        body = packed(*map(line, range(3000)))[: -receive.MAX_BODY or None]
        for _ in range(500):
            connection = stack.enter_context(connected(receiver.client))
            connection.sendall(HEAD + body[:32_000])
        assert receiver.post(line(2)).json()["accepted"] == 1
        slow = peak(receiver)
        with capsys.disabled():
            print(
                f"\npeak memory: {before / MIB:.0f} MiB, after 50 MiB bombs {bombed / MIB:.0f}, 500 slow {slow / MIB:.0f}"
            )
        assert bombed - before < 40 * MIB
        assert slow - bombed < 100 * MIB


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
        assert acknowledged <= said["figures"]["Events"] <= acknowledged + 6 * 50
        again = receiver.post(*map(line, range(50)))
        assert acknowledged == 0 or again.json()["duplicate"] == 50
    assert acknowledged > 0
