"""One line to instrument a CLI: `telemetry.instrument(cli)`.

click, typer and argparse are recognised when the host has loaded them, and are never imported otherwise. Each of them is
hooked on the host's own objects and nowhere else: its classes, `sys.modules`, `sys.exit` and everybody else's programs stay
as they are. A command runs with no frame of ours below it or above it, so tracebacks, exit codes and signals are the
host's own.

    click        commands and groups: hooked is where a command parses, where a group finds one, and its context's end
    typer        its commands are click's, made anew at each call
    argparse     a parser: it knows names and words, the decorated main function knows the end
    function     a decorator: main functions, and functions, generators and coroutines that do one command's work
    telemetry_options   `--no-telemetry` and `--telemetry=...`: which words are ours, and whether they say off
    click_command_line, argparse_command_line   taking our options and our group off a command line
    ends         how a command ended where that is not obvious
    group        `<cli> telemetry status|on|local|off|show|flush|retry|forget`, as data
    framework_groups, argparse_group   the same as commands of the host's framework
    help         our lines in the host's --help
    names        the names of a tree's commands; argparse_tree is how a parser holds them
    failures     what keeps our failures out of the host
    tracebacks   what keeps us out of other people's tracebacks
    program      one instrumented program: it hears "off" before anything of the host parses
    examination  what of an app's programs is hooked, for `shipper doctor` and under SHIPPER_STRICT
"""

import os
import sys

from shipper.integrations.click import hook_tree
from shipper.integrations.program import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from shipper import App


def instrument(
    app: "App",
    cli: "Any",
    group: "str | None" = "",
    prog: "str" = "",
    ok: "Collection[int]" = (0,),
    usage: "Collection[int]" = (),
) -> "Any":
    """Measure every command of cli, and return what takes its place: cli itself, or a decorated function.

    Raises DeclarationError for what is no click command, typer app, argparse parser or function; under SHIPPER_STRICT=1
    also where nothing could be recorded, and what nothing came of in a process is then said on stderr at its end.
    """
    program, measured = Program(app, cli, group, prog, (ok, usage)), cli
    if _is(cli, "typer", "Typer"):
        from shipper.integrations.typer import hook_app

        hook_app(program, cli)
    elif _is(cli, "click", "Command") or _is(cli, "click", "BaseCommand") or _is(cli, "typer.core", "TyperGroup"):
        hook_tree(program, cli)
    elif _is(cli, "argparse", "ArgumentParser"):
        from shipper.integrations.argparse import hook_parser

        hook_parser(program, cli)
    elif hasattr(cli, "__code__"):
        from shipper.integrations.function import main_function

        measured = main_function(program, cli)
    else:
        from shipper.errors import DeclarationError

        raise DeclarationError(
            f"{type(cli).__name__} cannot be instrumented",
            "Give a click command, a typer app, an argparse parser or the program's main function: that one works with "
            "every framework. Or use `with telemetry.command(NAME):`.",
        )
    if app.invite_after and not app.programs and os.isatty(0):
        from shipper.integrations.inviting import invite_at_exit

        invite_at_exit(app)
    app.programs.append(program)
    if os.environ.get("SHIPPER_STRICT") == "1":
        from shipper.integrations.examination import watch

        watch(program)
    return measured


def _is(cli: "object", module: "str", name: "str") -> "bool":
    # An object of a class exists only where its module is loaded. BaseCommand is deprecated in newer click: the module's
    # own dictionary answers without a warning.
    cls = vars(sys.modules[module]).get(name) if module in sys.modules else None
    return isinstance(cls, type) and isinstance(cli, cls)
