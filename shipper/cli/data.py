"""`shipper data`: the operator's hands on an embedded store: a backup while the receiver runs, and its return."""

import argparse
import os
import sqlite3
import sys
from contextlib import closing, suppress
from urllib.parse import quote

from shipper.cli.collect import DATA
from shipper.errors import BadCall, ShipperError

#: Pages that are copied before the writer may go on, some 4 MiB.
PAGES = 1024


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "data",
        help="back a receiver's store up, and bring it back",
        description="Copy an embedded SQLite store to one file while its receiver runs, or make a store of such a file.",
    )
    parser.add_argument("action", choices=("backup", "restore"), help="to the file, or from it")
    parser.add_argument("file", metavar="FILE", help="the backup")
    parser.add_argument("--data", metavar="DIR", default=DATA, help=f"the embedded store's folder, default {DATA}")


def run(args: argparse.Namespace) -> int:
    """Copy, and return 0."""
    from shipper.collector.stores.sqlite import FILE

    store = os.path.join(args.data, FILE)
    source, target = (store, args.file) if args.action == "backup" else (args.file, store)
    if not os.path.isfile(source):
        raise BadCall(f"there is no {source}", "Name the folder with --data, or the file of a backup.")
    if os.path.exists(target):
        raise BadCall(f"{target} is there already", "Nothing is written over: name another, or move it away.")
    if args.action == "restore":
        os.makedirs(args.data, mode=0o700, exist_ok=True)
    events = _copy(source, target)
    print(f"{events:,} events: {source} -> {target}", file=sys.stderr)
    return 0


def _copy(source: str, target: str) -> int:
    """Copy a store as it is at one moment, and return its number of events. What is not whole does not stay."""
    half = target + ".half"
    with suppress(FileNotFoundError):
        os.remove(half)
    try:
        os.close(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with (
            closing(sqlite3.connect(f"file:{quote(os.path.abspath(source))}?mode=ro", uri=True)) as read,
            closing(sqlite3.connect(half)) as written,
        ):
            read.backup(written, pages=PAGES)
            if written.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise ShipperError(f"{source} is damaged", "Take an earlier backup.")
            (events,) = written.execute("SELECT count(*) FROM events").fetchone()
            written.execute("PRAGMA journal_mode = DELETE")
        descriptor = os.open(half, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        os.link(half, target)  # never over what somebody made meanwhile
        return int(events)
    except (sqlite3.Error, OSError) as error:
        raise ShipperError(f"{source} could not be copied to {target}: {error}") from None
    finally:
        with suppress(FileNotFoundError):
            os.remove(half)
