"""The webhook wire for a receiver that unpacks gzip: as `webhook` in everything else.

    POST {endpoint}
    Content-Type: application/x-ndjson     Content-Encoding: gzip     Idempotency-Key: <segment name>
    the lines, byte for byte, in order, as one gzip member

    200, 201, 202 or 204

What the receiver must understand: `Content-Encoding: gzip` on a request, which few programs do by themselves. One that
does not may say 200 and keep what it cannot read: try it with `shipper flush` and look at what arrived.
Endpoint: the address itself; nothing is appended.
Auth: `Authorization: Bearer <token>`.
Limits: the receiver's own; a 413 is answered with halves.
Acknowledgement: by the status alone. THE STATUS CODE IS TRUSTED.
De-duplication: yours, by the `id` of each line.
Deletion: none; whoever runs the address is asked.
Source: RFC 1952 (gzip), RFC 9110, section 8.4 (Content-Encoding).
"""

from dataclasses import replace

from shipper.wires import webhook
from shipper.wires.message import Batch, Destination, Request

PROVES = webhook.PROVES
READS_EVENTS = webhook.READS_EVENTS

read = webhook.read


def encode(batch: Batch, about: Destination) -> Request:
    """Make the request that carries a batch."""
    return replace(webhook.encode(batch, about), gzip=True)
