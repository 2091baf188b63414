"""`<prog> telemetry ...` with a parser of argparse: for hosts of argparse, and for main functions of any kind."""

import argparse
from collections.abc import Sequence

from shipper.choices.notice import program_name
from shipper.integrations.group import ABOUT, ACTIONS, run
from shipper.integrations.program import Program
from shipper.integrations.telemetry_options import take_all


def run_group(program: Program, arguments: Sequence[str], prog: str = "") -> int:
    """Run our group and return its exit code."""
    name = f"{program.prog or prog or program_name()} {program.group}"
    parser = argparse.ArgumentParser(prog=name, description=ABOUT, allow_abbrev=False)
    commands = parser.add_subparsers(dest="action", metavar="COMMAND", required=True, title="commands")
    for action, (about, flags) in ACTIONS.items():
        command = commands.add_parser(action, help=about, description=about)
        for flag, text in flags.items():
            command.add_argument(f"--{flag}", action="append_const", const=flag, dest="flags", help=text)
    program.hear(arguments)
    given = parser.parse_args(take_all(arguments))
    return run(program, given.action, getattr(given, "flags", None) or ())
