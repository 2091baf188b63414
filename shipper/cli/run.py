"""`shipper run`: the daemon, in the foreground, as a service manager wants it."""

import argparse
import os

from shipper.errors import ShipperError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser


def add(subparsers: "argparse._SubParsersAction[ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "run",
        help="the daemon: send whatever is due, for all apps",
        description="Serve all apps of this person: start each pass when it is due or somebody rings. Stays in the "
        "foreground; SIGTERM and Ctrl-C end it, SIGHUP makes it look at everything anew.",
        epilog="Exit codes: 0 ended as told, 1 the folder was taken away, 4 another daemon serves already. "
        "`shipper service install` has systemd run it.",
    )
    parser.add_argument(
        "--once", action="store_true", help="start what is due, wait for it and end: for timers and cron"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until told to end. Raises ShipperError where there are no FIFOs, as on Windows."""
    if not hasattr(os, "mkfifo"):
        raise ShipperError(
            "the daemon needs a POSIX system", "Have the task scheduler run `shipper flush` every quarter of an hour."
        )
    from shipper.daemon.loop import serve

    return serve(os.environ, args.once)
