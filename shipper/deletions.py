"""Requests for erasure: the only thing that leaves without consent. S6 is about events.

`shipper forget` leaves a file in deletions/, named after the person's old id, with the time and the secret of the id; it
goes when the receiver has confirmed by name that the person is erased there.
"""

from collections.abc import Callable

from shipper import files
from shipper.delivery import journal, transitions
from shipper.delivery.outcome import Accepted, plain
from shipper.delivery.plan import PassState
from shipper.delivery.policy import SEND_SECONDS
from shipper.recording.line import format_time
from shipper.recording.names import valid_id
from shipper.spool import Spool
from shipper.spool.segments import names_in
from shipper.wires import Carrier, Wire, deleting
from shipper.wires.message import Destination, Reply

#: Characters of a receiver's reply that are kept: its counts, in JSON.
RECEIPT = 500
#: Bytes of a request's file: a time and a secret.
SECRET_BYTES = 200


def pending(spool: Spool, wire: Wire) -> list[str]:
    """The ids whose erasure is still to be asked for, where the wire can ask."""
    return [name for name in names_in(spool.folder, "deletions") if valid_id(name) and deleting(wire)]


def request(
    spool: Spool,
    wire: Wire,
    destination: Destination,
    transport: Carrier,
    state: PassState,
    clock: Callable[[], float],
    random: Callable[[], float],
) -> PassState:
    """Send every request that waits, and return the state of the pass after it. The caller holds flusher.lock."""
    asking = deleting(wire)
    if asking is None or (not state.by_hand and clock() < state.journal.not_before):
        return state
    for person in pending(spool, wire):
        spool.write_journal(journal.before(state.journal, clock(), random()).to_json())
        asked = asking.encode_deletion(person, _secret(spool, person), destination)
        reply = transport.send(asked, SEND_SECONDS, lambda: True)
        outcome = asking.read_deletion(reply, person) if isinstance(reply, Reply) else reply
        if isinstance(reply, Reply) and isinstance(outcome, Accepted):
            _confirm(spool, person, reply, clock())
        state = transitions.settle_deletion(state, outcome, clock(), random())
        spool.write_journal(state.journal.to_json())
        if state.ended:
            break
    return state


def _secret(spool: Spool, person: str) -> str:
    """The secret that proves to be the person; "" for an id that was taken over, or for a file that says none."""
    with spool.folder.folder("deletions") as waiting:
        words = waiting.read(person, SECRET_BYTES).decode("ascii", "replace").split()
    return words[1] if len(words) == 2 and valid_id(words[1]) else ""


def _confirm(spool: Spool, person: str, reply: Reply, now: float) -> None:
    """Note whom the receiver says to have erased, with its own words, and ask no more."""
    spool.add_history(
        {
            "time": format_time(int(now * 1000)),
            "deleted": person,
            "endpoint": spool.manifest.endpoint,
            "receipt": plain(reply.body.decode("utf-8", "replace"), RECEIPT),
        }
    )
    with spool.folder.folder("deletions") as waiting:
        files.remove(waiting, person)
