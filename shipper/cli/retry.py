"""`shipper retry`: what was set aside waits to be sent again, under its own ids; what was counted as lost is taken back."""

import argparse
import os

from shipper.cli.spools import open_spool, spool_names
from shipper.cli.terminal import count, say


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "retry",
        help="let events in quarantine be sent again",
        description="Let every whole event in quarantine wait to be sent again, under its own id: the receiver takes it"
        " now, or refuses it again. The count of its loss is taken back.",
        epilog="What is damaged cannot be sent again; `shipper show --quarantine` lists it.",
    )
    parser.add_argument("app", nargs="?", help="only this app")


def run(args: argparse.Namespace) -> int:
    """Put the events back, and say what to do next."""
    for name in spool_names(os.environ, [] if args.app is None else [args.app]):
        with open_spool(os.environ, name) as spool:
            returned = spool.retry()
            kept = spool.counts().quarantined
        rest = (
            f"; {count(kept, 'entry', 'entries')} cannot be sent again: `shipper show --quarantine {name}`"
            if kept
            else ""
        )
        if returned:
            say(
                f"{name}: {count(returned, 'event')} wait to be sent again{rest}; `shipper flush {name}` sends them now"
            )
        else:
            say(
                f"{name}: nothing in quarantine can be sent again{rest}"
                if kept
                else f"{name}: nothing is in quarantine"
            )
    return 0
