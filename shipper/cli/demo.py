"""`shipper demo`: the whole story on this machine, with real processes in a home of its own."""

import argparse
import os


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    subparsers.add_parser(
        "demo",
        help="the whole story on this machine, in under a minute",
        description="Use a small tool offline, deliver its events, kill one of its processes, and count. Every figure is"
        " measured in the run. It happens in a temporary home; nothing of yours is touched.",
        epilog="Exit codes: 0 every promise held, 1 one did not.",
    )


def run(args: argparse.Namespace) -> int:  # noqa: ARG001 - it has no options
    """Tell the story."""
    from shipper.demo.story import tell

    return tell(os.environ)
