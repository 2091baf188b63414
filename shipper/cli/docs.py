"""`shipper docs`: the public page "what is collected", generated from the declaration that the code enforces."""

import argparse
import difflib
import json
import sys
from collections.abc import Callable, Mapping

from shipper import App, Event
from shipper.catalog.comparison import compare
from shipper.catalog.declaration import load, load_object
from shipper.catalog.schema import load_catalog
from shipper.cli.terminal import count, say, write
from shipper.errors import BadCall, DeclarationError, ShipperError
from shipper.integrations.names import fill_names
from shipper.privacy.line_schema import json_schema
from shipper.privacy.page import as_html, as_markdown, events_as_markdown

BEGIN, END = "<!-- shipper docs -->\n", "<!-- /shipper docs -->\n"
"""In a page of the author's own, --check compares what stands between these two lines: the part on the events."""

CHANGES = 40
"""Lines of difference shown by --check: enough to see what was forgotten."""

EXIT_DRIFTED = 1


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "docs",
        help='print the public page "what is collected"',
        description="Print what an app collects, for its users: Markdown, or another form. It is made from the "
        "declaration that the code enforces, so that it cannot promise anything else.",
    )
    parser.add_argument("target", nargs="?", metavar="telemetry.toml|MODULE:APP", help="where the app is declared")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--html", action="store_true", help="one HTML page that loads nothing from elsewhere")
    form.add_argument("--events", action="store_true", help="only the events, as Markdown, for a page of your own")
    form.add_argument("--json-schema", action="store_true", help="the JSON Schema of the app's event lines")
    parser.add_argument("--check", metavar="FILE", help="print nothing; exit 1 when FILE is not what would be printed")
    parser.add_argument(
        "--released",
        metavar="OLD",
        help="with --check: exit 1 also when what is new since the release OLD is not dated",
    )
    parser.add_argument(
        "--diff",
        nargs=2,
        metavar=("OLD", "NEW"),
        help="say what NEW adds, widens, narrows or removes; exit 1 if undated",
    )


def run(args: argparse.Namespace) -> int:
    """Print the page, compare it with a file, or compare the declarations of two releases."""
    if args.diff:
        return compare_releases(args.diff[0], args.diff[1], write)
    if not args.target:
        raise BadCall("say where the app is declared", "example: shipper docs telemetry.toml")
    app = _load_instrumented(args.target) if ":" in args.target else load(args.target)
    if not args.check:
        sys.stdout.write(_writer(args, "")(app))
        return 0
    undated = compare_releases(args.released, args.target, say) if args.released else 0
    return max(undated, _check(args, app))


def compare_releases(old: str, new: str, tell: Callable[[str], None]) -> int:
    """Say what a release changes, and return the exit code: 1 where it adds or widens something without dating it."""
    changes = compare(_catalog(old), _catalog(new))
    for change in changes:
        tell(f"{change.kind:8} {change.where}: {change.text}" + (f"\n         {change.fault}" if change.fault else ""))
    if not changes:
        tell("nothing changes")
    faults = sum(change.fault != "" for change in changes)
    if faults:
        say(f"{count(faults, 'change')} not dated: a choice that was made before does not cover what came after")
    return EXIT_DRIFTED if faults else 0


def _catalog(place: str) -> Mapping[str, Event]:
    """The events of a declaration, a manifest (app.json) or an App object."""
    return _load_instrumented(place).events if ":" in place else load_catalog(place)[1]


def _load_instrumented(place: str) -> App:
    """Load an App object, its commands named from the tree of the program that it instruments.

    Raises DeclarationError where the tree has commands that are made only when they are asked for and that nobody named:
    a program that runs would not know them, and record "other".
    """
    app = load_object(place)
    declared = app.events.get("command")
    asking = declared is not None and any(kind.from_tree for kind in declared.fields.values())
    if asking and not app.programs:
        raise DeclarationError(
            f"{place}: nothing is instrumented once its module is imported, so the commands' names are not known",
            "name the module that instruments the program, and that imports the app: shipper docs mytool.cli:telemetry",
        )
    fill_names(app)
    unnamed = fill_names(app, whole=True)
    if unnamed:
        many = count(len(unnamed), "command")
        raise DeclarationError(
            f"{many} of {app.name} cannot be seen before somebody calls them: {', '.join(unnamed)}",
            f"name them: command_names({', '.join(repr(name) for name in unnamed)})",
        )
    return app


def _check(args: argparse.Namespace, app: App) -> int:
    there = _read(args.check)
    if BEGIN in there and END in there and not (args.html or args.json_schema):
        there, wanted = there.partition(BEGIN)[2].partition(END)[0].strip() + "\n", events_as_markdown(app)
    else:
        wanted = _writer(args, args.check)(app)
    if there == wanted:
        return 0
    changes = list(
        difflib.unified_diff(there.splitlines(), wanted.splitlines(), args.check, "generated", lineterm="", n=1)
    )
    for line in changes[:CHANGES]:
        say(line)
    say(f"{args.check} is not what {app.name} declares now. Write it again: shipper docs {args.target} > {args.check}")
    return EXIT_DRIFTED


def _writer(args: argparse.Namespace, file: str) -> Callable[[App], str]:
    if args.json_schema or file.endswith(".json"):
        return lambda app: json.dumps(json_schema(app), indent=2) + "\n"
    if args.html or file.endswith((".html", ".htm")):
        return as_html
    return events_as_markdown if args.events else as_markdown


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ShipperError(f"{path} cannot be read: {error}") from None
