"""`shipper collect`: run the receiver."""

import argparse
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

from shipper.errors import BadCall, ShipperError

if TYPE_CHECKING:
    from shipper.collector.http.receive import Objection

LISTEN = "127.0.0.1:4417"
DATA = "shipper-data"
#: Seconds that requests in hand may take to end after SIGTERM.
GRACE_SECONDS = 20
#: Connections that wait for their turn to be accepted.
BACKLOG = 2048


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "collect",
        help="run the receiver",
        description="Receive events, keep each once, and show the answers at `/`. Ends well on SIGTERM.",
    )
    parser.add_argument("--listen", metavar="HOST:PORT", default=LISTEN, help=f"default {LISTEN}; port 0: any")
    parser.add_argument("--data", metavar="DIR", default=DATA, help=f"the embedded store's folder, default {DATA}")
    parser.add_argument(
        "--store", metavar="URL", help="sqlite:DIR (as --data), chdb:DIR or clickhouse://HOST:PORT[,...]/DATABASE"
    )
    parser.add_argument(
        "--catalog", metavar="FILE", action="append", default=[],
        help="take only what this telemetry.toml or app.json declares; once per app",
    )  # fmt: skip
    parser.add_argument(
        "--token-file", metavar="FILE", help="let only those in who have one: lines TOKEN (senders) and read TOKEN"
    )


def run(args: argparse.Namespace) -> int:
    """Receive until SIGTERM or SIGINT; then end what is in hand and return 0."""
    try:
        import uvicorn

        from shipper.collector.http.connections import PatientProtocol, most_connections
        from shipper.collector.http.server import Receiver, application
    except ImportError as missing:
        raise ShipperError(
            f"the receiver needs the package {missing.name}", "Install it: pip install 'event-shipper[collector]'"
        ) from None
    from shipper.collector.answers.declared import declared_for, read_declared
    from shipper.collector.http.access import Access, read_tokens
    from shipper.collector.stores.addresses import open_store

    # Everything that can be wrong is looked at before the store is opened, and the store before anybody can connect.
    access = read_tokens(args.token_file) if args.token_file else Access()
    wanted = objection(args.catalog)
    declared = {each.app: each for each in map(read_declared, args.catalog)}
    listener = bind(args.listen)
    store = open_store(args.store or f"sqlite:{args.data}")
    config = uvicorn.Config(
        application(
            Receiver(
                store, wanted, access, declared=lambda app: declared.get(app) or declared_for(args.data or DATA, app)
            )
        ),
        http=PatientProtocol,
        ws="none",
        limit_concurrency=most_connections(),
        log_config=None,  # nothing that a sender sends is logged, its address least of all
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    # uvicorn handles both signals while it serves, and raises them again when it is done, when they are obeyed already.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: None)
    listener.listen(BACKLOG)
    # The socket listens already: whoever reads this line can connect.
    print(_greeting(_address(listener), args.store or f"sqlite:{args.data}"), file=sys.stderr, flush=True)
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def objection(catalogs: "list[str]") -> "Objection":
    """Say what is not wanted: with catalogs everything that they do not declare. Raises DeclarationError."""
    from shipper.catalog.schema import check, load_catalog
    from shipper.collector.http.receive import unobjectionable

    if not catalogs:
        return unobjectionable
    declared = dict(map(load_catalog, catalogs))
    return lambda event: unobjectionable(event) or check(event, declared)


def bind(address: str) -> socket.socket:
    """Take an address; nobody can connect yet. Raises ShipperError with what is wrong with it."""
    host, _, port = address.rpartition(":")
    try:
        if not host:
            raise ValueError
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), int(port)))
    except (ValueError, OverflowError):
        raise BadCall(f"{address!r} is no HOST:PORT", "For example --listen 127.0.0.1:4417") from None
    except OSError as error:
        raise ShipperError(f"cannot listen on {address}: {error.strerror}", "Choose another with --listen.") from None
    return listener


def _greeting(address: str, store: str) -> str:
    """What a person does next: where the answers are, where the data lies, how to stop."""
    kind, _, place = store.partition(":")
    where = os.path.abspath(place) if kind in ("sqlite", "chdb") else store.partition("?")[0].rpartition("@")[2]
    reachable = address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")  # noqa: S104 - compared only
    return (
        f"shipper collect: listening on http://{address}\n"
        f"  See the answers: open http://{reachable}/ in a browser\n"
        f"  The data lies in {where}\n"
        "  Stop it: Ctrl-C, or SIGTERM; nothing that was acknowledged is lost"
    )


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
