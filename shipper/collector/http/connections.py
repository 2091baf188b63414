"""Connections that send their request's head too slowly are closed: they would hold a place for nothing.

uvicorn bounds the silence between two requests, but not the time that a head may take. The body's time is bounded
where it is read (`server`).
"""

import asyncio
import resource

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

#: Seconds from a connection, or from the first byte of its next request, until the request's head is complete.
HEAD_SECONDS = 15.0
#: Open files that a receiver asks the system for: one per connection, and some.
WANTED_FILES = 65_536
#: Files kept for the store, the listener and the answers.
OWN_FILES = 64


class PatientProtocol(H11Protocol):
    """uvicorn's connection, with an end to the patience for a head."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own does
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._begin()

    def data_received(self, data: bytes) -> None:
        """Take bytes; stop waiting once they complete a head, begin to wait when they start another."""
        super().data_received(data)
        if self._in_request():
            self._end()
        elif self._patience is None and not self.transport.is_closing() and self.timeout_keep_alive_task is None:
            self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave no timer behind."""
        self._end()
        super().connection_lost(exc)

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


def most_connections() -> int:
    """Ask the system for many open files, and return how many connections are safe with what it gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return max(16, (WANTED_FILES if soft == resource.RLIM_INFINITY else soft) - OWN_FILES)
