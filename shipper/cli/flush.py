"""`shipper flush`: a pass now, over the spools of the named apps or of all."""

import argparse
import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict

from shipper.cli.spools import open_spool, spool_names
from shipper.cli.terminal import Progress, count, say, write
from shipper.delivery.result import PassResult
from shipper.durations import span
from shipper.errors import Busy, ShipperError
from shipper.flusher import run_pass
from shipper.recording import consent
from shipper.wires import scheme

EXIT_LEFT = 3
"""Something is left: nobody answered, or the receiver did not take it, or another pass is at work."""

EXIT_FORBIDDEN = 5
"""Nothing was sent because consent forbids it."""

EXIT_REFUSED = 6
"""The receiver refused something, and it was set aside."""

#: Reasons that the line about refused events names; `shipper show --quarantine` has all.
MOST_REASONS = 3


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "flush",
        help="send what is pending now",
        description="Send what is pending now, whatever wait an earlier failure left behind.",
        epilog="Exit codes: 0 nothing is left, 3 something is left, 5 consent forbids it, 6 something was refused\n"
        "and set aside.",
    )
    parser.add_argument("app", nargs="*", help="only these apps")
    parser.add_argument("--json", action="store_true", help="print what each pass came to as one JSON array")


def run(args: argparse.Namespace) -> int:
    """Run a pass over each spool; one summary line on stdout, the reason of what is left on stderr."""
    begun = time.monotonic()
    results = {name: _flush(name) for name in spool_names(os.environ, args.app)}
    if args.json:
        print(json.dumps([{"spool": name, **asdict(result)} for name, result in results.items()], indent=2))
    else:
        # An app whose endpoint is `stdout:` has written its events there: nothing of ours may stand among them.
        tell = say if any(map(_on_stdout, results)) else write
        tell(summary(list(results.values()), time.monotonic() - begun))
        for name, result in results.items():
            for line in reasons(name, result):
                say(line)
    return exit_code(list(results.values()), bool(args.app))


def _flush(name: str) -> PassResult:
    """One pass. What stops it before it begins is a reason like any other: the next app has its turn all the same."""
    try:
        with Progress(name) as bar:
            return run_pass(name, environ=os.environ, by_hand=True, progress=bar.at if bar.shown else None)
    except Busy:
        why = "another pass is at work and has not ended in time; try again when it has"
    except ShipperError as error:
        why = f"{error}. {error.hint}" if error.hint else str(error)
    except OSError as error:
        why = f"{error.strerror or error}; `shipper doctor` says what is in the way"
    with open_spool(os.environ, name) as spool:
        return PassResult(left=spool.counts().events, why=why)


def _on_stdout(name: str) -> bool:
    with open_spool(os.environ, name) as spool, suppress(ShipperError):
        return scheme(spool.manifest.endpoint) == "stdout"
    return False


def summary(results: Sequence[PassResult], seconds: float) -> str:
    """What all passes came to, in one line."""
    delivered, duplicate = sum(one.delivered for one in results), sum(one.duplicate for one in results)
    quarantined, left = sum(one.quarantined for one in results), sum(one.left for one in results)
    if all(one.forbidden for one in results) and results:
        return f"nothing was sent, {count(left, 'event')} kept here" if left else "nothing was sent"
    if not delivered and not quarantined and not left and not sum(one.deferred for one in results):
        return "nothing to send"
    known = f" ({duplicate:,} of them known there already)" if duplicate else ""
    aside = f", {count(quarantined, 'event')} refused and set aside" if quarantined else ""
    deferred = sum(one.deferred for one in results)
    rest = (f", {left:,} left" if left else "") + (f", {deferred:,} deferred" if deferred else "")
    return f"{count(delivered, 'event')} delivered{known}{aside}{rest}, in {_duration(seconds)}"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else span(seconds)


def reasons(name: str, result: PassResult) -> list[str]:
    """Why something of this spool is left, and what to do about it, in lines for people."""
    if result.forbidden:
        return [f"{name}: nothing may leave: {result.forbidden}", *_remedy(name.partition("@")[0], result.forbidden)]
    said = [_refused(name, result)] if result.quarantined else []
    if result.left:
        said.append(f"{name}: {count(result.left, 'event')} left: {result.why}")
    if result.deferred:
        said.append(
            f"{name}: {count(result.deferred, 'event')} deferred by {result.endpoint}: {result.deferred_why};"
            " tried again in a day, or at once by this command"
        )
    if result.deletions:
        said.append(
            f"{name}: {count(result.deletions, 'request')} for erasure not confirmed yet; the receiver is asked again"
        )
    return said or ([f"{name}: {result.why}"] if result.why else [])


def _refused(name: str, result: PassResult) -> str:
    """What was refused, by whom, why, and what to do."""
    ranked = sorted(result.set_aside.items(), key=lambda each: -each[1])
    named = ", ".join(f"{why} ({number:,})" if len(ranked) > 1 else why for why, number in ranked[:MOST_REASONS])
    more = f" and {count(len(ranked) - MOST_REASONS, 'more reason')}" if len(ranked) > MOST_REASONS else ""
    return (
        f"{name}: {count(result.quarantined, 'event')} refused by {result.endpoint} and set aside: {named}{more};"
        f" when the receiver takes them: `shipper retry {name}`"
    )


def _remedy(app: str, rule: str) -> list[str]:
    """The command that lifts a rule of consent. What the environment says is lifted there, and needs no advice."""
    if rule == consent.BY_ALL_OFF:
        return ["  `shipper on` allows it for all apps"]
    if rule in (consent.BY_APP_OFF, consent.BY_APP, consent.BY_ALL, consent.BY_POLICY, consent.NOTICE_DUE):
        return [f"  `shipper on {app}` allows it"]
    return []


def exit_code(results: Sequence[PassResult], named: bool) -> int:
    """6 where something was refused; 3 where something is left that may leave; 5 where consent forbade all of it, or any
    app that was named.
    """
    if any(one.quarantined for one in results):
        return EXIT_REFUSED
    if any(one.left or one.deferred or one.deletions for one in results if not one.forbidden):
        return EXIT_LEFT
    forbidden = [bool(one.forbidden) for one in results]
    return EXIT_FORBIDDEN if forbidden and (any(forbidden) if named else all(forbidden)) else 0
