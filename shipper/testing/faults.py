"""Every way for a receiver to misbehave, by name, as `FAULTS`; `Receiver` plays them.

A fault is a function that is given one connection, after a whole request was read from it, and answers as it likes.
"""

import json
import os
import socket
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.testing.receiver import Receiver

_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Received:
    """One request as it came in; `body` is unpacked, `wire_bytes` is what it cost."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    wire_bytes: int
    connection: int

    @property
    def key(self) -> str:
        """The batch's idempotency key."""
        return self.headers.get("idempotency-key", "")

    @property
    def lines(self) -> list[bytes]:
        """The events, one line each, byte for byte."""
        return self.body.splitlines(keepends=True)

    @property
    def ids(self) -> list[str]:
        """The events' ids."""
        return [json.loads(line)["id"] for line in self.lines]


Fault = Callable[["Receiver", socket.socket, Received], None]


def shut(connection: socket.socket) -> None:
    """End a connection whose other side may have gone already."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def reply(connection: socket.socket, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
    """Send one whole HTTP reply."""
    named = {"Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    connection.sendall(f"HTTP/1.1 {status} Reason\r\n{head}\r\n".encode("latin-1") + body)


def acknowledgement(request: Received, **changes: object) -> dict[str, object]:
    """What a truthful receiver that holds nothing yet would say; `changes` make it a lie."""
    whole: dict[str, object] = {
        "batch": request.key,
        "sha256": sha256(request.body).hexdigest(),
        "accepted": len(request.lines),
        "duplicate": 0,
        "rejected": [],
        "deferred": [],
    }
    return {**whole, **changes}


def _say(connection: socket.socket, found: object, status: int = 200) -> None:
    reply(connection, status, _JSON, json.dumps(found).encode())


def acknowledge(receiver: "Receiver", connection: socket.socket, request: Received) -> None:
    """What a truthful receiver says, which remembers every event."""
    with receiver._lock:
        fresh = [line for line in request.lines if json.loads(line)["id"] not in receiver.events]
        receiver.events.update({json.loads(line)["id"]: line for line in fresh})
        twice = len(request.lines) - len(fresh)
        receiver.duplicates += twice
    _say(connection, acknowledgement(request, accepted=len(fresh), duplicate=twice))


def limited(receiver: "Receiver", connection: socket.socket, request: Received) -> None:
    """413 above `limit` decoded bytes."""
    if len(request.body) > receiver.limit:
        reply(connection, 413)
    else:
        acknowledge(receiver, connection, request)


def poisoned(receiver: "Receiver", connection: socket.socket, request: Received) -> None:
    """422 for a batch that holds an event of `poison`."""
    if receiver.poison.intersection(request.ids):
        _say(connection, {"error": "unprocessable"}, 422)
    else:
        acknowledge(receiver, connection, request)


def rejecting(receiver: "Receiver", connection: socket.socket, request: Received) -> None:
    """A true acknowledgement that rejects the events of `poison` by name."""
    bad = [{"id": each, "reason": "not in the catalog"} for each in request.ids if each in receiver.poison]
    receiver.events.update(
        {json.loads(line)["id"]: line for line in request.lines if json.loads(line)["id"] not in receiver.poison}
    )
    _say(connection, acknowledgement(request, accepted=len(request.lines) - len(bad), rejected=bad))


def deferring(receiver: "Receiver", connection: socket.socket, request: Received) -> None:
    """A true acknowledgement that defers the events of `poison` by name."""
    later = [{"id": each, "reason": "newer than the catalog"} for each in request.ids if each in receiver.poison]
    with receiver._lock:
        known = [each for each in request.ids if each in receiver.events]
        receiver.events.update(
            {json.loads(line)["id"]: line for line in request.lines if json.loads(line)["id"] not in receiver.poison}
        )
    taken = len(request.lines) - len(later) - len(known)
    _say(connection, acknowledgement(request, accepted=taken, duplicate=len(known), deferred=later))


def erased(_: "Receiver", connection: socket.socket, request: Received) -> None:
    """Confirm a deletion by naming the id."""
    _say(connection, {"user": request.path.rpartition("/")[2]})


def said(**changes: object) -> Fault:
    """An acknowledgement with a lie in it."""
    return lambda _, connection, request: _say(connection, acknowledgement(request, **changes))


def raw(answer: bytes, close: bool = True) -> Fault:
    """Bytes as they are, then the end of the connection."""

    def fault(_: "Receiver", connection: socket.socket, __: Received) -> None:
        connection.sendall(answer)
        if close:
            shut(connection)

    return fault


def hang(receiver: "Receiver", _: socket.socket, __: Received) -> None:
    """Read the request, say nothing."""
    receiver.over.wait()


def drip(receiver: "Receiver", connection: socket.socket, _: Received) -> None:
    """One byte every quarter of a second: no single operation ever times out."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    while not receiver.over.wait(0.25):
        connection.sendall(b" ")


def endless(receiver: "Receiver", connection: socket.socket, _: Received) -> None:
    """A 200 whose body never ends, as fast as it is read."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
    while not receiver.over.is_set():
        connection.sendall(b" " * 65536)


def reset(_: "Receiver", connection: socket.socket, __: Received) -> None:
    """Half a reply, then RST."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"acc')
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())  # at once, although the stream that reads requests still refers to the socket


def bomb(_: "Receiver", connection: socket.socket, __: Received) -> None:
    """A gzip reply of 200 KB that unpacks to 200 MB of spaces."""
    body = _bomb()
    reply(connection, 200, {**_JSON, "Content-Encoding": "gzip"}, body)


@cache
def _bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(packer.compress(b" " * 1_000_000) for _ in range(200)), packer.flush()])


def flood(receiver: "Receiver", connection: socket.socket, _: Received) -> None:
    """100 Continue without end."""
    while not receiver.over.is_set():
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def answer(status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Fault:
    """The same whole reply to everybody."""
    return lambda _, connection, __: reply(connection, status, headers, body)


def status(rest: str) -> Fault:
    """`status CODE [Header: value]`."""
    code, _, header = rest.partition(" ")
    name, _, value = header.partition(": ")
    return answer(int(code), {name: value} if name else None)


_PAGE = b"<!DOCTYPE html><title>Welcome to Hotel Wi-Fi</title>\x1b[2J\x1b]0;owned\x07"

FAULTS: dict[str, Fault] = {
    "acknowledge": acknowledge,
    "limited": limited,
    "poisoned": poisoned,
    "rejecting": rejecting,
    "deferring": deferring,
    "erased": erased,
    "page": answer(200, {"Content-Type": "text/html; charset=utf-8"}, _PAGE),
    "page as json": answer(200, _JSON, _PAGE),
    "empty": answer(200, _JSON),
    "no content": answer(204, {}),
    "empty object": answer(200, _JSON, b"{}"),
    "list": answer(200, _JSON, b"[]"),
    "half json": answer(200, _JSON, b'{"batch":"'),
    "other batch": said(batch="20260101T000000000Z-00000000"),
    "other bytes": said(sha256="0" * 64),
    "miscount": said(accepted=0),
    "negative": said(accepted=-1, duplicate=2),
    "rejects unsent": said(rejected=[{"id": "nobody", "reason": "x"}], accepted=0),
    "no counts": said(accepted=None),
    "redirect": answer(302, {"Location": "/elsewhere"}),
    "close": raw(b""),
    "cut": raw(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"acc'),
    "garbage": raw(b"\x15\x03\x01 garbage\r\n\r\n"),
    "huge header": raw(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 2_000_000 + b"\r\n\r\n"),
    "broken gzip": answer(200, {**_JSON, "Content-Encoding": "gzip"}, b"\x1f\x8b\x08\x00broken"),
    "hang": hang,
    "drip": drip,
    "endless": endless,
    "reset": reset,
    "bomb": bomb,
    "flood": flood,
}
