"""The stdout wire: the lines on standard output of `shipper flush`, for a pipe into whatever comes next.

    endpoint="stdout:"      shipper flush demo | gzip > events.ndjson.gz

Endpoint: `stdout:`. Only under a flush by hand: a pass that nobody waits for has no standard output, and keeps everything.
Auth, limits: none.
Acknowledgement: the kernel took every byte. What the next program in the pipe does with them it does not say: THE PIPE IS
TRUSTED. One that closed early keeps the batch in the spool.
De-duplication: by the `id` of each line.
Deletion: none.
Source: the lines are those of `shipper show`.
"""

from shipper.delivery.outcome import Accepted, Outcome
from shipper.wires.message import Batch, Destination, Reply, Request
from shipper.wires.reading import refusal

PROVES = False
READS_EVENTS = False


def encode(batch: Batch, about: Destination) -> Request:
    """Make the request that the local transport obeys."""
    del about
    return Request("WRITE", "", (), batch.body, gzip=False)


def read(reply: Reply, batch: Batch) -> Outcome:
    """The local transport replies 200 once everything is written."""
    del batch
    return Accepted(status=200) if reply.status == 200 else refusal(reply)
