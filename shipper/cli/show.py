"""`shipper show`: what is waiting, exactly as it lies on disk; what was sent; what is in quarantine, and why."""

import argparse
import json
import os
from collections.abc import Iterable, Iterator, Mapping

from shipper.cli.spools import open_spool, spool_names
from shipper.cli.terminal import count, say, write_lines
from shipper.spool.quarantine import Quarantined


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "show",
        help="print the pending events, exactly as they will be sent",
        description="Print every event that waits on this machine, one JSON line each, oldest first.",
    )
    parser.add_argument("app", nargs="?", help="only this app")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--sent", action="store_true", help="the delivered batches instead: when, where, how many")
    what.add_argument(
        "--quarantine", action="store_true", help="the refused and unreadable lines instead, with reasons"
    )


def run(args: argparse.Namespace) -> int:
    """Print the lines on stdout and their number on stderr."""
    printed = 0
    for name in spool_names(os.environ, [] if args.app is None else [args.app]):
        with open_spool(os.environ, name) as spool:
            if args.sent:
                printed += write_lines(_as_json(spool.history()))
            elif args.quarantine:
                printed += write_lines(_as_json(map(_entry, spool.quarantined())))
            else:
                printed += write_lines(spool.everything())
    if args.sent:
        say(f"{count(printed, 'entry', 'entries')}: what was delivered, and what receivers erased")
    else:
        say(f"{count(printed, 'event')} {'in quarantine' if args.quarantine else 'pending'}")
    return 0


def _as_json(found: Iterable[Mapping[str, object]]) -> Iterator[bytes]:
    return (json.dumps(one).encode() for one in found)


def _entry(found: Quarantined) -> dict[str, object]:
    line = found.raw.decode("utf-8", "backslashreplace").rstrip("\n")
    return {**{name: getattr(found, name) for name in ("name", "reason", "detail", "time", "id")}, "line": line}
