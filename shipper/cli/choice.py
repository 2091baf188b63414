"""`shipper on`, `local`, `off`: a person's choice, for one app or for all."""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress

from shipper import files
from shipper.choices.saving import save_choice
from shipper.cli.spools import known_apps, open_spool, spool_names, valid_app
from shipper.cli.terminal import EXIT_BUSY, count, say
from shipper.errors import BadCall, Busy
from shipper.recording import consent
from shipper.recording.folder import Folder, open_config
from shipper.recording.modes import ALL, LOCAL, OFF, ON
from shipper.recording.names import valid_name
from shipper.spool.manifest import DamagedManifest

HELP = {
    ON: "let events be sent",
    LOCAL: "keep events on this machine",
    OFF: "record nothing, and erase what is pending",
}


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the three commands."""
    for mode, text in HELP.items():
        parser = subparsers.add_parser(mode, help=text, description=f"{text[0].upper()}{text[1:]}: one app's, or all.")
        parser.add_argument("app", nargs="?", help="only this app; without it all apps, also those not yet seen")
        if mode == ON:
            parser.add_argument("--with-held", action="store_true", help="send also what was recorded before")


def run(args: argparse.Namespace) -> int:
    """Save the choice and do to what is pending what follows from it. Say on stderr what was done."""
    # An empty name is a script's unset variable, and must not mean everybody.
    if args.app is not None and not valid_app(args.app):
        raise BadCall(f"{args.app!r} cannot be the name of an app", "`shipper status` lists the apps known here.")
    environ, name, now = os.environ, args.app or ALL, time.time()
    with open_config(environ, create=True) as config:
        if consent.read_choice(config, name)[0] == OFF and args.command != OFF:
            # S6: whatever a writer still brought in under `off` must not be there when something may leave again.
            left = sum(_erase(environ, spool)[1] for spool in _spools(environ, args.app))
            if left:
                say(
                    f"still off: {count(left, 'event')} could not be erased: another process holds the lock. Try again."
                )
                return 1
        # Saved before any spool is looked at: a choice holds even where a spool cannot be reached.
        save_choice(config, name, args.command, _by(), int(now * 1000))
        try:
            spools = _spools(environ, args.app)
        except OSError:
            say(f"{args.app or 'all apps'}: {args.command} is saved, but what is pending could not be reached")
            raise
        say(f"{args.app or 'all apps'}: {args.command}{'' if spools else MEANING[args.command]}")
        if args.app and not spools:
            say(f"  nothing called {args.app} has recorded here; the choice holds if it ever does")
            present = spool_names(environ)
            say("  " + known_apps(args.app, present) if present else "  Nothing at all has been recorded here yet.")
        for line in _above(config, args.app, args.command):
            say(f"  {line}")
        return max([_reach(environ, config, spool, args, now) for spool in spools], default=0)


MEANING = {
    ON: ". Events may be sent.",
    LOCAL: ". Events are recorded and stay on this machine.",
    OFF: ". Nothing is recorded.",
}


def _reach(environ: Mapping[str, str], config: Folder, name: str, args: argparse.Namespace, now: float) -> int:
    """_follow(), for each spool by itself: what is wrong with one keeps no other from what was chosen."""
    try:
        return _follow(environ, config, name, args, now)
    except OSError as error:
        say(f"  {name}: could not be reached: {error.strerror}; `shipper doctor` says what is in the way")
        return EXIT_BUSY if isinstance(error, Busy) else 1


def _spools(environ: Mapping[str, str], app: str) -> list[str]:
    return spool_names(environ, [app] if app else [], must=False)


def _by() -> str:
    """By whose command a choice was made: `shipper`, or the tool that offers the same."""
    name = os.path.basename(sys.argv[0])
    return name if valid_name(name) and not name.endswith(".py") else "shipper"


def _above(config: Folder, app: str, mode: str) -> Iterator[str]:
    """Other choices that stand above the one just made."""
    if app and mode != OFF and consent.read_choice(config, ALL)[0] == OFF:
        yield "but all apps are off, and that stands above it: `shipper on` ends that"
    if not app:
        for file in sorted(files.names(config)):
            own = file.removesuffix(".mode")
            found = consent.read_choice(config, own)[0] if valid_app(own) and own != file else ""
            if found not in ("", mode) and mode != OFF:
                yield f"{own} has a choice of its own: {found}"


def _follow(environ: Mapping[str, str], config: Folder, name: str, args: argparse.Namespace, now: float) -> int:
    """Bring one spool in line with all that was ever chosen, and say what became of its events."""
    # There is a saved choice, so no policy speaks; and what this shell's environment says is not lasting.
    app = name.partition("@")[0]
    mode = consent.decide_here(None, {}, config, (app, "opt-in", "", OFF), consent.read_others(app))[0]
    with open_spool(environ, name) as spool:
        if mode == OFF:
            gone, left = _erase(environ, name)
            if left:
                say(
                    f"  {name}: {count(left, 'event')} still here: another process holds the lock. Run `shipper off` again."
                )
                return 1
            say(f"  {name}: {count(gone, 'pending event')} erased")
        elif mode == LOCAL:
            waiting = spool.counts().events
            spool.hold_back(now)
            say(f"  {name}: {count(waiting, 'event')} held back here")
        else:
            held, goes = spool.counts().held, getattr(args, "with_held", False)
            if goes:
                spool.let_go(now)
                spool.schedule(0, int(now))  # due: the next command of the app starts a pass, or the daemon does
            if held:
                stay = f"stay here: `shipper on {app} --with-held` sends them too"
                say(f"  {name}: {count(held, 'event')} recorded before {'may go too' if goes else stay}")
        with suppress(DamagedManifest):  # without one nothing is sent, and `status` says so
            decided, why = spool.manifest.decide(environ)
            if decided != mode:
                say(f"  {name}: is {decided} all the same: {why}")
    return 0


def _erase(environ: Mapping[str, str], name: str) -> tuple[int, int]:
    """Empty a spool; return how many events went and how many are left because its lock was not had."""
    with open_spool(environ, name) as spool:
        held = spool.counts()
        total = held.events + held.held + held.quarantined
        try:
            spool.purge()
        except Busy:
            return 0, total
        return total, 0
