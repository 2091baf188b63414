"""A receiver on loopback that misbehaves by name, on real sockets: `with Receiver("page") as receiver: ...`.

A list of faults is played in order, the last for ever: `Receiver("status 503", "acknowledge")` fails once, then recovers.
What came in is in `receiver.requests`; what a truthful receiver would hold now is in `receiver.events`.
"""

import gzip
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import BinaryIO

from shipper.testing.faults import FAULTS, Fault, Received, shut, status


class Receiver:
    """A receiver on loopback that plays a script of faults (FAULTS, or "status CODE [Header: value]").

    `limit` (bytes) belongs to the fault "limited", `poison` (event ids) to "poisoned", "rejecting" and "deferring".
    """

    def __init__(
        self,
        *script: str,
        tls: ssl.SSLContext | None = None,
        limit: int = 1 << 20,
        poison: frozenset[str] = frozenset(),
    ) -> None:
        self.script = list(script) or ["acknowledge"]
        self.limit = limit
        self.poison = poison
        self.requests: list[Received] = []
        self.events: dict[str, bytes] = {}
        self.duplicates = 0
        self.over = threading.Event()
        self._tls = tls
        self._lock = threading.Lock()
        self._accepted = 0
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]

    @property
    def endpoint(self) -> str:
        """Where an app sends to: `App(..., endpoint=receiver.endpoint)`, or <APP>_TELEMETRY_ENDPOINT."""
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    def __enter__(self) -> "Receiver":
        self._spawn(self._listen)
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, wrong: BaseException | None, where: TracebackType | None
    ) -> None:
        self.over.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._lock:
            for connection in self._open:
                shut(connection)
        for thread in self._threads:
            thread.join(10)

    def _spawn(self, work: Callable[..., None], *given: object) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._accepted += 1
            self._spawn(self._serve, connection, self._accepted)

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            with self._lock:
                self._open.add(connection)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as stream:
                while (request := read_request(stream, number)) is not None:
                    fault = self._next(request)
                    fault(self, connection, request)
        except (OSError, ValueError):
            pass  # the other side went away, or spoke no HTTP: its own test asserts what it then says
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _next(self, request: Received) -> Fault:
        with self._lock:
            self.requests.append(request)
            name = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        word, _, rest = name.partition(" ")
        return status(rest) if word == "status" else FAULTS[name]


def read_request(stream: BinaryIO, number: int = 0) -> Received | None:
    """Read one HTTP request with a Content-Length from a stream; None at its end."""
    first = stream.readline(65536)
    if not first.strip():
        return None
    method, path, _ = first.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := stream.readline(65536)).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    packed = headers.get("content-encoding") == "gzip"
    return Received(method, path, headers, gzip.decompress(body) if packed else body, len(body), number)
