"""`shipper collect`: run the receiver."""

import argparse
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from shipper.collector.answers.public import FEWEST, LEAST
from shipper.errors import BadCall, ShipperError
from shipper.recording.settings import LONGEST_RETENTION

if TYPE_CHECKING:
    from shipper.collector.answers.declared import Declared
    from shipper.collector.http.catalogs import Catalogs
    from shipper.collector.http.server import Bounds

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
        "--public-page", action="store_true", help="show /public to everybody: no number on it stands for a few"
    )
    parser.add_argument(
        "--least", metavar="N", type=int, default=LEAST, help=f"installations of a public number, default {LEAST}"
    )
    parser.add_argument(
        "--token-file", metavar="FILE", help="who may what, lines send|read|delete|operate TOKEN [APP ...]; read again"
    )
    parser.add_argument(
        "--public", action="store_true", help="beyond loopback without tokens: everybody sends and looks"
    )
    parser.add_argument("--tls-cert", metavar="FILE", help="speak TLS itself, with this chain")
    parser.add_argument("--tls-key", metavar="FILE", help="and this key")
    parser.add_argument(
        "--trusted-proxy",
        metavar="NET",
        action="append",
        default=[],
        help="believe its X-Forwarded-For; again for more",
    )
    parser.add_argument("--source-requests", metavar="N", type=int, default=600, help="a minute, default 600")
    parser.add_argument("--token-requests", metavar="N", type=int, default=60_000, help="a minute, default 60000")
    parser.add_argument(
        "--installations", metavar="N", type=int, default=20_000, help="told apart in an hour, default 20000"
    )
    parser.add_argument(
        "--retention", metavar="DAYS", type=int, default=0,
        help="delete and refuse what is older; default the longest retention_days of a catalog, or for ever",
    )  # fmt: skip
    parser.add_argument("--quota", metavar="SIZE", type=size, default=0, help="of each app a day, such as 500M")
    parser.add_argument("--max-disk", metavar="SIZE", type=size, default=0, help="of the embedded store, such as 20G")


def size(text: str) -> int:
    """Read a size, 500M or 20G, as bytes. Raises ValueError."""
    power = {"K": 10, "M": 20, "G": 30, "T": 40}.get(text[-1:].upper(), 0)
    return int(text[:-1] if power else text) << power


def run(args: argparse.Namespace) -> int:
    """Receive until SIGTERM or SIGINT; then end what is in hand and return 0."""
    try:
        import uvicorn

        from shipper.collector.http.catalogs import Catalogs
        from shipper.collector.http.connections import BoundedProtocol, open_files
        from shipper.collector.http.server import ReceiverRoutes, application
    except ImportError as missing:
        raise ShipperError(
            f"the receiver needs the package {missing.name}", "Install it: pip install 'event-shipper[collector]'"
        ) from None
    from shipper.collector.http.access import TokenFile
    from shipper.collector.stores.addresses import open_store

    # Everything that can be wrong is looked at before the store is opened, and the store before anybody can connect.
    check_public(args)
    tokens = TokenFile(args.token_file, _say)
    catalogs = Catalogs(args.catalog, _say)
    bounds = bounds_of(args)
    listener = bind(args.listen)
    store = open_store(args.store or f"sqlite:{args.data}")
    receiver = ReceiverRoutes(
        store, catalogs, tokens, bounds, _say,
        declared=lambda app: declared_by(args, app), retention_days=lambda: retention_of(args.retention, catalogs),
    )  # fmt: skip
    tell_retention(args, catalogs)
    if args.public_page:
        receiver.publish(args.least)
    config = uvicorn.Config(
        application(receiver),
        http=BoundedProtocol,
        ws="none",
        proxy_headers=False,  # nobody is believed about somebody else's address but who is named by --trusted-proxy
        log_config=None,  # nothing that a sender sends is logged, its address least of all
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=args.tls_cert,
        ssl_keyfile=args.tls_key,
    )
    # uvicorn handles both signals while it serves, and raises them again when it is done. One that comes before is kept.
    server = uvicorn.Server(config)
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: setattr(server, "should_exit", True))
    open_files()
    if hasattr(signal, "SIGHUP"):  # Windows has none: there a file that changed is seen by its time
        signal.signal(signal.SIGHUP, lambda *_: catalogs.refresh(at_once=True))
    listener.listen(BACKLOG)
    # The socket listens already: whoever reads this line can connect.
    scheme = "https" if args.tls_cert else "http"
    print(
        _greeting(f"{scheme}://{_address(listener)}", args.store or f"sqlite:{args.data}"), file=sys.stderr, flush=True
    )
    server.run(sockets=[listener])
    return 0


def check_public(args: argparse.Namespace) -> None:
    """Raise BadCall when anybody could reach a receiver that was not made public on purpose, or only half speaks TLS."""
    if bool(args.tls_cert) != bool(args.tls_key):
        raise BadCall("--tls-cert and --tls-key go together", "Name both files.")
    if not 0 <= args.retention <= LONGEST_RETENTION:
        raise BadCall("--retention is a number of days", "For example --retention 396")
    if args.least < FEWEST:
        raise BadCall(f"--least is at least {FEWEST}: no public number stands for one installation")
    host = args.listen.rpartition(":")[0].strip("[]")
    if host == "localhost" or host.startswith("127.") or host == "::1" or not host:
        return
    if not args.token_file and not args.public:
        raise BadCall(
            f"{args.listen} can be reached by others, who could send, look and fill the disk",
            "Name who may with --token-file FILE, or say --public when everybody may.",
        )
    if not args.catalog:
        _say("no --catalog: whatever is sent is taken, and only the budgets for names bound it")


def retention_of(days: int, catalogs: "Catalogs") -> int:
    """For how many days events are kept: those that were said, else the longest that a catalog promises, else 0."""
    return days or max(catalogs.promises().values(), default=0)


def tell_retention(args: argparse.Namespace, catalogs: "Catalogs") -> None:
    """Say which app promised to keep events for a shorter time than this receiver does."""
    kept = retention_of(args.retention, catalogs)
    for app, days in catalogs.promises().items():
        if days < kept:
            _say(f"{app} promises {days} days and events are kept for {kept}: name --retention {days}")


def bounds_of(args: argparse.Namespace) -> "Bounds":
    """The bounds that the options name. Raises BadCall."""
    from shipper.collector.http.capacity import Capacity
    from shipper.collector.http.folding import NameBudgets
    from shipper.collector.http.server import Bounds
    from shipper.collector.http.sources import RateLimits, networks

    scheme, _, place = (args.store or f"sqlite:{args.data}").partition(":")
    folder = os.path.abspath(place) if scheme in ("sqlite", "chdb") else ""
    if args.max_disk and not folder:
        raise BadCall("--max-disk is for a store on this machine's disk", "A cluster bounds itself.")
    return Bounds(
        RateLimits(networks(args.trusted_proxy), args.source_requests, args.token_requests),
        NameBudgets(installations=args.installations),
        Capacity(folder, args.max_disk, args.quota),
    )


def declared_by(args: argparse.Namespace, app: str) -> "Declared | None":
    """What an app declares now, for the page: as its catalog says, or as its senders do; None where neither is known."""
    from shipper.collector.answers.declared import declared_for, read_declared

    for path in args.catalog:
        with suppress(ShipperError):  # a file that is being edited
            if (declared := read_declared(path)).app == app:
                return declared
    return declared_for(args.data or DATA, app)


def _say(sentence: str) -> None:
    print(f"shipper collect: {sentence}", file=sys.stderr, flush=True)


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
    scheme, _, place = store.partition(":")
    where = os.path.abspath(place) if scheme in ("sqlite", "chdb") else store.partition("?")[0].rpartition("@")[2]
    reachable = address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")  # noqa: S104 - compared only
    return (
        f"shipper collect: listening on {address}\n"
        f"  See the answers: open {reachable}/ in a browser\n"
        f"  The data lies in {where}\n"
        "  Stop it: Ctrl-C, or SIGTERM; nothing that was acknowledged is lost"
    )


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
