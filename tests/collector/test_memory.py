"""What a receiver holds in memory is bounded whatever is sent, and honest senders get through meanwhile.

Each attack is a shape of request that had cost a hundred times what it sent. While it runs an honest sender sends and
`/healthz` is asked; the receiver's greatest memory is the system's own figure.
"""

import gzip
import socket
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest

from tests.fixtures.receiver_process import Running, running
from tests.fixtures.wire_events import HEADERS, line, packed

MIB = 1024 * 1024
#: What a receiver may have in memory at most.
MOST = 160 * MIB
#: Honest requests beside each attack.
HONEST = 20


def head(length: int) -> bytes:
    """The head of a batch whose body has so many bytes."""
    said = HEADERS | {"Host": "x", "Content-Length": str(length)}
    return ("POST /v1/events HTTP/1.1\r\n" + "".join(f"{key}: {said[key]}\r\n" for key in said) + "\r\n").encode()


def whole(content: bytes) -> bytes:
    """A batch's whole request."""
    return head(len(content)) + content


def many_fields(number: int) -> bytes:
    """An event of as many different fields as one may have."""
    return line(number, fields=",".join(f'"{number:x}.{field:x}":{number + field}' for field in range(64)))


def too_many_fields(number: int) -> bytes:
    """A line that is full of fields."""
    return line(number, fields=",".join(f'"{number:x}.{field:x}":1' for field in range(1200)))


def nested(number: int) -> bytes:
    """A line that is nothing but lists in lists."""
    return line(number, fields='"deep":' + "[" * 7900 + "]" * 7900)


def novel(number: int) -> bytes:
    """An event whose every name is new."""
    return line(number, version=f"1.{number}", fields=f'"command":"c{number}","error":"e.E{number}"', user=f"p{number}")


def full(make: Callable[[int], bytes]) -> bytes:
    """As many lines as one body may have, packed."""
    lines: list[bytes] = []
    while len(lines) < 1000 and sum(map(len, lines)) < MIB - 17_000:
        lines.append(make(len(lines)))
    return packed(*lines)


def connect(receiver: Running) -> socket.socket:
    """A connection that is given up after a while."""
    place = receiver.client.base_url
    return socket.create_connection((place.host, place.port or 0), timeout=5)


def all_at_once(*requests: bytes, connections: int = 120) -> Callable[[Running], None]:
    """Send one request on each of many connections, and read what comes."""

    def attack(receiver: Running) -> None:
        with ExitStack() as stack:
            opened = [stack.enter_context(connect(receiver)) for _ in range(connections)]
            for number, connection in enumerate(opened):
                with suppress(OSError):
                    connection.sendall(requests[number % len(requests)])
            for connection in opened:
                with suppress(OSError):
                    connection.recv(65536)

    return attack


def held_open(request: bytes, connections: int) -> Callable[[Running], None]:
    """Send the beginning of a request on many connections, and nothing more."""

    def attack(receiver: Running) -> None:
        with ExitStack() as stack:
            for _ in range(connections):
                with suppress(OSError):
                    stack.enter_context(connect(receiver)).sendall(request)
            threading.Event().wait(0.5)

    return attack


HALF = gzip.compress(b"".join(map(line, range(3000))))
CHUNKED = head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
ATTACKS = {
    "bombs": all_at_once(whole(gzip.compress(b"\0" * 50 * MIB))),
    "38 KB that unpack to 8 MiB": all_at_once(whole(gzip.compress(b" " * 8 * MIB))),
    "a gzip that lies about its size": all_at_once(whole(gzip.compress(b" " * 8 * MIB)[:-4] + b"\0\0\1\0")),
    "events of 64 fields": all_at_once(whole(full(many_fields))),
    "lines of 1,200 fields": all_at_once(whole(full(too_many_fields))),
    "lists in lists": all_at_once(whole(full(nested))),
    "every name new": all_at_once(whole(full(novel))),
    "bodies held open": held_open(head(900_000) + HALF[:70_000], 400),
    "large bodies held open": held_open(head(900_000) + b"x" * 899_000, 60),
    "heads held open": held_open(b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 7_900, 1500),
    "idle connections": held_open(b"", 1500),
    "chunks of one byte": held_open(CHUNKED + b"1\r\nx\r\n" * 20_000, 100),
    "requests sent ahead": held_open(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 20_000, 50),
}  # fmt: skip


def peak(receiver: Running) -> int:
    """The most memory that a receiver has had so far, in bytes."""
    for found in Path(f"/proc/{receiver.process.pid}/status").read_text().splitlines():
        if found.startswith("VmHWM"):
            return int(found.split()[1]) * 1024
    raise AssertionError("no VmHWM")


@pytest.mark.parametrize("name", ATTACKS)
def test_no_shape_of_request_costs_much_memory_or_keeps_honest_senders_out(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path / "data") as receiver:
        receiver.client.timeout = 60
        over = threading.Event()
        attacker = threading.Thread(target=lambda: attack_until(over, name, receiver))
        attacker.start()
        sent, healthy = [], []
        try:
            for number in range(HONEST):
                sent.append(timed(partial(receiver.post, line(10_000_000 + number))))
                healthy.append(timed(lambda: receiver.client.get("/healthz")))
        finally:
            over.set()
            attacker.join()
        with capsys.disabled():
            print(
                f"\n{name}: {peak(receiver) / MIB:.0f} MiB; honest {statistics.median(sent):.3f} s, at most {max(sent):.2f};"
                f" healthz {statistics.median(healthy):.3f}, at most {max(healthy):.2f}"
            )
        assert peak(receiver) < MOST


def attack_until(over: threading.Event, name: str, receiver: Running) -> None:
    """Attack again and again."""
    while not over.is_set():
        ATTACKS[name](receiver)


def timed(ask: Callable[[], object]) -> float:
    """Seconds until a request was answered well."""
    began = time.monotonic()
    reply = ask()
    assert getattr(reply, "status_code") == 200, reply  # noqa: B009
    return time.monotonic() - began
