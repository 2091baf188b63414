"""Events as a sender makes them, for the receiver's tests."""

import gzip
from hashlib import sha256

from shipper.recording.line import format_time, new_id, seal_line

NOON = 1_795_435_200_000
"""2026-11-23T12:00:00Z in Unix milliseconds."""


def event_id(number: int, time: int = NOON) -> str:
    """The id of the `number`-th event."""
    return new_id(time, sha256(str(number).encode()).digest()[:10])


def line(
    number: int = 0,
    *,
    name: str = "command",
    fields: str = '"command":"up","duration_ms":12,"outcome":"ok"',
    time: int = NOON,
    app: str = "wunderctl",
    version: str = "0.150.0",
    user: str | None = "person-1",
    ci: bool = False,
    v: int = 1,
) -> bytes:
    """One event line with its newline; `fields` is JSON without its braces."""
    person = f'"user":"{user}",' if user else ""
    return seal_line(
        f'{{"v":{v},"id":"{event_id(number, time)}","time":"{format_time(time)}","app":"{app}","version":"{version}",'
        f'"name":"{name}",{person}"session":"session-{number}","ci":{str(ci).lower()},"os":"linux","arch":"x86_64",'
        f'"cpus":2,"runtime":"cpython 3.12.1","fields":{{{fields}}}'
    )


def packed(*lines: bytes) -> bytes:
    """A request's body."""
    return gzip.compress(b"".join(lines))


HEADERS = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip", "Idempotency-Key": "batch-1"}
