"""`shipper service`: have the system's own service manager send what is due."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from shipper.cli.terminal import size, write

if TYPE_CHECKING:
    from shipper.service.status import Status
    from shipper.service.systems import Manager

EXIT_STOPPED = 3
"""Nothing is installed, or it does not run: what `systemctl status` says by the same number."""


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "service",
        help="have the system send what is due: install, uninstall, status",
        description="Have your own service manager send what is due: systemd (systemctl --user), launchd on macOS, the task "
        "scheduler on Windows; the last two were not run by us yet. It is a convenience: without it each CLI starts its "
        "passes itself.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    install = actions.add_parser("install", help="put the units in place, start them, see that they work")
    install.add_argument(
        "--on-demand", action="store_true", help="no process that stays: a timer looks every quarter of an hour"
    )
    actions.add_parser("uninstall", help="undo it completely")
    status = actions.add_parser(
        "status", help="how it does", epilog="Exit codes: 0 it runs, 3 it does not, or is not installed."
    )
    status.add_argument("--json", action="store_true", help="one JSON object, for scripts")


def run(args: argparse.Namespace) -> int:
    """Do it, and say what was done."""
    from shipper.service.systems import manager

    system = manager(sys.platform)
    if args.action == "status":
        return _status(system, args.json)
    done = system.install(os.environ, args.on_demand) if args.action == "install" else system.uninstall(os.environ)
    for line in done:
        write(line)
    return 0


def _status(system: "Manager", as_json: bool) -> int:
    found = system.status(os.environ)
    if as_json:
        write(json.dumps(asdict(found)))
    elif not found.installed:
        write("Not installed: each CLI starts its passes itself. `shipper service install` changes that.")
    else:
        for line in [*words(found), *system.details(found)]:
            write(line)
    return 0 if found.installed and found.active.startswith("active") else EXIT_STOPPED


def words(found: "Status") -> list[str]:
    """The state of an installed service, for people."""
    changed = "" if found.current else "; its files are not this version's: `shipper service install` again"
    memory = f", {size(found.memory)} resident" if found.memory else ""
    process = f", process {found.process}{memory}" if found.process else ""
    lines = [f"installed   {found.installed}{changed}", f"state       {found.active}{process}"]
    return [*lines, f"says        {found.says}"] if found.says else lines
