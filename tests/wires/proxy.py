"""A proxy on loopback that tunnels, or answers CONNECT in a way of its own: `with Proxy("tunnel") as proxy: ...`."""

import socket
import threading
from types import TracebackType

ANSWERS = {
    "tunnel": b"HTTP/1.1 200 Connection established\r\n\r\n",
    "407": b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
    "403": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    "page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
    "close": b"",
}


class Proxy:
    """The proxy. `asked` has the first lines of what came in, `headers` everything before the tunnel."""

    def __init__(self, answer: str) -> None:
        self._answer = answer
        self.asked: list[str] = []
        self.headers = b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> "Proxy":
        self._spawn(self._listen)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, wrong: BaseException | None, where: TracebackType | None
    ) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        for connection in list(self._open):
            _shut(connection)
        for thread in self._threads:
            thread.join(10)
        for connection in [self._listening, *self._open]:
            connection.close()

    def _spawn(self, work: object, *given: object) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)  # type: ignore[arg-type]  # any of our methods
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._open.append(connection)
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            more = connection.recv(65536)
            if not more:
                return
            head += more
        self.headers += head
        self.asked.append(head.split(b"\r\n")[0].decode("latin-1"))
        connection.sendall(ANSWERS[self._answer])
        if self._answer != "tunnel":
            _shut(connection)
            return
        port = int(self.asked[-1].split(" ")[1].rpartition(":")[2])
        there = socket.create_connection(("127.0.0.1", port))
        self._open.append(there)
        self._spawn(_pump, there, connection)
        _pump(connection, there)


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass  # the other side went away, which the test that made it sees
    _shut(target)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
