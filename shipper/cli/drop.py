"""`shipper drop`: take an event out of quarantine for good. It was counted as lost when it went in, and is not again."""

import argparse
import os

from shipper.cli.spools import open_spool, spool_names
from shipper.cli.terminal import count, say
from shipper.errors import ShipperError


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "drop",
        help="erase an event from quarantine",
        description="Erase one event from quarantine, by its id or by the name that `shipper show --quarantine` prints.",
    )
    parser.add_argument("id", help="the event's id, or the entry's name")


def run(args: argparse.Namespace) -> int:
    """Erase it, wherever it is."""
    dropped = 0
    for name in spool_names(os.environ):
        with open_spool(os.environ, name) as spool:
            dropped += spool.drop(args.id)
    if not dropped:
        raise ShipperError(f"nothing called {args.id} is in quarantine", "`shipper show --quarantine` lists what is.")
    say(f"{count(dropped, 'event')} erased from quarantine")
    return 0
