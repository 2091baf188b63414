"""`shipper completion`: what a shell needs to complete shipper's commands, options and the names of apps.

The library is argcomplete: it knows the shells, and asks the same parsers that read the command line.
"""

import argparse
import os
from collections.abc import Mapping

from shipper.errors import ShipperError

SHELLS = ("bash", "zsh", "fish")


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "completion",
        help="have bash, zsh or fish complete shipper's commands",
        description="Print what the shell needs to complete shipper's commands, options and the names of apps.",
    )
    parser.add_argument("shell", choices=SHELLS, help="which shell reads it")


def run(args: argparse.Namespace) -> int:
    """Print it. Raises ShipperError where argcomplete is not installed."""
    try:
        from argcomplete.shell_integration import shellcode
    except ImportError:
        hint = "Install it: pip install 'event-shipper[completion]'"
        raise ShipperError("completion needs the package argcomplete", hint) from None
    print(shellcode(["shipper"], shell=args.shell))
    return 0


def answer(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """Answer a shell that asks, and end; return where nobody asks, or argcomplete is not installed."""
    if "_ARGCOMPLETE" not in environ:
        return
    try:
        import argcomplete
    except ImportError:
        return
    for action in _apps(parser):
        action.completer = _known_apps  # type: ignore[attr-defined]  # argcomplete looks for it
    argcomplete.autocomplete(parser, always_complete_options=False)


def _apps(parser: argparse.ArgumentParser) -> "list[argparse.Action]":
    found = [action for action in parser._actions if action.dest == "app"]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                found += _apps(child)
    return found


def _known_apps(**_: object) -> list[str]:
    """The apps that have recorded here."""
    from shipper.cli.spools import spool_names

    try:
        return sorted({name.partition("@")[0] for name in spool_names(os.environ)})
    except OSError:
        return []
