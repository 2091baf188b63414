"""`shipper help`: what `--help` says, for who looks for it under that name."""

import argparse


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser("help", help="say how a command is used", description="Say how a command is used.")
    parser.add_argument("about", metavar="COMMAND", nargs="*", help="without it: all commands")


def run(args: argparse.Namespace) -> int:
    """Say it, and return 0."""
    from shipper.cli import main

    return main([*args.about, "--help"])
