"""A receiver in a process of its own that speaks the shipper wire, remembers everything and behaves as it is told.

It checks what a receiver can check and a sender must keep: a line is never changed, one key always has one body, no
line is unreadable. What it found wrong is in `wrong`.
"""

import json
import os
import signal
import socket
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from shipper.errors import DamagedLine
from shipper.reader import decode

#: Seconds that the test waits for it. It shares two cores with 64 writers, and a million events are a long reply.
PATIENCE = 120.0


@dataclass
class Memory:
    """All that a receiver knows. `events`: id -> name, fields and checksum as JSON; `bodies`: key -> digest.

    The checksum is the whole line's, and it held: two lines of one id that differ have different ones.
    """

    events: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    duplicates: int = 0
    requests: int = 0
    mood: dict[str, Any] = field(default_factory=dict)

    def take(self, key: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Receive a batch: status and reply."""
        self.requests += 1
        lines = body.splitlines()
        events = [event for line in lines if (event := self._read(line))]
        digest = sha256(body).hexdigest()
        if self.bodies.setdefault(key, digest) != digest:
            self.wrong.append(f"the key {key} came with another body")
        if self.mood.get("status"):
            return int(self.mood["status"]), {}
        if len(lines) > self.mood.get("most_lines", len(lines)):
            return 413, {}
        if set(map(_number, events)) & set(self.mood.get("poison", ())):
            return 422, {}
        return 200, self._keep(key, digest, events)

    def _read(self, line: bytes) -> dict[str, Any]:
        try:
            event = decode(line)
        except DamagedLine as error:
            self.wrong.append(f"{error}: {line[:200]!r}")
            return {}
        known = self.events.get(event["id"])
        if known is not None and known != _short(event):
            self.wrong.append(f"another line with the id {event['id']}")
        return event

    def _keep(self, key: str, digest: str, events: list[dict[str, Any]]) -> dict[str, Any]:
        refused, deferred, accepted, duplicate = [], [], 0, 0
        for event in events:
            if _number(event) in self.mood.get("reject", ()):
                refused.append({"id": event["id"], "reason": "unwanted"})
            elif _number(event) in self.mood.get("defer", ()):
                deferred.append({"id": event["id"], "reason": "newer than the catalog"})
            elif event["id"] in self.events:
                duplicate += 1
            else:
                accepted += 1
                self.events[event["id"]] = _short(event)
        self.duplicates += duplicate
        counts = {"accepted": accepted, "duplicate": duplicate, "rejected": refused, "deferred": deferred}
        return {"batch": key, "sha256": digest, **counts}


def _number(event: Mapping[str, Any]) -> int:
    return int(event["fields"].get("number", -1))


def _short(event: Mapping[str, Any]) -> str:
    """What is kept of an event: a million whole lines would not fit into one reply."""
    return json.dumps({key: event[key] for key in ("name", "fields", "sum")})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each small reply waits 40 ms for the other end's delayed acknowledgement
    memory = Memory()
    turn = threading.Lock()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/control":
            given = json.loads(body)
            if set(given) == {"mood"}:
                self.memory.mood = given["mood"]
            else:
                type(self).memory = Memory(**given)
            self._answer(200, {})
            return
        if self.headers.get("Content-Encoding") == "gzip":
            body = zlib.decompress(body, wbits=31)
        with self.turn:
            status, reply = self.memory.take(self.headers["Idempotency-Key"], body)
        if self.memory.mood.get("silent"):  # it has them, and nobody learns of it
            self.close_connection = True
            return
        self._answer(status, reply)

    def do_GET(self) -> None:
        self._answer(200, vars(self.memory))

    def do_DELETE(self) -> None:
        self._answer(200, {"user": self.path.rpartition("/")[2], "deleted": 0})

    def _answer(self, status: int, reply: dict[str, Any]) -> None:
        body = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


class Receiver:
    """The test's end of it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE)

    def reset(self, **mood: Any) -> None:
        """Forget everything, behave like this: status=503, most_lines=2, poison=[3], reject=[4], defer=[5], silent=True."""
        self.restore(Memory(mood=mood))

    def restore(self, memory: Memory) -> None:
        """Make it know and behave as it did at an earlier moment."""
        self._client.post("/control", json=vars(memory))

    def feel(self, mood: Mapping[str, Any]) -> None:
        """Behave like this from now on, and forget nothing."""
        self._client.post("/control", json={"mood": mood})

    def memory(self) -> Memory:
        """What it knows now."""
        return Memory(**self._client.get("/memory").json())

    def close(self) -> None:
        self._client.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that was killed in the middle is the purpose of these tests."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on loopback, in a forked process that ends with the test."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    port = listener.getsockname()[1]
    child = os.fork()
    if child == 0:
        try:
            server = _Server(("127.0.0.1", port), _Handler, bind_and_activate=False)
            server.socket = listener
            server.serve_forever()
        finally:
            os._exit(1)
    listener.close()
    receiver = Receiver(f"http://127.0.0.1:{port}")
    try:
        yield receiver
    finally:
        receiver.close()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
