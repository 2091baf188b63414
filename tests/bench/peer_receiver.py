"""The receivers that `tests.bench.peers` has on loopback: one that answers, a captive portal, and nobody."""

import gzip
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from shipper.testing.faults import Received, acknowledgement

PAGE = b"<!DOCTYPE html><title>Welcome to Hotel Wi-Fi</title>"


class Receiver(ThreadingHTTPServer):
    """Takes what is posted to loopback; while it is a `portal` it answers with a page and takes nothing."""

    daemon_threads = True

    def __init__(self, port: int, portal: bool) -> None:
        super().__init__(("127.0.0.1", port), Answer)
        self.portal = portal
        self.taken: list[bytes] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that was ended while it spoke."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # passed on as it came

    def has(self, word: str) -> bool:
        """Whether an event arrived."""
        return any(word.encode() in body for body in self.taken)


class Answer(BaseHTTPRequestHandler):
    """At once, with what the client takes for success: shipper wants a true acknowledgement, the others a status."""

    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        said = PAGE if self.server.portal else json.dumps(self.success(body)).encode()
        if not self.server.portal:
            self.server.taken.append(body)
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if self.server.portal else "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def success(self, body: bytes) -> dict[str, object]:
        if self.path == "/v1/events":
            key = self.headers.get("Idempotency-Key", "")
            return acknowledgement(Received("POST", self.path, {"idempotency-key": key}, body, len(body), 0))
        return {"status": 1, "error": 0}

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        del format, args


@contextmanager
def receiving(port: int = 0, portal: bool = False) -> Iterator[Receiver]:
    """Have a receiver on loopback."""
    with Receiver(port, portal) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()


def closed_port() -> int:
    """Find a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
