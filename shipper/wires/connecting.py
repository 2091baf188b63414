"""Connections to a name with several addresses: attempts overlap, so that addresses that swallow them cost no send.

httpx tries one address after the other, each for the whole connect timeout, in the same order in every pass: three that
swallow what is sent to them stand before a good one for ever. Here the next attempt begins after a quarter of a second,
or as soon as the one before it has failed, and the first that succeeds is taken (RFC 8305, "Happy Eyeballs").
"""

import os
import selectors
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest

import httpcore
import httpx
from httpcore._backends.sync import SyncStream  # the one stream over a socket; httpcore has no public name for it

#: Seconds from one attempt to the next: RFC 8305, section 8, "Connection Attempt Delay".
ATTEMPT_DELAY = 0.25

#: An address as getaddrinfo() gives it: family and socket address.
Address = tuple[int, tuple[object, ...]]


class OverlappingTransport(httpx.HTTPTransport):
    """httpx's own transport, without a proxy, over connections that are made by `connect`."""

    def __init__(self, context: ssl.SSLContext) -> None:
        """`context` says whose certificates are trusted."""
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=_Overlapping())


class _Overlapping(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002  never given: nobody asks httpx for one here
        socket_options: Iterable[object] | None = None,  # noqa: ARG002  the same
    ) -> httpcore.NetworkStream:
        try:
            connected = connect(addresses(host, port), timeout or 60.0)
        except TimeoutError as late:
            raise httpcore.ConnectTimeout(str(late)) from late
        except OSError as wrong:
            raise httpcore.ConnectError(str(wrong)) from wrong
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return SyncStream(connected)


def addresses(host: str, port: int) -> list[Address]:
    """Look a name up, its families in turn (RFC 8305, section 4). Raises OSError."""
    found = [(each[0], each[4]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    return in_turn(found)


def in_turn(found: Sequence[Address]) -> list[Address]:
    """Order addresses so that families alternate, beginning with the first one's: one family that is dead stops nobody."""
    first = [each for each in found if each[0] == found[0][0]]
    others = [each for each in found if each[0] != found[0][0]]
    return [each for each in chain.from_iterable(zip_longest(first, others)) if each is not None]


def connect(waiting: Sequence[Address], seconds: float) -> socket.socket:
    """Return the first connection that is made to one of these addresses, within so many seconds.

    Raises TimeoutError when none was made in time, and the last OSError when all have failed before.
    """
    left, ends = list(waiting), time.monotonic() + seconds
    failed: OSError = OSError("the name has no address")
    with selectors.DefaultSelector() as under_way:
        try:
            while left or under_way.get_map():
                if left:
                    failed = _begin(left.pop(0), under_way) or failed
                remaining = ends - time.monotonic()
                if remaining <= 0:
                    raise TimeoutError("no connection in time")
                for key, _ in under_way.select(min(remaining, ATTEMPT_DELAY) if left else remaining):
                    attempt = key.fileobj
                    assert isinstance(attempt, socket.socket)
                    under_way.unregister(attempt)
                    number = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if not number:
                        return attempt
                    attempt.close()
                    failed = OSError(number, os.strerror(number))
        finally:
            for key in list(under_way.get_map().values()):
                assert isinstance(key.fileobj, socket.socket)
                key.fileobj.close()
    raise failed


def _begin(address: Address, under_way: selectors.BaseSelector) -> OSError | None:
    """Begin one attempt. Returns what went wrong at once, None where it is under way."""
    family, where = address
    try:
        attempt = socket.socket(family, socket.SOCK_STREAM)
    except OSError as wrong:
        return wrong
    attempt.setblocking(False)
    try:
        attempt.connect(where)
    except BlockingIOError:
        pass
    except OSError as wrong:
        attempt.close()
        return wrong
    under_way.register(attempt, selectors.EVENT_WRITE)
    return None
