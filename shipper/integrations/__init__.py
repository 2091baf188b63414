"""One line to instrument a CLI: `telemetry.instrument(cli)`.

click, typer and argparse are recognised when the host has loaded them, and are never imported otherwise. Each of them
is hooked where it parses a command line, on the host's own objects and nowhere else: its classes, `sys.modules` and
everybody else's programs stay as they are. A command runs with no frame of ours below it or above it, so tracebacks,
exit codes and signals are the host's own.

    run        what a person says of telemetry on a command line, and one command under way
    click      groups: nested, lazy, chained, with aliases; typer builds on it
    argparse   parsers and their subparsers, recorded when the process ends
    function   a decorator for everything else: functions, generators, coroutines
    group      `<cli> telemetry status|on|local|off|show|flush|forget`, as data
    frames     what keeps us out of other people's tracebacks
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shipper.app import App


def instrument(app: "App", cli: "Any") -> "Any":
    """Measure every command of cli, and return what takes its place: cli itself, or a decorated function.

    Raises DeclarationError for what is no click command, typer app, argparse parser or function.
    """
    if _is(cli, "typer", "Typer"):
        from shipper.integrations.typer import instrument as of_typer

        return of_typer(app, cli)
    if _is(cli, "click", "Command") or _is(cli, "click", "BaseCommand") or _is(cli, "typer.core", "TyperGroup"):
        from shipper.integrations.click import instrument as of_click

        return of_click(app, cli)
    if _is(cli, "argparse", "ArgumentParser"):
        from shipper.integrations.argparse import instrument as of_argparse

        return of_argparse(app, cli)
    if callable(cli) and hasattr(cli, "__code__"):
        from shipper.integrations.function import main_function

        return main_function(app, cli)
    from shipper.errors import DeclarationError

    raise DeclarationError(
        f"{type(cli).__name__} cannot be instrumented",
        "Give a click command, a typer app, an argparse parser or a function, or use `with telemetry.command(NAME):`.",
    )


def _is(cli: "object", module: "str", name: "str") -> "bool":
    # An object of a class exists only where its module is loaded. BaseCommand is deprecated in newer click: the module's
    # own dictionary answers without a warning.
    kind = vars(sys.modules[module]).get(name) if module in sys.modules else None
    return isinstance(kind, type) and isinstance(cli, kind)
