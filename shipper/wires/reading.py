"""What all wires share in reading a reply: the status, Retry-After, and JSON from somebody we do not trust."""

import json
from collections.abc import Mapping

from shipper.delivery.backoff import retry_after
from shipper.delivery.outcome import Outcome, from_status
from shipper.wires.message import Reply

#: Levels of JSON in an acknowledgement; a deeper one is an attack on the parser.
DEPTH = 16


class NotOurs(ValueError):
    """A reply's body is not the JSON object that was asked for. The text is plain; `cause` is a slug for `messages`."""

    def __init__(self, detail: str, cause: str) -> None:
        super().__init__(detail)
        self.cause = cause


def refusal(reply: Reply, detail: str = "", cause: str = "") -> Outcome:
    """Read a reply that is no acknowledgement. `detail` and `cause` say why a 2xx was none."""
    wait = retry_after(list(reply.all("retry-after")), reply.header("date") or None, reply.date)
    return from_status(reply.status, wait, detail or excerpt(reply), cause)


def excerpt(reply: Reply) -> str:
    """A receiver's own words, for status and quarantine, as far as they are text: the outcome makes them plain."""
    content_type = reply.header("content-type").partition(";")[0].strip().lower()
    if not reply.body or content_type not in ("", "text/plain", "application/json", "application/problem+json"):
        return content_type
    return reply.body[:2048].decode("utf-8", "replace")


def json_object(reply: Reply) -> Mapping[str, object]:
    """The reply's body as one JSON object; raises NotOurs when it is anything else."""
    if reply.cut:
        raise NotOurs("a reply that does not end", "endless")
    if not reply.body.strip():
        raise NotOurs("an empty reply", "empty")
    content_type = reply.header("content-type").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise NotOurs(f"a reply of type {content_type or 'unknown'} instead of JSON", "page")
    if _depth(reply.body) > DEPTH:
        raise NotOurs("JSON nested too deeply", "page")
    try:
        found = json.loads(reply.body)
    except ValueError:  # UnicodeDecodeError included
        raise NotOurs("a reply that is not the JSON it claims to be", "page") from None
    if not isinstance(found, dict):
        raise NotOurs("a JSON reply that is not an object", "page")
    return found


def _depth(body: bytes) -> int:
    """How deep brackets open at most, those inside strings included: never less than the true depth."""
    deep = deepest = 0
    for byte in body:
        if byte in b"[{":
            deep += 1
            deepest = max(deepest, deep)
        elif byte in b"]}":
            deep -= 1
    return deepest


def count(found: object) -> int | None:
    """A number of events as an acknowledgement gives it: an int that is not a bool and not negative, else None."""
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None
