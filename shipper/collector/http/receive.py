"""One request of the shipper wire: bytes -> checked rows, refused lines, the reply. Pure; every byte is hostile.

What is wrong with one line costs that line alone, as long as its id can be read, since a reply speaks of lines by id.
What is wrong with the request as a whole is Refused, with the status that makes a sender do the right thing: 400 and
422 let it look for the one bad line, 413 makes it split, 415 makes it wait for a newer receiver.
"""

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import sha256
from typing import Any

from shipper.collector.http.lines import read_line
from shipper.collector.stores.dimensions import LOSSES, bounded_losses
from shipper.collector.stores.store import Receipt, Row, person_of
from shipper.errors import DamagedLine
from shipper.recording.line import MAX_LINE

#: Bytes of a body as it comes in. A sender's batch is at most 256 KiB before compression.
MAX_BODY = 1024 * 1024
#: Bytes of a body once unpacked: 8 times as much, the ratio that such lines reach; a bomb is stopped here.
MAX_UNPACKED = 8 * 1024 * 1024
#: Lines of a body: ten times what a sender puts in one.
MAX_LINES = 10_000
#: Characters of a reason in a reply.
MAX_REASON = 64

_KEY = re.compile(r"[!-~]{1,200}")
# The id stands at one place in every line, so a line that is damaged elsewhere can still be named.
_ID_OF_LINE = re.compile(rb'\{"v":\d{1,4},"id":"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')

#: Says why an event is not wanted, in at most 64 characters, or nothing.
Objection = Callable[[Mapping[str, Any]], str]


def unobjectionable(event: Mapping[str, Any]) -> str:
    """Want every well-formed event: what a receiver without a catalog does."""
    if event["name"].startswith("shipper.") and event["name"] != LOSSES:
        return "names that begin with shipper. are not for apps"
    return ""


class Refused(Exception):
    """A request that is not taken, with the HTTP status and a sentence for whoever reads the sender's log."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


@dataclass(frozen=True, slots=True)
class Taken:
    """A request whose lines have been read: the rows to keep and the lines that are refused, by id."""

    batch: str
    digest: str
    rows: tuple[Row, ...]
    rejected: Mapping[str, str]
    """Reasons by event id."""
    repeated: int
    """Lines whose id was rejected already; they count as duplicates, since a reply names an id once."""


class Unpacker:
    """Undo a body's content encoding while it streams in, within both bounds; at most one piece is held twice.

    Raises Refused from either method: 413 past a bound, 400 for what is not the encoding, 415 for an unknown one.
    """

    def __init__(self, encoding: str) -> None:
        if encoding not in ("", "identity", "gzip"):
            raise Refused(415, "the body's encoding must be gzip or none")
        self._inflate = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
        self._taken = 0
        self._body = bytearray()

    @property
    def held(self) -> int:
        """Bytes that are held now."""
        return len(self._body)

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the body as it came over the network."""
        self._taken += len(piece)
        if self._taken > MAX_BODY:
            raise Refused(413, f"the body is larger than {MAX_BODY} bytes")
        if self._inflate is None:
            self._body += piece  # never larger than what came in
        elif self._inflate.eof and piece:
            raise Refused(400, "something follows the end of the gzip body")
        else:
            self._body += self._unpack(self._inflate, piece)
        if len(self._body) > MAX_UNPACKED:
            raise Refused(413, f"the unpacked body is larger than {MAX_UNPACKED} bytes")

    def _unpack(self, inflate: "zlib._Decompress", piece: bytes) -> bytes:
        # One byte more than is allowed tells a body that just fits from one that does not.
        room = MAX_UNPACKED + 1 - len(self._body)
        try:
            unpacked = inflate.decompress(piece, room)
        except zlib.error:
            raise Refused(400, "the body is not gzip") from None
        if inflate.unused_data:
            raise Refused(400, "something follows the end of the gzip body")
        return unpacked

    def finish(self) -> bytes:
        """Return the whole unpacked body."""
        if self._inflate is not None and not self._inflate.eof:
            raise Refused(400, "the gzip body ends too soon")
        return bytes(self._body)


def take(key: str, body: bytes, objection: Objection) -> Taken:
    """Read a request's Idempotency-Key and unpacked body. Raises Refused when it cannot be taken as a whole."""
    if not _KEY.fullmatch(key):
        raise Refused(400, "the Idempotency-Key must be 1 to 200 printable characters")
    lines = body.removesuffix(b"\n").split(b"\n") if body else []
    if not lines:
        raise Refused(400, "the body has no line")
    if len(lines) > MAX_LINES:
        raise Refused(413, f"the body has more than {MAX_LINES} lines")
    rows: list[Row] = []
    rejected: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        try:
            event = read_line(line)
        except DamagedLine as damage:
            rejected[_id_of(line, number)] = _why(damage)
            continue
        if reason := objection(event):
            rejected[event["id"]] = reason[:MAX_REASON]
        else:
            rows.append(row_of(event))
    repeated = len(lines) - len(rows) - len(rejected)
    return Taken(key, sha256(body).hexdigest(), tuple(rows), rejected, repeated)


def _id_of(line: bytes, number: int) -> str:
    found = _ID_OF_LINE.match(line[:MAX_LINE])
    if found is None:
        raise Refused(400, f"line {number} is no event, and its id cannot be read")
    return found[1].decode()


def _why(damage: DamagedLine) -> str:
    if damage.reason == "version":
        # Not the sender's fault and no reason to lose the event: it waits for a receiver that knows the format.
        raise Refused(415, "an event has a newer format than this receiver knows; update the receiver") from None
    return f"{damage.reason}: {damage}"[:MAX_REASON]


def row_of(event: Mapping[str, Any]) -> Row:
    """Turn a decoded event into the row that stores keep. In CI nobody is counted as a person."""
    user = "" if event["ci"] else event.get("user", "")
    return Row(
        bytes.fromhex(event["id"].replace("-", "")),
        milliseconds_of(event["time"]),
        event["app"],
        event["version"],
        event["name"],
        person_of(user) if user else "",
        event["session"],
        event["ci"],
        event["os"],
        event["arch"],
        event["cpus"],
        event["runtime"],
        bounded_losses(event["fields"]) if event["name"] == LOSSES else event["fields"],
        event.get("agent", ""),
    )


def milliseconds_of(time: str) -> int:
    """Turn "2026-11-23T10:00:00.123Z", already checked, into Unix milliseconds."""
    return _minute_of(time[:16]) * 60_000 + int(time[17:19]) * 1000 + int(time[20:23])


@lru_cache(maxsize=16_384)
def _minute_of(minute: str) -> int:
    """Minutes since 1970 of "2026-11-23T10:00". Cached because a batch's events are mostly of a few hours."""
    day = date.fromisoformat(minute[:10]) - date(1970, 1, 1)
    return day.days * 1440 + int(minute[11:13]) * 60 + int(minute[14:16])


def reply(taken: Taken, receipt: Receipt) -> dict[str, object]:
    """The acknowledgement: it names the batch and the digest of exactly these bytes, and accounts for every line."""
    return {
        "batch": taken.batch,
        "sha256": taken.digest,
        "accepted": receipt.accepted,
        "duplicate": receipt.duplicate + taken.repeated,
        "rejected": [{"id": event, "reason": reason} for event, reason in taken.rejected.items()],
    }
