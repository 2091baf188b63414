"""Wires: pure translations, a segment's lines into a request and a reply into an outcome.

Each wire is a module with `encode(batch, about) -> Request` and `read(reply, batch) -> Outcome`. Its docstring tells
authors its endpoint, auth, limits, acknowledgement and de-duplication, with the source of each. `transport` is the
network.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from shipper.delivery.outcome import Outcome, Unreachable
from shipper.errors import ShipperError
from shipper.wires import file, otlp, posthog, shipper, stdout, webhook, webhook_gzip, wundergraph
from shipper.wires.message import Batch, Destination, Reply, Request


class Wire(Protocol):
    """What every wire module offers."""

    #: Whether an acknowledgement names what it took. Where it does not, the status is trusted, and `status` says so.
    PROVES: bool
    #: Whether it takes lines apart: then each must be an event, not only a line whose checksum holds.
    READS_EVENTS: bool

    def encode(self, batch: Batch, about: Destination) -> Request:
        """Make the request that carries a batch."""

    def read(self, reply: Reply, batch: Batch) -> Outcome:
        """Say what a reply means for this batch."""


@runtime_checkable
class DeletingWire(Protocol):
    """A wire whose receivers erase a person's events when they are asked to."""

    def encode_deletion(self, person: str, proof: str, about: Destination) -> Request:
        """Make the request that asks for it; `person` is the pseudonymous id, `proof` its secret or ""."""

    def read_deletion(self, reply: Reply, person: str) -> Outcome:
        """Accepted only when the reply proves that it was heard."""


@runtime_checkable
class TellingWire(Protocol):
    """A wire whose receivers tell a person what they keep of them."""

    def encode_access(self, person: str, proof: str, after: str, about: Destination) -> Request:
        """Make the request for some of it, after the event of an id; `person` is the pseudonymous id, `proof` its secret."""

    def read_access(self, reply: Reply, person: str) -> tuple[list[dict[str, object]], str] | Outcome:
        """Some of what is kept, and after which event to ask again, "" for the end; or why there is none."""


@runtime_checkable
class GroupingWire(Protocol):
    """A wire that says some things once for a whole request."""

    def group(self, raw: bytes) -> object:
        """What lines must have in common to travel together."""


class Carrier(AbstractContextManager["Carrier"], Protocol):
    """What brings requests to where they go: `transport.Transport` or `local.Local`."""

    def send(self, request: Request, seconds: float, allowed: Callable[[], bool]) -> Reply | Unreachable:
        """Send one request within so many seconds; `allowed` is asked before each try. Raises Withdrawn."""

    def send_all(
        self, requests: Sequence[Request], seconds: float, allowed: Callable[[], bool]
    ) -> list[Reply | Unreachable]:
        """Send several at the same time, and answer in their order. Raises Withdrawn."""


#: The wires that `wire=` names.
WIRES: dict[str, Wire] = {
    "shipper": shipper,
    "otlp": otlp,
    "wundergraph": wundergraph,
    "posthog": posthog,
    "webhook": webhook,
    "webhook-gzip": webhook_gzip,
}
#: The wires that the endpoint's scheme decides, whatever `wire=` says.
LOCAL: dict[str, Wire] = {"file": file, "stdout": stdout}


class UnknownWire(ShipperError):
    """A manifest names a wire that this version does not have."""


def choose(wire: str, endpoint: str) -> Wire:
    """Find the wire for a declaration: by the endpoint's scheme where it decides, else by its name.

    Raises UnknownWire for a name that this version does not have.
    """
    local = LOCAL.get(scheme(endpoint))
    if local is not None:
        return local
    try:
        return WIRES[wire]
    except KeyError:
        known = ", ".join(WIRES)
        raise UnknownWire(
            f"no wire is called {wire}", f"This shipper has {known}; a newer one may have more."
        ) from None


def called(wire: str, endpoint: str) -> str:
    """What the wire of a declaration is called: by the endpoint's scheme where that decides."""
    return scheme(endpoint) if scheme(endpoint) in LOCAL else wire


def proves(wire: str, endpoint: str) -> bool:
    """Whether an acknowledgement there names what it took; where it does not, the status alone is trusted."""
    try:
        return choose(wire, endpoint).PROVES
    except UnknownWire:
        return False


def scheme(endpoint: str) -> str:
    """The scheme of an endpoint, in lower case."""
    return endpoint.partition(":")[0].lower()


def carrier(endpoint: str, by_hand: bool) -> Carrier:
    """What carries requests to an endpoint. The network's is imported only where it is needed."""
    if scheme(endpoint) in LOCAL:
        from shipper.wires.local import Local

        return Local(endpoint, by_hand)
    from shipper.wires.transport import Transport

    return Transport(endpoint)


def deleting(wire: Wire) -> DeletingWire | None:
    """The wire as one that can ask for erasure; None when its receivers know no such request."""
    return wire if isinstance(wire, DeletingWire) else None


def telling(wire: Wire) -> TellingWire | None:
    """The wire as one that can ask what is kept; None when its receivers know no such request."""
    return wire if isinstance(wire, TellingWire) else None


def grouping(wire: Wire) -> Callable[[bytes], object] | None:
    """What the wire wants neighbours to have in common; None where any lines may travel together."""
    return wire.group if isinstance(wire, GroupingWire) else None
