"""The shipper wire: `shipper collect`, and whoever speaks the same.

    POST {endpoint}/v1/events
    Content-Type: application/x-ndjson     Content-Encoding: gzip     Idempotency-Key: <segment name>
    the lines, byte for byte, in order

    200  application/json
    {"batch": "<key>", "sha256": "<hex, of the decoded body>", "accepted": 97, "duplicate": 2,
     "rejected": [{"id": "...", "reason": "..."}], "deferred": [{"id": "...", "reason": "..."}]}

Endpoint: any https address (plain http on loopback).
Auth: `Authorization: Bearer <token>` where the receiver has a token file.
What the receiver must understand: gzip, this body and this reply, word for word; `shipper collect` does.
Limits: a body of 1 MiB, unpacked too, with its Content-Length, and 1,000 lines of at most 64 fields; a segment has at most
256 KiB and 1,000 lines.
Acknowledgement: the reply must be JSON, name this batch and this digest, and account for every line: `accepted`,
`duplicate`, the length of `rejected` and the length of `deferred` add up to the lines. No id stands in both lists.
`rejected` is for ever: the sender sets the event aside. `deferred` is for now: the event is declared by a newer version
of the app than the receiver knows; the sender keeps it, sends it again after a day, and sets it aside after 30 days. A
reply without `deferred` defers nothing.
De-duplication: by event id, for ever; the key only names the batch.
Deletion: `DELETE {endpoint}/v1/users/<id>` with `Person-Secret: <secret>`, acknowledged by a reply that names the id. The id
is the first 32 hexadecimal digits of SHA-256 of "shipper id " and the secret, so a receiver needs nothing else to know who
asks. While the deletion waits for others it is a 202. `GET` of the same, with the same secret, is the person's own data.
Source: this project's own protocol, written here.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256

from shipper.delivery.outcome import Accepted, Outcome, plain_reason
from shipper.wires.message import Batch, Destination, Reply, Request
from shipper.wires.reading import NotOurs, count, json_object, refusal

PROVES = True
READS_EVENTS = False


def encode(batch: Batch, about: Destination) -> Request:
    """Make the request that carries a batch."""
    headers = (("Content-Type", "application/x-ndjson"), ("Accept", "application/json"), ("Idempotency-Key", batch.key))
    return Request("POST", "/v1/events", headers, batch.body, secret=about.bearer)


def read(reply: Reply, batch: Batch) -> Outcome:
    """Say what a reply means for this batch. S4: only a complete acknowledgement of these bytes is Accepted."""
    if reply.status != 200:
        return refusal(reply)
    try:
        return _acknowledged(json_object(reply), batch)
    except NotOurs as wrong:
        return refusal(reply, str(wrong), wrong.cause)


def _acknowledged(found: Mapping[str, object], batch: Batch) -> Accepted:
    if found.get("batch") != batch.key:
        raise NotOurs("a reply for another batch", "other-batch")
    if found.get("sha256") != sha256(batch.body).hexdigest():
        raise NotOurs("a reply for other bytes than were sent", "digest")
    rejected, deferred = _named(found, "rejected"), _named(found, "deferred") if "deferred" in found else {}
    _check_named([*rejected, *deferred], batch)
    accepted, duplicate = count(found.get("accepted")), count(found.get("duplicate"))
    if accepted is None or duplicate is None:
        raise NotOurs("a reply without its counts", "counts")
    accounted = accepted + duplicate + len(rejected) + len(deferred)
    if accounted != len(batch.lines):
        raise NotOurs(f"a reply that accounts for {accounted} of {len(batch.lines)} events", "counts")
    return Accepted(status=200, rejected=rejected, deferred=deferred, duplicate=duplicate)


def _named(found: Mapping[str, object], key: str) -> dict[str, str]:
    """Read one of the reply's two lists: reasons by event id. An id that is there twice makes the reply worthless."""
    listed = found.get(key)
    if not isinstance(listed, list):
        raise NotOurs(f"a reply without its list of {key} events", "counts")
    named: dict[str, str] = {}
    for each in listed:
        identity = each.get("id") if isinstance(each, dict) else None
        if not isinstance(identity, str) or identity in named:
            raise NotOurs(f"a reply that names a {key} event wrongly or twice", "counts")
        named[identity] = plain_reason(each.get("reason", ""))
    return named


def _check_named(named: Sequence[str], batch: Batch) -> None:
    """Raise NotOurs when a reply names an event in both lists, or one that was not sent."""
    if len(set(named)) < len(named):
        raise NotOurs("a reply that both rejects and defers an event", "counts")
    if named and not set(named) <= {_identity(line) for line in batch.lines}:
        raise NotOurs("a reply that names an event which was not sent", "counts")


def _identity(line: bytes) -> object:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found.get("id") if isinstance(found, dict) else None


def encode_access(person: str, proof: str, after: str, about: Destination) -> Request:
    """Ask the receiver for what it keeps of a person, after the event of an id ("" for all); `proof` is the secret."""
    headers = (("Accept", "application/json"), *((("Person-Secret", proof),) if proof else ()))
    path = f"/v1/users/{person}" + (f"?after={after}" if after else "")
    return Request("GET", path, headers, b"", gzip=False, secret=about.bearer)


def read_access(reply: Reply, person: str) -> tuple[list[dict[str, object]], str] | Outcome:
    """Some of what is kept, and after which event to ask again, "" for the end; or why there is none."""
    if reply.status != 200:
        return refusal(reply)
    try:
        found = json_object(reply)
        events, after = found.get("events"), found.get("after")
        if found.get("user") != person or not isinstance(events, list) or not isinstance(after, str):
            raise NotOurs("a reply that is not about this id", "other-batch")
    except NotOurs as wrong:
        return refusal(reply, str(wrong), wrong.cause)
    return [event for event in events if isinstance(event, dict)], after


def encode_deletion(person: str, proof: str, about: Destination) -> Request:
    """Ask the receiver to delete a person's events; `person` is the pseudonymous id that it knows.

    `proof` is the secret of which the id is the hash: knowing an id is not enough to have its events erased.
    """
    headers = (("Accept", "application/json"), *((("Person-Secret", proof),) if proof else ()))
    return Request("DELETE", f"/v1/users/{person}", headers, b"", gzip=False, secret=about.bearer)


def read_deletion(reply: Reply, person: str) -> Outcome:
    """Accepted only when the reply names this person: a proxy's page must not pass for a deletion."""
    if reply.status != 200:
        return refusal(reply)
    try:
        if json_object(reply).get("user") != person:
            raise NotOurs("a reply that does not name the deleted id", "other-batch")
    except NotOurs as wrong:
        return refusal(reply, str(wrong), wrong.cause)
    return Accepted(status=200)
