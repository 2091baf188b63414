"""Connections: how many there are, how much each may hold, and how long it may take to send a request's head.

uvicorn bounds the silence between two requests, but neither the time that a head may take, nor what a connection sends
ahead of its turn; and when there are too many connections it turns newcomers away. Here the one that has been idle
longest goes instead. The body's time is bounded where it is read (`intake`).
"""

import asyncio
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

#: Seconds from a connection, or from the first byte of its next request, until the request's head is complete.
HEAD_SECONDS = 15.0
#: Connections at a time. Each may hold some 50 KiB: what is read at once, a head, and its own objects.
MAX_CONNECTIONS = 1000
#: Bytes that are read from a connection at once.
READ_SIZE = 16 * 1024
#: Bytes of a head. A sender's has some 300.
MAX_HEAD = 8 * 1024
#: Files kept for the store, the listener and the answers.
OWN_FILES = 64
#: Which connections go first where there are too many: those that have never asked anything, that have asked nothing
#: since, whose body comes in. One whose request is in hand stays.
NEW, IDLE, IN_BODY, IN_HAND = range(4)


class LengthOnly(h11.Connection):
    """Reads requests whose body, if any, has a Content-Length: those of every sender and of every proxy before us.

    Chunks cost a hundred times more to read than to send, and two lengths for one body are how requests are smuggled
    past a proxy. uvicorn answers 400 and closes the connection.
    """

    def next_event(self) -> Any:
        """See h11.Connection. Raises RemoteProtocolError for a request that names a Transfer-Encoding."""
        event = super().next_event()
        if isinstance(event, h11.Request) and any(name == b"transfer-encoding" for name, _ in event.headers):
            raise h11.RemoteProtocolError("a body needs a Content-Length", error_status_hint=411)
        return event


class BoundedProtocol(H11Protocol):
    """uvicorn's connection with these bounds."""

    open_connections: ClassVar[dict["BoundedProtocol", None]] = {}
    """All of them, the one that has made no progress for the longest first."""
    _patience: asyncio.TimerHandle | None = None
    _asked = False

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.conn = LengthOnly(h11.SERVER, MAX_HEAD)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own does
        """Make room, and begin to wait for the first head."""
        super().connection_made(transport)
        if hasattr(transport, "max_size"):  # of asyncio's own transports: how much one read brings
            transport.max_size = READ_SIZE
        if len(self.open_connections) >= MAX_CONNECTIONS and not self._make_room():
            transport.abort()
            return
        self.open_connections[self] = None
        self._begin()

    def data_received(self, data: bytes) -> None:
        """Take bytes; stop waiting once they complete a head, begin to wait when they start another."""
        super().data_received(data)
        if self._in_request():
            self._end()
            if (
                len(self.conn.trailing_data[0]) > MAX_HEAD
            ):  # requests sent ahead: no client does, and they would be held
                self.transport.abort()
        elif self._patience is None and not self.transport.is_closing() and self.timeout_keep_alive_task is None:
            self._begin()

    def on_response_complete(self) -> None:
        """Put the connection behind those that have been idle for longer."""
        self._asked = True
        if self in self.open_connections:
            del self.open_connections[self]
            self.open_connections[self] = None
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave no timer behind."""
        self._end()
        self.open_connections.pop(self, None)
        super().connection_lost(exc)

    def _make_room(self) -> bool:
        """Close the connection that has waited longest of those that matter least; False when all wait for an answer."""
        found: dict[int, BoundedProtocol] = {}
        for connection in reversed(self.open_connections):
            found[connection._importance()] = connection
        if not found or min(found) == IN_HAND:
            return False
        going = found[min(found)]
        del self.open_connections[going]
        going.transport.abort()
        return True

    def _importance(self) -> int:
        if self._in_request():
            return IN_BODY if self.cycle.more_body else IN_HAND
        return IDLE if self._asked else NEW

    def _in_request(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # None until the first request, whatever uvicorn declares
        return cycle is not None and not cycle.response_complete

    def _begin(self) -> None:
        self._patience = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _end(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        if not self._in_request():
            self.transport.close()


def open_files() -> None:
    """Ask the system for as many open files as the connections need. Windows has no such bound to raise."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + OWN_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
