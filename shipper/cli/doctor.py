"""`shipper doctor`: what stands in the way of recording and sending, and what to do about it."""

import argparse
import email.utils
import importlib.util
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict

from shipper.cli.spools import open_spool, spool_names
from shipper.cli.terminal import write
from shipper.delivery.messages import MEANINGS
from shipper.delivery.outcome import Unreachable
from shipper.privacy import findings
from shipper.privacy.findings import NOTE, OK, WRONG, Finding
from shipper.privacy.folders import folders
from shipper.recording.folder import open_state
from shipper.recording.modes import ON
from shipper.service.systems import manager
from shipper.spool import Spool
from shipper.spool.manifest import DamagedManifest
from shipper.wakeup.doorbell import listening
from shipper.wires import UnknownWire, choose
from shipper.wires.message import Reply, Request
from shipper.wires.transport import Transport

ANSWER_SECONDS = 10.0
"""Seconds that an endpoint has to answer: a person is waiting."""

EXIT_WRONG = 1


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "doctor",
        help="say what is in the way, and what to do",
        description="Check home, permissions, locks, clock, proxy, endpoints and service. An endpoint is only asked whether "
        "it answers, and only where events may be sent. With MODULE:APP, say instead what of that app's program is "
        "instrumented, and what could never be recorded of it. Exit 0 when nothing is wrong, else 1.",
    )
    parser.add_argument("target", nargs="?", metavar="MODULE:APP", help="an app of yours, as Python imports it")
    parser.add_argument("--json", action="store_true", help="one JSON array, for scripts")


def run(args: argparse.Namespace) -> int:
    """Print every finding and, under what is wrong, the next step."""
    found = list(_examine_app(args.target) if args.target else _examine(os.environ, time.time()))
    if args.json:
        print(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        for finding in found:
            write(f"{finding.level:6}{finding.subject}: {finding.text}")
            if finding.todo:
                write(f"        {finding.todo}")
    return EXIT_WRONG if any(finding.level == WRONG for finding in found) else 0


def _examine_app(target: str) -> Iterator[Finding]:
    from shipper.catalog.declaration import load_object
    from shipper.integrations.examination import examine

    app = load_object(target)
    for level, text, todo in examine(app):
        yield Finding(level, app.name, text, todo)


def _examine(environ: Mapping[str, str], now: float) -> Iterator[Finding]:
    yield from folders(environ, now)
    with ExitStack() as stack:
        spools: dict[str, Spool] = {}
        try:
            names = spool_names(environ)
        except OSError:
            names = []  # the folder's own finding says why
        for name in names:
            try:
                spools[name] = stack.enter_context(open_spool(environ, name))
            except OSError:
                continue  # as above
        yield from findings.clock(now, spools)
        yield from findings.choices(environ)
        yield from findings.others()
        system = manager(sys.platform)
        yield from findings.network(environ, importlib.util.find_spec("socksio") is not None, system.handing_over)
        yield from findings.starting(environ, _daemon(environ), system.installed_file(environ), system.START)
        for name, spool in spools.items():
            yield from _spool(environ, name, spool, now)


def _spool(environ: Mapping[str, str], name: str, spool: Spool, now: float) -> Iterator[Finding]:
    try:
        mode, why = spool.manifest.decide(environ)
        choose(spool.manifest.wire, spool.manifest.endpoint)
    except (DamagedManifest, UnknownWire) as error:
        yield Finding(WRONG, name, str(error), getattr(error, "hint", "") or "Update shipper.")
        return
    yield from findings.spool(name, spool, mode, why)
    endpoint = spool.manifest.endpoint
    if mode != ON:
        yield Finding(NOTE, name, f"{endpoint} was not asked: nothing may be sent")
    elif endpoint.startswith(("http:", "https:")):
        yield _answer(name, endpoint, now)


def _answer(name: str, endpoint: str, now: float) -> Finding:
    """Ask the endpoint whether it answers at all: no event, no id and no token goes with it."""
    with Transport(endpoint) as transport:
        reply = transport.send(Request("GET", "/", (), b"", gzip=False), ANSWER_SECONDS, lambda: True)
    if isinstance(reply, Unreachable):
        todo = MEANINGS.get(reply.cause, MEANINGS[reply.kind])
        return Finding(WRONG, name, f"{endpoint} does not answer: {reply.detail}", todo[0].upper() + todo[1:] + ".")
    skew = _skew(reply, now)
    if abs(skew) > findings.CLOCK_SLACK:
        text = f"{endpoint} answers, and its clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
        return Finding(WRONG, name, text, "Set this machine's clock, unless it is the receiver's that is wrong.")
    return Finding(OK, name, f"{endpoint} answers ({reply.status})")


def _skew(reply: Reply, now: float) -> float:
    try:
        return email.utils.parsedate_to_datetime(reply.header("date")).timestamp() - now
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _daemon(environ: Mapping[str, str]) -> bool:
    try:
        with open_state(environ) as state:
            return listening(state)
    except OSError:
        return False
