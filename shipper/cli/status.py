"""`shipper status`: what holds for each app, what waits, how the last passes went and what happens next."""

import argparse
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from shipper import files
from shipper.choices import INVITED
from shipper.cli.spools import open_spool, spool_names
from shipper.cli.terminal import count, say, size, write
from shipper.delivery.journal import Journal, trusted
from shipper.delivery.messages import explain_failure
from shipper.delivery.policy import DEFERRED_DAYS
from shipper.durations import span
from shipper.recording import automation, consent
from shipper.recording.due import read_due
from shipper.recording.folder import Folder, open_config, open_state
from shipper.recording.modes import ALL, MACHINE, ON
from shipper.spool import Spool
from shipper.spool.holding import held_because
from shipper.spool.manifest import DamagedManifest
from shipper.spool.segments import names_in
from shipper.wakeup.doorbell import listening
from shipper.wires import called, proves


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "status",
        help="what holds for each app, what waits, what happens next",
        description="Say for each app what is done with its events and why, what waits, and how sending goes.",
    )
    parser.add_argument("app", nargs="?", help="only this app")
    parser.add_argument("--why", action="store_true", help="every rule that could have decided, in order")
    parser.add_argument("--json", action="store_true", help="one JSON array, for scripts")


def run(args: argparse.Namespace) -> int:
    """Print the state of each spool. One that cannot be read is named, and the exit code is 1."""
    now, found, damaged = time.time(), [], []
    names = spool_names(os.environ, [] if args.app is None else [args.app], must=not args.why)
    for name in names:
        try:
            with open_spool(os.environ, name) as spool:
                found.append(describe(os.environ, name, spool, now))
        except DamagedManifest as error:
            damaged.append(f"{name}: {error}; {error.hint}")
        except OSError as error:
            damaged.append(f"{name}: {error.strerror}; `shipper doctor` says what is in the way")
    if args.json:
        print(json.dumps(found, indent=2))
    else:
        for one in found:
            _print(one, now, args.why)
    for line in damaged:
        say(line)
    if not names:
        say("Nothing has been recorded here. `shipper doctor` says whether something is in the way.")
        for line in chosen(os.environ):
            say(f"  {line}")
    return 1 if damaged else 0


def _print(one: Mapping[str, Any], now: float, why: bool) -> None:
    for line in words(one, now) + (rules(os.environ, one) if why else []):
        write(line)


def chosen(environ: Mapping[str, str]) -> list[str]:
    """Every choice that was ever made here and still stands: for whom, what, when, by which tool."""
    try:
        with open_config(environ) as config:
            names = sorted(name.removesuffix(".mode") for name in files.names(config) if name.endswith(".mode"))
            choices = {name: consent.read_choice(config, name) for name in names}
    except FileNotFoundError:
        return []
    return [f"{'all apps' if name == ALL else name}: {' '.join(choice)}" for name, choice in choices.items()]


def describe(environ: Mapping[str, str], name: str, spool: Spool, now: float) -> dict[str, Any]:
    """All that `status` tells of one spool, as `--json` prints it. Times are Unix seconds, 0 is never."""
    manifest, counts = spool.manifest, spool.counts()
    mode, why = manifest.decide(environ)
    with open_state(environ) as state:
        daemon = listening(state)
    journal = trusted(Journal.from_json(spool.read_journal()), now)
    failure = explain_failure(journal, now)
    return {
        "spool": name,
        "app": manifest.app,
        "version": manifest.version,
        "endpoint": manifest.endpoint,
        "wire": called(manifest.wire, manifest.endpoint),
        "proves": proves(manifest.wire, manifest.endpoint),
        "mode": mode,
        "why": why,
        "policy": f"{manifest.policy}{manifest.policy_date and ' of ' + manifest.policy_date}, in CI {manifest.ci}",
        "pending": counts.events,
        "segments": counts.segments,
        "bytes": counts.bytes,
        "held": counts.held,
        "held_because": held_because(spool.folder),
        "deferred": counts.deferred,
        "quarantined": counts.quarantined,
        "lost": dict(counts.lost),
        "erasures": len(names_in(spool.folder, "deletions")),
        "last_success": journal.success,
        "failures": journal.failures,
        "last_error": None if failure is None else {**failure.to_json(), "line": failure.line},
        "not_before": journal.not_before,
        "next_due": read_due(spool.folder)[1],
        "daemon": daemon,
    }


def words(one: Mapping[str, Any], now: float) -> list[str]:
    """The state of one spool, for people."""
    lines = [f"{one['spool']} {one['version']}: {one['mode']} ({one['why']})"]
    sealed = f", {size(one['bytes'])} of them sealed" if one["bytes"] else ""
    lines.append(f"  pending       {count(one['pending'], 'event')}{sealed}")
    if one["held"]:
        because = f" ({one['held_because']})" if one["held_because"] else ""
        release = f"shipper on {one['app']} --with-held"
        lines.append(f"  held          {count(one['held'], 'event')} stay here{because} until `{release}`")
    trusting = "" if one["proves"] else f", whose status code is trusted: wire {one['wire']} names no event it took"
    lines.append(f"  sent to       {one['endpoint']}{trusting}")
    lines.append(f"  last success  {_ago(one['last_success'], now)}")
    if one["last_error"]:
        row = f", {one['failures']} in a row" if one["failures"] > 1 else ""
        lines.append(f"  last error    {_ago(one['last_error']['time'], now)}{row}: {one['last_error']['line']}")
    if one["pending"] and one["mode"] == ON:
        lines.append(f"  next try      {_next(one, now)}")
    if one["deferred"]:
        lines.append(
            f"  deferred      {count(one['deferred'], 'event')} newer than the receiver: tried once a day, for"
            f" {DEFERRED_DAYS} days"
        )
    if one["quarantined"]:
        lines.append(
            f"  quarantine    {count(one['quarantined'], 'entry', 'entries')}: `shipper show --quarantine`,"
            f" `shipper retry {one['app']}`"
        )
    if one["lost"]:
        told = ", ".join(f"{number:,} {reason}" for reason, number in sorted(one["lost"].items()))
        lines.append(f"  lost          {told}; the receiver is told with the next delivery")
    if one["erasures"]:
        lines.append(
            f"  erasure       {count(one['erasures'], 'request')} not confirmed yet: `shipper flush {one['app']}`"
        )
    return lines


def _next(one: Mapping[str, Any], now: float) -> str:
    due = max(one["not_before"], one["next_due"])
    when = f"in {span(due - now)}" if due > now else "now"
    who = "the daemon" if one["daemon"] else f"the next {one['app']} command"
    return f"{when}, by {who}; or at once: `shipper flush {one['app']}`"


def _ago(when: float, now: float) -> str:
    return f"{span(now - when)} ago" if when else "never"


def rules(environ: Mapping[str, str], one: Mapping[str, Any]) -> list[str]:
    """Every rule of consent in its order, what it says here, and which one decided; every variable that has a part in it."""
    app, variable = one["app"], consent.variable(one["app"])
    try:
        with open_config(environ) as config:
            everywhere, own = consent.read_choice(config, ALL), consent.read_choice(config, app)
            notice, person = consent.read_notice(config, app), _person(environ, config, one["spool"])
    except FileNotFoundError:
        everywhere, own, notice, person = ("", "", ""), ("", "", ""), "", _person(environ, None, one["spool"])
    table = (
        ("DO_NOT_TRACK", environ.get("DO_NOT_TRACK") or "not set"),
        (variable, environ.get(variable) or "not set"),
        ("choice for all apps", " ".join(everywhere).strip() or "none"),
        (f"choice for {app}", " ".join(own).strip() or "none"),
        (MACHINE, consent.read_machine(app) or "says nothing"),
        (consent.REPOSITORY, _repository(app)),
        ("CI", automation.in_ci(environ) or "no"),
        ("policy", one["policy"]),
        ("notice shown", {"": "no", "-": "yes"}.get(notice, notice)),
        ("decided by", one["why"]),
        ("question asked", _asked(environ, app)),
        ("id", person),
        ("coding agent", automation.agent(environ) or "no"),
        *((name, "set") for name in sorted(environ) if _has_a_part(name, variable)),
        *((name, environ[name]) for name in ("SHIPPER_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME") if environ.get(name)),
        *(("receiver", f"{found}, in {MACHINE}") for found in [consent.read_machine_endpoint(app)] if found),
    )
    return [f"    {name:28}{says}" for name, says in table]


def _asked(environ: Mapping[str, str], app: str) -> str:
    with suppress(OSError), open_config(environ) as config:
        return consent.read_line(config, app + INVITED) or "no"
    return "no"


def _has_a_part(name: str, variable: str) -> bool:
    return name in (variable + "_ENDPOINT", variable + "_TOKEN", variable + "_DEBUG", "SHIPPER_SPAWN")


def _repository(app: str) -> str:
    found = consent.read_repository(app)
    return f"{found}, {', '.join(consent.repository_files())}" if found else "says nothing"


def _person(environ: Mapping[str, str], config: Folder | None, spool: str) -> str:
    """What stands for the person in an event, and why nothing does."""
    sign = automation.in_ci(environ) or automation.one_run_home(environ)
    if sign:
        return f"left out: {sign} shows CI or a home for one run"
    try:
        return consent.read_identity(config, spool) or "made with the first event"
    except OSError:
        return "cannot be read, so nothing is recorded: see `shipper doctor`"
