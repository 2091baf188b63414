"""One request of the shipper wire: bytes -> checked rows, refused lines, the reply. Pure; every byte is hostile.

What is wrong with one line costs that line alone, as long as its id can be read, since a reply speaks of lines by id.
What is wrong with the request as a whole is Refused, with the status that makes a sender do the right thing: 400 and
422 let it look for the one bad line, 413 makes it split, 415 makes it wait for a newer receiver.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from shipper.catalog.census import census_fault
from shipper.collector.http.body import RequestRefused
from shipper.collector.http.lines import read_line
from shipper.collector.stores.dimensions import bounded_losses, day_of
from shipper.collector.stores.store import Receipt, Row, person_of
from shipper.errors import DamagedLine
from shipper.reader import DAY_LENGTH, is_unlinked
from shipper.recording.event import CENSUS, LOSSES
from shipper.recording.line import MAX_LINE

#: Lines of a body: as many as a sender's largest batch has.
MAX_LINES = 1_000
#: Fields of an event: several times what an app declares for one. What a line may cost in memory follows from it.
MAX_FIELDS = 64
#: Characters of a reason in a reply.
MAX_REASON = 64

_KEY = re.compile(r"[!-~]{1,200}")
# The id stands at one place in every line, so a line that is damaged elsewhere can still be named.
_ID_OF_LINE = re.compile(rb'\{"v":\d{1,4},"id":"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')


class Verdict(NamedTuple):
    """What becomes of a well-formed event: ACCEPT, REJECT or DEFER, and why in at most MAX_REASON characters."""

    outcome: str
    reason: str = ""


#: DEFER is for an event that a newer version declares than the receiver knows: its sender keeps it and tries again.
ACCEPT, REJECT, DEFER = "accept", "reject", "defer"
ACCEPTED = Verdict(ACCEPT)

EventCheck = Callable[[Mapping[str, Any]], Verdict]


def check_names(event: Mapping[str, Any]) -> Verdict:
    """Accept every well-formed event whose names are not shipper's own: what a receiver without a catalog does."""
    if event["name"] == CENSUS:
        fault = census_fault(event)
        return Verdict(REJECT, fault) if fault else ACCEPTED
    if event["name"].startswith("shipper.") and event["name"] != LOSSES:
        return Verdict(REJECT, "names that begin with shipper. are not for apps")
    return ACCEPTED


@dataclass(frozen=True, slots=True)
class CheckedBatch:
    """A request whose lines have been read: the rows to keep, and the events that are not taken, by id."""

    key: str
    digest: str
    rows: tuple[Row, ...]
    rejected: Mapping[str, str]
    """Reasons by event id."""
    deferred: Mapping[str, str]
    """The same, for events that a newer catalog may take."""
    repeated: int
    """Lines whose id was rejected or deferred already; they count as duplicates, since a reply names an id once."""


def read_batch(key: str, body: bytes, check: EventCheck) -> CheckedBatch:
    """Read a request's Idempotency-Key and unpacked body. Raises RequestRefused when it cannot be taken as a whole."""
    if not _KEY.fullmatch(key):
        raise RequestRefused(400, "the Idempotency-Key must be 1 to 200 printable characters")
    lines = body.removesuffix(b"\n").split(b"\n") if body else []
    if not lines:
        raise RequestRefused(400, "the body has no line")
    if len(lines) > MAX_LINES:
        raise RequestRefused(413, f"the body has more than {MAX_LINES} lines")
    rows: list[Row] = []
    refused: dict[str, dict[str, str]] = {REJECT: {}, DEFER: {}}
    for number, line in enumerate(lines, 1):
        try:
            event = _read_event(line)
        except DamagedLine as damage:
            refused[REJECT][_id_of(line, number)] = _why(damage)
            continue
        verdict = check(event)
        if verdict.outcome == ACCEPT and not is_of_its_time(row := row_of(event)):
            verdict = Verdict(REJECT, "the id does not begin with the event's time")
        if verdict.outcome == ACCEPT:
            rows.append(row)
        else:
            refused[verdict.outcome][event["id"]] = verdict.reason[:MAX_REASON]
    rejected = refused[REJECT]
    deferred = {event: reason for event, reason in refused[DEFER].items() if event not in rejected}
    repeated = len(lines) - len(rows) - len(rejected) - len(deferred)
    return CheckedBatch(key, sha256(body).hexdigest(), tuple(rows), rejected, deferred, repeated)


def _read_event(line: bytes) -> Mapping[str, Any]:
    event = read_line(line)
    if len(event["fields"]) > MAX_FIELDS:
        raise DamagedLine("shape", f"more than {MAX_FIELDS} fields")
    return event


def _id_of(line: bytes, number: int) -> str:
    found = _ID_OF_LINE.match(line[:MAX_LINE])
    if found is None:
        raise RequestRefused(400, f"line {number} is no event, and its id cannot be read")
    return found[1].decode()


def _why(damage: DamagedLine) -> str:
    if damage.reason == "version":
        # Not the sender's fault and no reason to lose the event: it waits for a receiver that knows the format.
        raise RequestRefused(415, "an event has a newer format than this receiver knows; update the receiver") from None
    return f"{damage.reason}: {damage}"[:MAX_REASON]


def row_of(event: Mapping[str, Any]) -> Row:
    """Turn a decoded event into the row that stores keep. In CI nobody is counted as a person.

    One of the level "none" has no session, nothing of the machine, and the first moment of its day as its time.
    """
    user = "" if event["ci"] else event.get("user", "")
    identity, time = bytes.fromhex(event["id"].replace("-", "")), milliseconds_of(event["time"])
    if is_unlinked(event):  # stores keep ids by age, and this one has none: 74 of its random bits tell it from others
        identity = max(time, 0).to_bytes(6, "big") + identity[6:]
    return Row(
        identity,
        time,
        event["app"],
        event["version"],
        event["name"],
        person_of(user) if user else "",
        event.get("session", ""),
        event["ci"],
        event.get("os", ""),
        event.get("arch", ""),
        event.get("cpus", 0),
        event.get("runtime", ""),
        bounded_losses(event["fields"]) if event["name"] == LOSSES else event["fields"],
        event.get("agent", ""),
    )


def is_of_its_time(row: Row) -> bool:
    """Whether an id begins with its event's day, as a version 7 UUID does: stores find what is old by its id."""
    return day_of(int.from_bytes(row.id[:6], "big")) == day_of(row.time)


def milliseconds_of(time: str) -> int:
    """Turn "2026-11-23T10:00:00.123Z" or a day, already checked, into Unix milliseconds."""
    if len(time) == DAY_LENGTH:
        return _minute_of(time + "T00:00") * 60_000
    return _minute_of(time[:16]) * 60_000 + int(time[17:19]) * 1000 + int(time[20:23])


@lru_cache(maxsize=16_384)
def _minute_of(minute: str) -> int:
    """Minutes since 1970 of "2026-11-23T10:00". Cached because a batch's events are mostly of a few hours."""
    day = date.fromisoformat(minute[:10]) - date(1970, 1, 1)
    return day.days * 1440 + int(minute[11:13]) * 60 + int(minute[14:16])


def reply(batch: CheckedBatch, receipt: Receipt) -> dict[str, object]:
    """The acknowledgement: it names the batch and the digest of exactly these bytes, and accounts for every line."""
    return {
        "batch": batch.key,
        "sha256": batch.digest,
        "accepted": receipt.accepted,
        "duplicate": receipt.duplicate + batch.repeated,
        "rejected": [{"id": event, "reason": reason} for event, reason in batch.rejected.items()],
        "deferred": [{"id": event, "reason": reason} for event, reason in batch.deferred.items()],
    }
