"""One line to instrument a CLI: `telemetry.instrument(cli)`.

click, typer and argparse are recognised when the host has loaded them, and are never imported otherwise. Each of them
is hooked where it parses a command line, on the host's own objects and nowhere else: its classes, `sys.modules` and
everybody else's programs stay as they are. A command runs with no frame of ours below it or above it, so tracebacks,
exit codes and signals are the host's own.

    click      groups: nested, lazy, chained, with aliases; typer builds on it
    argparse   parsers and their subparsers, recorded when the process ends
    function   a decorator for everything else: functions, generators, coroutines
    group      `<cli> telemetry status|on|local|off|show|flush|forget`, as data
    framework_groups  the same as click and typer commands
    frames     what keeps us out of other people's tracebacks

What all of them need stands in this file: our flags on a command line, a command's name, what is said at its end.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from typing import Any

    from shipper.app import App, Command

#: What a person says of telemetry, anywhere on a command line: `--telemetry=true|false` or `--no-telemetry`.
OPTION, NEGATIVE = "--telemetry", "--no-telemetry"
#: The command under which an instrumented CLI offers its group.
GROUP = "telemetry"
_YES = ("true", "1", "on", "yes")
#: What stands between the names of a command's groups and its own: `db.migrate`.
BETWEEN = "."


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


def take_flags(arguments: "Sequence[str]", taken: "Collection[str]" = ()) -> "tuple[list[str], str | None]":
    """Return the arguments without our flags, and "off" if one of them says so.

    `--telemetry=true` is only the absence of "off"; a value that cannot be read means off. Options in taken are the
    host's own and stay, as does all that follows `--`.
    """
    kept: list[str] = []
    off = False
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            return [*kept, word, *rest], "off" if off else None
        if name in taken or name not in (OPTION, NEGATIVE) or (name == NEGATIVE and equals):
            kept.append(word)
        elif name == NEGATIVE:
            off = True
        else:
            if not equals:
                value = rest.pop(0) if rest and rest[0] in ("true", "false") else "true"
            off = off or value.lower() not in _YES
    return kept, "off" if off else None


def named(app: "App", path: "Iterable[str]") -> "str":
    """The name under which a command is recorded, from the declared names on the way to it.

    A CLI that did its work without a subcommand goes by the app's name where the catalog declares that, else "other".
    """
    name = BETWEEN.join(path)
    if name:
        return name
    declared = app.events.get("command")
    field = declared.fields.get("command") if declared else None
    return app.name if field is not None and app.name in field.detail else "other"


def declared_options(app: "App") -> "Collection[str]":
    """The options that the catalog asks about: fields of the event `command` that are named like options."""
    declared = app.events.get("command")
    return [field for field in declared.fields if field.startswith("-")] if declared else ()


def end(command: "Command", name: "str", outcome: "str", exit_code: "int", error: "BaseException | None") -> None:
    """Record a command, unless this is a forked child: its parent records it (S13)."""
    if command.process == os.getpid():
        command.name, command.outcome, command.exit_code = name, outcome, exit_code
        command.end(error)


def quietly(work: "Callable[..., Any]", *given: "Any") -> "Any":
    """Call work and return what it returns, or None where it fails: a host never fails because we do.

    Under SHIPPER_STRICT=1, in the app's tests, what is wrong with a recorded value is raised all the same.
    """
    try:
        return work(*given)
    except Exception as error:
        from shipper.errors import BadValue

        if isinstance(error, BadValue):
            raise
        return None
