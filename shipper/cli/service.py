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
        return _status(system.status(os.environ), args.json)
    done = system.install(os.environ, args.on_demand) if args.action == "install" else system.uninstall(os.environ)
    for line in done:
        write(line)
    return 0


def _status(found: "Status", as_json: bool) -> int:
    if as_json:
        write(json.dumps(asdict(found)))
    elif not found.kind:
        write("Not installed: each CLI starts its passes itself. `shipper service install` changes that.")
    else:
        for line in words(found.kind, asdict(found)):
            write(line)
    return 0 if found.kind and found.active.startswith("active") else EXIT_STOPPED


def words(kind: str, found: dict[str, object]) -> list[str]:
    """The state of an installed service, for people."""
    changed = "" if found["current"] else "; its files are not this version's: `shipper service install` again"
    memory = f", {size(int(str(found['memory'])))} resident" if found["memory"] else ""
    process = f", process {found['process']}{memory}" if found["process"] else ""
    lines = [
        f"installed   {kind}{changed}",
        f"state       {found['active']}{process}",
        f"says        {found['says']}" * bool(found["says"]),
    ]
    told = {
        "listening": ("doorbell    ", "answers", "nobody listens"),
        "sandboxed": ("sandbox     ", "whole", "in part: this kernel grants no user namespaces"),
        "lingers": ("at logout   ", "goes on (lingering)", "stops; `loginctl enable-linger` changes that"),
    }
    if kind == "shipper-flush.service":
        del told["listening"]  # nothing of it stays that could
    lines += [name + (yes if found[key] else no) for key, (name, yes, no) in told.items() if found[key] is not None]
    return list(filter(None, lines))
