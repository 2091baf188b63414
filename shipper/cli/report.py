"""`shipper report`: the answers in the terminal, from a receiver that runs or from a store."""

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from shipper.cli.collect import DATA
from shipper.cli.public_page import check_public, public_html
from shipper.collector.answers.answer import Report, ask
from shipper.collector.answers.declared import Declared, declared_for, read_declared
from shipper.collector.answers.documents import as_json, from_json
from shipper.collector.answers.files import as_csv, write_parquet
from shipper.collector.answers.filters import CI, BadFilter, feature_of, window_of
from shipper.collector.answers.public import LEAST
from shipper.collector.answers.text import BLOCKS, as_text
from shipper.collector.stores.addresses import EXAMPLES, read_store
from shipper.errors import BadCall, ShipperError

#: Seconds that a receiver may take for its answers: over 1e9 events a cluster may read for a minute.
RECEIVER_SECONDS = 120.0
#: Bytes of what a receiver answers: its tables have bounds, so more is no receiver.
MAX_ANSWERS = 64 * 1024 * 1024
#: Characters of a line where the terminal's width is not known, and the fewest that a table fits into.
WIDTH, NARROWEST = 100, 40


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "report",
        help="show the answers",
        description="Show the answers in the terminal: from a running receiver (--from) or from a store.",
    )
    parser.add_argument("app", metavar="APP", nargs="?", default="", help="default: the first app by name")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--from", dest="receiver", metavar="URL", help="a running receiver, http://HOST:PORT")
    source.add_argument("--data", metavar="DIR", help=f"the embedded store's folder, default {DATA}")
    source.add_argument("--store", metavar="URL", help=EXAMPLES)
    parser.add_argument("--token-file", metavar="FILE", help="with --from: a file with the receiver's read token")
    parser.add_argument("--days", metavar="N", default="", help="the last N days, default 30")
    parser.add_argument("--since", metavar="DAY", default="", help="from this day on, 2026-11-23")
    parser.add_argument("--until", metavar="DAY", default="", help="up to this day, default today (UTC)")
    parser.add_argument("--version", metavar="VERSION", action="append", default=[], help="only this; again for more")
    parser.add_argument("--ci", choices=CI, default=CI[0], help="CI runs too, none of them, or only them")
    parser.add_argument(
        "--catalog", metavar="FILE", help="the app's telemetry.toml or app.json: its own words, and nothing undeclared"
    )
    parser.add_argument(
        "--uses", metavar="EVENT.FIELD=VALUE", default="", help="who still uses it? command.command=build"
    )
    parser.add_argument(
        "--question", metavar="KEY", action="append", default=[], help="only this one; again for more; --json names all"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything, for scripts")
    form.add_argument("--csv", action="store_true", help="one --question as its table; several one value a line")
    form.add_argument("--parquet", metavar="DIR", help="a file for each question; needs event-shipper[parquet]")
    form.add_argument("--html", metavar="FILE", help="write a page that is one file and needs no network")
    parser.add_argument(
        "--public", action="store_true", help="with --html: a page for everybody, on which no number stands for a few"
    )
    parser.add_argument(
        "--least",
        metavar="N",
        type=int,
        help=f"with --public: installations of a number, default {LEAST}",
    )


def run(args: argparse.Namespace) -> int:
    """Print the answers, or write them to a file, and return 0."""
    given = _filters(args)
    _check(args)
    if args.public:
        check_public(args)
        declared = read_declared(args.catalog) if args.catalog else None
        app = args.app or (declared.app if declared else "")
        args.store = args.store or f"sqlite:{args.data or DATA}"
        _write(args.html, public_html(args, given, _declared(args, declared, app)))
        return 0
    report = _from_receiver(args, given) if args.receiver else _from_store(args, given)
    report = _only(report, args.question)
    if args.json:
        print(json.dumps(as_json(report), indent=1))
    elif args.csv:
        print(as_csv(report.answers), end="")
    elif args.parquet:
        for name in write_parquet(args.parquet, report.answers):
            print(f"written to {os.path.join(args.parquet, name)}", file=sys.stderr)
    elif args.html:
        from shipper.collector.page.html import whole

        _write(args.html, whole(report))
    else:
        width = shutil.get_terminal_size((WIDTH, 0)).columns
        print(as_text(report, max(NARROWEST, width), _fine_bars()))
    return 0


def _check(args: argparse.Namespace) -> None:
    """Refuse options that nobody would hear."""
    if args.receiver and args.catalog:
        raise BadCall(
            "--from shows what the receiver's own catalog declares", "Start it with --catalog, and leave it out here."
        )
    if args.token_file and not args.receiver:
        raise BadCall("--token-file is for a receiver: --from URL")
    if args.least is not None and not args.public:
        raise BadCall("--least is for a page for everybody: --public --html FILE")


def _only(report: Report, wanted: Sequence[str]) -> Report:
    """The report with the wanted answers only, all of them for none."""
    keys = [answer.question.key for answer in report.answers]
    if unknown := [key for key in wanted if key not in keys]:
        raise BadCall(f"{report.window.app} has no question {unknown[0]}", f"There are: {', '.join(keys)}")
    return replace(report, answers=[each for each in report.answers if not wanted or each.question.key in wanted])


def _filters(args: argparse.Namespace) -> dict[str, list[str]]:
    one = {"app": args.app, "days": args.days, "since": args.since, "until": args.until, "ci": args.ci}
    one |= {"uses": args.uses}
    return {name: [value] for name, value in one.items() if value} | {"version": args.version}


def _from_store(args: argparse.Namespace, given: Mapping[str, Sequence[str]]) -> Report:
    declared = read_declared(args.catalog) if args.catalog else None
    store = read_store(args.store or f"sqlite:{args.data or DATA}")
    try:
        apps, today = store.apps(), int(time.time()) // 86_400
        window = window_of(given, [declared.app] if declared else apps, today)
        if window.app not in apps:
            raise ShipperError(
                f"no event of {window.app} is here" if window.app else "no event has come in yet",
                f"Here are: {', '.join(apps)}" if apps else "Let an app send to the receiver first.",
            )
        return ask(store, window, today, _declared(args, declared, window.app), feature_of(given))
    except BadFilter as bad:
        raise BadCall(str(bad)) from None
    finally:
        store.close()


def _declared(args: argparse.Namespace, declared: Declared | None, app: str) -> Declared | None:
    """What the app declares: as the given catalog says, or as a receiver learned it from senders."""
    if declared and declared.app != app:
        raise BadCall(f"{args.catalog} declares {declared.app}, not {app}")
    return declared or declared_for(args.data or DATA, app)


def _from_receiver(args: argparse.Namespace, given: Mapping[str, Sequence[str]]) -> Report:
    import httpx

    headers = {"Authorization": f"Bearer {_token(args.token_file)}"} if args.token_file else {}
    url = args.receiver.rstrip("/") + "/answers.json"
    if headers and not _private(url):
        raise BadCall(
            "a token is not sent over plain http to another machine", "Name the receiver by its https address."
        )
    try:
        reply = httpx.get(url, params=dict(given), headers=headers, timeout=RECEIVER_SECONDS)
        if len(reply.content) > MAX_ANSWERS:
            raise ValueError
        document = reply.json()
        if reply.status_code != 200:
            said = "".join(letter if letter.isprintable() else "?" for letter in str(document["error"])[:300])
            raise ShipperError(f"the receiver says {reply.status_code}: {said}")
        window = window_of(
            {name: [document["window"][name]] for name in ("app", "since", "until", "ci")}
            | {"version": document["window"]["versions"]},
            (), 0,
        )  # fmt: skip
        return from_json(document, window)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ShipperError(f"{args.receiver} does not answer: {error}", "Is that the receiver's address?") from None
    except (ValueError, KeyError, TypeError):
        raise ShipperError(f"{args.receiver} is no receiver of shipper", "Look at the address.") from None


def _private(url: str) -> bool:
    """Whether nobody on the way can read what is sent: it is https, or does not leave this machine."""
    place = urlsplit(url)
    return place.scheme == "https" or place.hostname in ("localhost", "127.0.0.1", "::1")


def _token(path: str) -> str:
    """The first token that may read, else the first: a file with one bare token is fine here."""
    try:
        with open(path, encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise BadCall(f"the token file {path} can be read by others", f"chmod 600 {path}")
            lines = [line.split() for line in file.read(64 * 1024).splitlines() if line.strip() and line[0] != "#"]
    except (OSError, ValueError) as error:
        raise BadCall(f"the token file {path} cannot be read: {error}") from None
    if not lines:
        raise BadCall(f"the token file {path} has no token")
    return next((words[1] for words in lines if len(words) > 1 and words[0] == "read"), lines[0][-1])


def _write(path: str, page: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(page)
    except OSError as error:
        raise ShipperError(f"{path} cannot be written: {error.strerror}") from None
    print(f"written to {os.path.abspath(path)}", file=sys.stderr)


def _fine_bars() -> bool:
    """Whether what is printed can hold more than ASCII."""
    try:
        BLOCKS.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
