"""The webhook wire: plain NDJSON to any address that takes a POST.

    POST {endpoint}
    Content-Type: application/x-ndjson     Idempotency-Key: <segment name>
    the lines, byte for byte, in order

    200, 201, 202 or 204

Endpoint: the address itself; nothing is appended.
Auth: `Authorization: Bearer <token>`.
What the receiver must understand: a POST of plain text, one JSON object a line, and nothing else. The body is not
compressed, because what cannot undo that often says 200 all the same and keeps nothing it can read. Where a receiver
unpacks `Content-Encoding: gzip`, say `wire="webhook-gzip"`: the same in a fifth of the bytes.
Limits: the receiver's own; a segment has at most 256 KiB and 1,000 lines, and a 413 is answered with halves.
Acknowledgement: by the status alone. THE STATUS CODE IS TRUSTED, whatever page stands behind it: say `wire="webhook"`
only for an address of your own, over https.
De-duplication: yours, by the `id` of each line (a retry has the same bytes under the same Idempotency-Key).
Deletion: none; whoever runs the address is asked.
Source: the lines are those of `shipper show`; 200 to 204 as RFC 9110, section 15.3, defines them.
"""

from shipper.delivery.outcome import Accepted, Outcome
from shipper.wires.message import Batch, Destination, Reply, Request
from shipper.wires.reading import refusal

PROVES = False
READS_EVENTS = False

#: The statuses that a receiver says "I have it" with. 203 and 206 are a proxy's or a cache's.
TAKEN = frozenset({200, 201, 202, 204})


def encode(batch: Batch, about: Destination) -> Request:
    """Make the request that carries a batch."""
    headers = (("Content-Type", "application/x-ndjson"), ("Idempotency-Key", batch.key))
    return Request("POST", "", headers, batch.body, gzip=False, secret=about.bearer)


def read(reply: Reply, batch: Batch) -> Outcome:
    """Say what a reply means for this batch."""
    del batch
    return Accepted(status=reply.status) if reply.status in TAKEN else refusal(reply)
