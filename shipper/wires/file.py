"""The file wire: one file for each batch in a folder, for the air gap. Carry the folder over, and it can be counted there.

    endpoint="file:///media/outbox"     ->  /media/outbox/<app>.<segment name>.ndjson

Endpoint: `file:///FOLDER`. The folder must be there: one that is missing is a medium that is not plugged in, and the
events wait. It is not made.
Auth: the file system's. Files are 0600.
What must be there: the folder, writable, with room; nothing else reads or answers.
Limits: the disk's; a full one keeps the events waiting in the spool.
Acknowledgement: the file is complete under its name and on the disk: written beside it, synced, renamed, read again and
compared by its digest.
De-duplication: by the file's name, which is the batch's: a second try writes the same bytes over it. After that by the
`id` of each line, as everywhere.
Deletion: none; delete the files.
Source: RFC 8089 (the file scheme); the lines are those of `shipper show`.
"""

from hashlib import sha256

from shipper.delivery.outcome import Accepted, Outcome
from shipper.wires.message import Batch, Destination, Reply, Request
from shipper.wires.reading import refusal

PROVES = True
READS_EVENTS = False


def encode(batch: Batch, about: Destination) -> Request:
    """Make the request that the local transport obeys: a file's name and what is to be in it."""
    return Request("PUT", f"{about.app}.{batch.key}.ndjson", (), batch.body, gzip=False)


def read(reply: Reply, batch: Batch) -> Outcome:
    """The local transport replies with the digest of what it read back."""
    if reply.status == 200 and reply.body == sha256(batch.body).hexdigest().encode():
        return Accepted(status=200)
    return refusal(reply, "the file does not hold what was written", "disk")
