"""`shipper forget`: erase what is here, become somebody new, and ask the receiver to erase what it has."""

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from shipper import files
from shipper.cli.spools import known_apps, open_spool, spool_names, valid_app
from shipper.cli.terminal import count, say
from shipper.errors import BadCall, Busy, ShipperError
from shipper.flusher import run_pass
from shipper.privacy.forget import forget
from shipper.recording.modes import NONE
from shipper.spool.manifest import DamagedManifest
from shipper.spool.segments import names_in
from shipper.wires import UnknownWire, choose, deleting

EXIT_WAITS = 3
"""A request for erasure waits, or nobody can be asked: as `flush` ends when something is left."""


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "forget",
        help="erase everything of yours, here and at the receiver",
        description="Erase an app's pending events, take a new id, and ask the receiver to erase all that it has of the "
        "old one. The request waits until the receiver has confirmed it, whatever the mode, and is the only thing that "
        "is sent without consent. Exit 0 when it is confirmed or there was nothing to ask for, 3 while it waits.",
    )
    parser.add_argument("app", help="the app that is to forget you")


def run(args: argparse.Namespace) -> int:
    """Forget, then try at once to tell the receiver. Say on stderr what was done and what is left."""
    app, environ = args.app, os.environ
    if not valid_app(app):
        raise BadCall(f"{app!r} cannot be the name of an app", "`shipper status` lists the apps known here.")
    spools = spool_names(environ, [app], must=False)
    try:
        done = forget(environ, app, spools, time.time_ns() // 1_000_000)
    except Busy:
        raise ShipperError("somebody holds the spool's lock", f"Run `shipper forget {app}` again.") from None
    level = _levels(environ, spools)
    after = "no event has an id" if level == {NONE} else "the next one has a new id"
    say(f"{app}: {count(done.erased, 'event')} erased here; {after}")
    if not done.asking:
        for line in _nobody_to_ask(environ, app, bool(spools), done.sent, level == {NONE}):
            say(f"  {line}")
    return max([_ask(environ, name) for name in done.asking], default=0)


def _levels(environ: Mapping[str, str], spools: Sequence[str]) -> set[str]:
    """The levels of identity that an app's spools have."""
    found = set()
    for name in spools:
        with open_spool(environ, name) as spool, suppress(DamagedManifest):
            found.add(spool.manifest.identity)
    return found


def _nobody_to_ask(environ: Mapping[str, str], app: str, recorded: bool, sent: bool, unlinked: bool) -> list[str]:
    """Say why no receiver is asked to erase anything."""
    if sent and unlinked:
        return [
            "the receiver has nothing to erase: what was sent is linked to nobody, so it cannot tell yours from others'",
            "what stays here is the week in which this installation was last counted, so that it is not counted twice",
        ]
    if sent:
        return ["what was sent from here carried no id, so no receiver can tell it from what others sent"]
    if recorded:
        return ["nothing was ever sent from here, so there is nobody to ask"]
    return [f"nothing called {app} has recorded here", known_apps(app, spool_names(environ))]


def _ask(environ: Mapping[str, str], name: str) -> int:
    """Send a spool's requests now, and say how that went."""
    with open_spool(environ, name) as spool:
        try:
            manifest = spool.manifest
            able = deleting(choose(manifest.wire, manifest.endpoint)) is not None
        except (DamagedManifest, UnknownWire) as error:
            say(f"  the request waits, because {error}")
            return EXIT_WAITS
        if not able:
            whom = manifest.about or manifest.endpoint
            say(f"  {manifest.endpoint} takes no such request. Ask its operator, at {whom}, to erase these ids:")
            with spool.folder.folder("deletions") as waiting:
                for person in files.names(waiting):
                    say(f"    {person}")
                    files.remove(waiting, person)  # once said: there is nobody whom a pass could ask
            return EXIT_WAITS
        try:
            left = run_pass(name, environ=environ, by_hand=True).deletions
        except Busy:
            left = len(names_in(spool.folder, "deletions"))
        if not left:
            say(f"  {manifest.endpoint} has erased what it had; its receipt is in `shipper show --sent {manifest.app}`")
            return 0
        say(f"  {manifest.endpoint} has not confirmed yet. The request waits and is sent with the next pass;")
        say(f"  `shipper flush {manifest.app}` tries at once, `shipper status {manifest.app}` says what came back.")
        return EXIT_WAITS
