"""What a wire translates between: a batch and its destination in, a request out; a reply in, an outcome out."""

from collections.abc import Iterator
from dataclasses import dataclass, field


class Withdrawn(Exception):
    """Consent was gone before a try: nothing (more) was sent."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Event lines that travel together, each as it stands on the disk with its newline, under one idempotency key."""

    key: str
    lines: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        """The lines, byte for byte, in order."""
        return b"".join(self.lines)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an app's events go and in whose name. `token` is a secret: it is never shown, so it is not in the repr."""

    app: str
    version: str
    endpoint: str
    write_key: str = ""
    token: str = field(default="", repr=False)

    @property
    def bearer(self) -> tuple[tuple[str, str], ...]:
        """The header by which the app makes itself known: with its secret token, else with its public write key."""
        token = self.token or self.write_key
        return (("Authorization", f"Bearer {token}"),) if token else ()


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as a value. `path` is appended to the endpoint; `gzip` asks for the body to be compressed.

    `secret` are headers with credentials: the transport sends them to the endpoint's own origin only, over https or
    loopback only, and they are in no repr.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    gzip: bool = True
    secret: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: header names in lower case, the body decoded, `date` our clock when it came (Unix seconds).

    `cut` says that the body went on beyond what is read of any reply: what stands here is only its beginning. `unsure`: an
    earlier try of the same request may have arrived.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    date: float
    cut: bool = False
    unsure: bool = field(default=False, compare=False)

    def header(self, name: str) -> str:
        """The first value of a header, or nothing."""
        return next(self.all(name), "")

    def all(self, name: str) -> Iterator[str]:
        """Every value of a header, in order."""
        return (value for key, value in self.headers if key == name)
