"""How much a source and a token may send in a minute, without knowing anybody's address.

A source is a keyed hash of an address (of IPv6 the first 56 bits, which is what one customer is given). The key is drawn
anew each day and is never written anywhere, and the counts last for a minute.
"""

import ipaddress
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from shipper.collector.http.body import RequestRefused
from shipper.errors import BadCall

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Seconds for which requests are counted together.
WINDOW = 60
#: Requests and bytes of a source in that time: an office of a thousand machines behind one address stays below a tenth.
SOURCE_REQUESTS, SOURCE_BYTES = 600, 64 * 1024 * 1024
#: The same of a token, which all copies of a CLI share: the bound on what one app can cost the others.
TOKEN_REQUESTS, TOKEN_BYTES = 60_000, 1024 * 1024 * 1024
#: Sources that are counted at a time, some 4 MiB. Those beyond them are not limited by themselves, only with all others.
MAX_SOURCES = 20_000
#: Bits of an IPv6 address that say whose it is.
IPV6_BITS = 56
DAY = 86_400


def networks(texts: Sequence[str]) -> list[Network]:
    """Read addresses or networks of proxies. Raises BadCall."""
    try:
        return [ipaddress.ip_network(text, strict=False) for text in texts]
    except ValueError as wrong:
        raise BadCall(f"--trusted-proxy: {wrong}", "For example --trusted-proxy 10.0.0.0/8") from None


def client_of(peer: str, forwarded: str, trusted: Sequence[Network]) -> Address | None:
    """The address that a request comes from: the peer's, or behind trusted proxies the last one that is not theirs.

    `forwarded` is X-Forwarded-For, to which each proxy adds whom it saw: what stands before a stranger's is a stranger's
    claim. None where nothing is known.
    """
    address = _address(peer)
    for claimed in reversed(forwarded.split(",")):
        if address is None or not any(address in network for network in trusted):
            break
        address = _address(claimed.strip()) or address
    return address


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address


@dataclass(slots=True)
class _Count:
    requests: int = 0
    bytes: int = 0


@dataclass(slots=True)
class RateLimits:
    """The counts of this window. `clock` gives Unix seconds; `randomness` makes keys."""

    trusted: Sequence[Network] = ()
    source_requests: int = SOURCE_REQUESTS
    token_requests: int = TOKEN_REQUESTS
    clock: Callable[[], float] = time.time
    randomness: Callable[[int], bytes] = os.urandom
    _key: bytes = b""
    _day: int = -1
    _window: int = -1
    _counts: dict[bytes, _Count] = field(default_factory=dict)

    def source_of(self, peer: str, forwarded: str) -> bytes:
        """A name for where a request comes from, good for today; empty for this machine itself, which is not limited."""
        address = client_of(peer, forwarded, self.trusted)
        if address is None or address.is_loopback:
            return b""
        if isinstance(address, ipaddress.IPv6Address):
            address = ipaddress.ip_network((address, IPV6_BITS), strict=False).network_address
        day = int(self.clock()) // DAY
        if day != self._day:
            self._key, self._day = self.randomness(16), day
        return blake2b(address.packed, key=self._key, digest_size=8).digest()

    def begin(self, source: bytes, token: str) -> None:
        """Count a request. Raises RequestRefused, a 429 that says when to come again, past a bound."""
        now = int(self.clock())
        if now // WINDOW != self._window:
            self._window = now // WINDOW
            self._counts.clear()
        for key, most, bytes_allowed in self._bounds(source, token):
            count = self._counts.get(key)
            if count is None:
                if len(self._counts) >= MAX_SOURCES:
                    continue
                count = self._counts[key] = _Count()
            if count.requests >= most or count.bytes >= bytes_allowed:
                raise RequestRefused(429, "too much comes from here; try again", WINDOW - now % WINDOW)
            count.requests += 1

    def spend(self, source: bytes, token: str, size: int) -> None:
        """Count the bytes that a request's body had."""
        for key, _, _ in self._bounds(source, token):
            if key in self._counts:
                self._counts[key].bytes += size

    def _bounds(self, source: bytes, token: str) -> list[tuple[bytes, int, int]]:
        bounds = [(source, self.source_requests, SOURCE_BYTES)] if source else []
        return [*bounds, (token.encode(), self.token_requests, TOKEN_BYTES)] if token != "-" else bounds  # noqa: S105


def forwarded_of(headers: Mapping[str, str]) -> str:
    """What proxies say about where a request comes from."""
    return headers.get("x-forwarded-for", "")
