"""`shipper export`: all that is known of a person, on this machine and at the receiver, as one JSON document."""

import argparse
import json
import os
from collections.abc import Mapping
from typing import Any

from shipper.choices.identity import former_identities, secret_of
from shipper.cli.spools import open_spool, spool_names, valid_app
from shipper.cli.terminal import count, say, write_lines
from shipper.delivery.outcome import Unreachable
from shipper.delivery.policy import SEND_SECONDS
from shipper.errors import BadCall
from shipper.recording.consent import read_identity
from shipper.recording.folder import open_config
from shipper.spool import Spool
from shipper.spool.manifest import DamagedManifest, Manifest
from shipper.wires import Carrier, TellingWire, UnknownWire, carrier, choose, telling
from shipper.wires.destination import destination
from shipper.wires.message import Destination

EXIT_NOT_ALL = 3
"""A receiver did not say what it keeps: as `flush` ends when something is left."""


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "export",
        help="print all that is known of you, here and at the receiver",
        description="Print as JSON what an app has recorded that is still here, what was sent, and what its receiver keeps "
        "under your id, which it tells to nobody else. The receiver is asked whatever the mode; no event is sent. "
        "Exit 0 when all of it is there, 3 when a receiver did not answer or keeps no such account.",
    )
    parser.add_argument("app", help="the app")


def run(args: argparse.Namespace) -> int:
    """Print the document on stdout, and on stderr what is missing in it."""
    if not valid_app(args.app):
        raise BadCall(f"{args.app!r} cannot be the name of an app", "`shipper status` lists the apps known here.")
    found, missing = [], False
    for name in spool_names(os.environ, [args.app]):
        with open_spool(os.environ, name) as spool:
            told = _here(spool)
            told["receiver"] = receiver = _there(os.environ, name, spool)
        missing = missing or "why" in receiver
        say(f"{name}: {count(len(told['pending']), 'event')} here, {_said(receiver)}")
        found.append(told)
    write_lines([json.dumps({"app": args.app, "spools": found}, indent=1).encode()])
    return EXIT_NOT_ALL if missing else 0


def _said(receiver: Mapping[str, Any]) -> str:
    return str(receiver["why"]) if "why" in receiver else f"{count(len(receiver['events']), 'event')} at the receiver"


def _here(spool: Spool) -> dict[str, Any]:
    refused = [{"reason": each.reason, "line": _text(each.raw)} for each in spool.quarantined()]
    lines = map(_text, spool.everything())
    return {"pending": list(lines), "set_aside": refused, "sent": list(spool.history())}


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace").rstrip("\n")


def _there(environ: Mapping[str, str], name: str, spool: Spool) -> dict[str, Any]:
    """What the receiver keeps under each id that this spool has had, or why that is not known."""
    try:
        manifest = spool.manifest
        wire = telling(choose(manifest.wire, manifest.endpoint))
    except (DamagedManifest, UnknownWire) as error:
        return {"why": f"its receiver is not known: {error}"}
    ids = _ids(environ, name)
    if not ids:
        return {"endpoint": manifest.endpoint, "ids": [], "events": []}
    if wire is None:
        whom = manifest.about or manifest.endpoint
        return {"endpoint": manifest.endpoint, "ids": list(ids), "why": f"ask {whom} what it keeps of these ids"}
    return _asked(wire, manifest, destination(environ, manifest, name), ids)


def _ids(environ: Mapping[str, str], name: str) -> dict[str, str]:
    """Each id of a spool with its secret, "" for one that was taken over."""
    try:
        with open_config(environ) as config:
            present = read_identity(config, name)
            ids = [*([present] if present else []), *former_identities(config, name).values()]
            return {person: secret_of(config, name, person) for person in ids}
    except FileNotFoundError:
        return {}


def _asked(wire: TellingWire, manifest: Manifest, about: Destination, ids: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"endpoint": manifest.endpoint, "ids": list(ids), "events": []}
    with carrier(manifest.endpoint, True) as transport:
        for person, secret in ids.items():
            after = ""
            while True:
                found = _some(wire, transport, person, secret, after, about)
                if isinstance(found, str):
                    return told | {"why": f"{manifest.endpoint} did not say what it keeps: {found}"}
                events, following = found
                told["events"] += events
                if not following or following <= after:  # a receiver that never ends is not asked for ever
                    break
                after = following
    return told


def _some(
    wire: TellingWire, transport: Carrier, person: str, secret: str, after: str, about: Destination
) -> tuple[list[dict[str, object]], str] | str:
    """Some events and where to go on, or in words why there are none."""
    reply = transport.send(wire.encode_access(person, secret, after, about), SEND_SECONDS, lambda: True)
    if isinstance(reply, Unreachable):
        return reply.detail or reply.cause
    found = wire.read_access(reply, person)
    return found if isinstance(found, tuple) else f"it answers {reply.status}"
