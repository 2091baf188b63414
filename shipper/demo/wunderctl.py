"""A small command-line tool in the manner of WunderGraph's `wunderctl`, instrumented as any author would do it.

It keeps a project in one JSON file of the current folder: `init` makes it, `generate` writes a client for it, `up`
connects its data sources. All that telemetry adds are the declaration, one `with` and one line per fact.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence

from shipper import App, Event, error_class, milliseconds, one_of

SOURCES = ("postgres", "mysql", "mongodb", "rest", "graphql")
INTEGRATIONS = ("nextjs", "nuxt", "sveltekit", "remix")
CONNECTING = {"postgres": 0.012, "mysql": 0.018, "mongodb": 0.025, "rest": 0.004, "graphql": 0.008}
"""Seconds that connecting takes here: there is no database behind this tool, but its durations should differ."""
HANGING = 60.0
"""Seconds that a source which hangs keeps `up` waiting: long enough for somebody to lose patience."""

telemetry = App(
    "wunderctl",
    version=os.environ.get("WUNDERCTL_VERSION", "0.150.0"),
    endpoint=os.environ.get("WUNDERCTL_RECEIVER", "http://127.0.0.1:4319"),
    policy="opt-in",
    about="https://example.com/telemetry",
    retention_days=396,
    questions={
        "setup": {"from": "init", "to": "up", "reason": "A first project should run within minutes."},
        "start": {"steps": ["init", "generate", "up"], "reason": "Where people stop before a project runs."},
    },
    events=[
        Event(
            "command",
            "Which commands people use, how long they take, how they end.",
            owner="cli team",
            command=one_of("init", "generate", "up", reason="What is used most, and so polished first."),
            duration_ms=milliseconds(
                reason="How long commands take, and from the first init to the first up a set-up."
            ),
            outcome=one_of("ok", "error", "usage", "interrupted", reason="Where people fail, and where they give up."),
            error=error_class(reason="Which errors people meet, so that they can be repaired."),
        ),
        Event(
            "datasource",
            "Which data sources people connect.",
            owner="data team",
            kind=one_of(*SOURCES, reason="Which connectors deserve work."),
        ),
        Event(
            "integration",
            "Which frameworks people generate clients for.",
            owner="clients team",
            name=one_of(*INTEGRATIONS, reason="Which integrations must keep up with their framework."),
        ),
    ],
)


class ProjectMissing(Exception):
    """There is no project in this folder."""


class SourceUnreachable(Exception):
    """A data source does not answer."""


def init(folder: str, sources: Sequence[str]) -> None:
    """Make a project that connects `sources`."""
    with open(os.path.join(folder, "project.json"), "w", encoding="utf-8") as file:
        json.dump({"sources": list(sources)}, file)


def generate(folder: str, integration: str) -> None:
    """Write a typed client for `integration`."""
    sources = _sources(folder)
    telemetry.record("integration", name=integration)
    with open(os.path.join(folder, f"client.{integration}.ts"), "w", encoding="utf-8") as file:
        file.writelines(f"export const {name} = createClient('{name}');\n" for name in sources)


def up(folder: str, offline: str, hanging: str, as_json: bool) -> None:
    """Connect every data source; the one named `offline` is down, the one named `hanging` takes for ever."""
    names = _sources(folder)
    for name in names:
        telemetry.record("datasource", kind=name)
        if not as_json:
            print(f"connecting {name}", flush=True)
        time.sleep(HANGING if name == hanging else CONNECTING[name])
        if name == offline:
            raise SourceUnreachable(name)
    if as_json:
        print(json.dumps({"connected": names}))


def _sources(folder: str) -> list[str]:
    try:
        with open(os.path.join(folder, "project.json"), encoding="utf-8") as file:
            return list(json.load(file)["sources"])
    except FileNotFoundError:
        raise ProjectMissing(folder) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wunderctl", description="Build an API from your data sources.")
    parser.add_argument("--folder", default=".")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init").add_argument("sources", nargs="+", choices=SOURCES)
    commands.add_parser("generate").add_argument("integration", choices=INTEGRATIONS)
    start = commands.add_parser("up")
    start.add_argument("--json", action="store_true", help="print what was connected as JSON")
    start.add_argument("--offline", default="", choices=SOURCES, help="for the demonstration: this source is down")
    start.add_argument("--hanging", default="", choices=SOURCES, help="for the demonstration: this one never answers")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of the tool."""
    args = _parser().parse_args(arguments)
    try:
        with telemetry.command(args.command):
            if args.command == "init":
                init(args.folder, args.sources)
            elif args.command == "generate":
                generate(args.folder, args.integration)
            else:
                up(args.folder, args.offline, args.hanging, args.json)
    except (ProjectMissing, SourceUnreachable) as error:
        print(f"wunderctl: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
