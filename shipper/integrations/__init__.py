"""One line to instrument a CLI: `telemetry.instrument(cli)`.

click, typer and argparse are recognised when the host has loaded them, and are never imported otherwise. Each of them is
hooked on the host's own objects and nowhere else: its classes, `sys.modules`, `sys.exit` and everybody else's programs stay
as they are. A command runs with no frame of ours below it or above it, so tracebacks, exit codes and signals are the
host's own.

    click        commands and groups: hooked is where a command parses, where a group finds one, and its context's end
    typer        its commands are click's, made anew at each call
    argparse     a parser: it knows names and words, the decorated main function knows the end
    function     a decorator: main functions, and functions, generators and coroutines that do one command's work
    words        our own words on a command line: which are ours, and whether they say off
    ends         how a command ended where that is not obvious
    group        `<cli> telemetry status|on|local|off|show|flush|forget`, as data
    framework_groups, argparse_group   the same as commands of the host's framework
    help         our lines in the host's --help
    names        the names of a tree's commands
    tracebacks   what keeps us out of other people's tracebacks

What all of them need stands in this file: Program, which hears "off" before anything of the host parses.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from typing import Any

    from shipper import App
    from shipper.integrations.function import Run
    from shipper.recording.command import Command

#: What stands between the names of a command's groups and its own: `db.migrate`.
BETWEEN = "."
#: The word of our group where the author names no other.
GROUP = "telemetry"
#: The decorated main functions under way, innermost last.
under_way: "list[Run]" = []


class Program:
    """One instrumented program: the word of our group in it (None: it has none), its name, what its statuses mean."""

    def __init__(self, app: "App", group: "str | None", prog: "str", statuses: "tuple[Any, Any]") -> None:
        self.app, self.prog = app, prog
        self.group, self.is_group_named = group or (None if group is None else GROUP), bool(group)
        self.ok, self.usage = statuses
        self.framework = ""  # the one in whose look our group appears
        self.names: Callable[[bool], Iterable[str]] | None = None  # the tree's; True: load what is lazy
        self.offers: Callable[[], bool] | None = None  # whether our group can be run
        app.programs.append(self)

    def begin(self, arguments: "Iterable[str]") -> None:
        """Begin a command: hear from its words whether they say off, which then holds to its end.

        What was heard is forgotten when the next command begins, unless that one runs within this one: so it also holds
        for what the host records after its command has ended.
        """
        app = self.app
        if not app.open_commands:
            app.flag, app.said_name = None, ""
        app.open_commands += 1
        if mentions(arguments):
            from shipper.integrations.words import says_off

            if says_off(arguments):
                app.flag = "off"

    def close(self) -> None:
        """End what begin() began."""
        self.app.open_commands -= 1

    def own_command(self) -> "str":
        """Write how a person calls our group of this program, `hf telemetry`; "" where it cannot be run."""
        from shipper.integrations.group import own_command

        return str(quietly(own_command, self) or "")

    def outcome(self, status: "int") -> "str":
        """Say what an exit status means, as the author declared it."""
        return "usage" if status in self.usage else "ok" if status in self.ok else "error"

    def record(self, command: "Command", path: "Iterable[str]", error: "BaseException | None") -> None:
        """Record a command under its name in the tree, unless this is a forked child: its parent records it (S13).

        A main function that is under way in the same app is then recorded: it is the same run.
        """
        app = self.app
        for run in under_way:
            if run.program.app is app:
                run.silent = True
        if command.process == os.getpid():
            command.name = app.said_name or self.named(path)
            app.said_name = ""
            command.end(error)

    def named(self, path: "Iterable[str]") -> "str":
        """Name a command by the declared names on the way to it.

        A CLI that did its work without a subcommand goes by the app's name where the catalog declares that, else "other".
        """
        name = BETWEEN.join(path)
        declared = self.app.events.get("command")
        field = declared.fields.get("command") if declared else None
        if field is not None and field.from_tree:
            from shipper.integrations.names import fill_names

            fill_names(self.app)
        return name or (self.app.name if field is not None and self.app.name in field.detail else "other")


def instrument(
    app: "App",
    cli: "Any",
    group: "str | None" = "",
    prog: "str" = "",
    ok: "Collection[int]" = (0,),
    usage: "Collection[int]" = (),
) -> "Any":
    """Measure every command of cli, and return what takes its place: cli itself, or a decorated function.

    Raises DeclarationError for what is no click command, typer app, argparse parser or function.
    """
    if _is(cli, "typer", "Typer"):
        from shipper.integrations.typer import hook_app

        hook_app(Program(app, group, prog, (ok, usage)), cli)
    elif _is(cli, "click", "Command") or _is(cli, "click", "BaseCommand") or _is(cli, "typer.core", "TyperGroup"):
        from shipper.integrations.click import hook_tree

        hook_tree(Program(app, group, prog, (ok, usage)), cli)
    elif _is(cli, "argparse", "ArgumentParser"):
        from shipper.integrations.argparse import hook_parser

        hook_parser(Program(app, group, prog, (ok, usage)), cli)
    elif hasattr(cli, "__code__"):
        from shipper.integrations.function import main_function

        return main_function(Program(app, group, prog, (ok, usage)), cli)
    else:
        from shipper.errors import DeclarationError

        raise DeclarationError(
            f"{type(cli).__name__} cannot be instrumented",
            "Give a click command, a typer app, an argparse parser or the program's main function: that one works with "
            "every framework. Or use `with telemetry.command(NAME):`.",
        )
    return cli


def _is(cli: "object", module: "str", name: "str") -> "bool":
    # An object of a class exists only where its module is loaded. BaseCommand is deprecated in newer click: the module's
    # own dictionary answers without a warning.
    kind = vars(sys.modules[module]).get(name) if module in sys.modules else None
    return isinstance(kind, type) and isinstance(cli, kind)


def mentions(arguments: "Iterable[str]", word: "str" = "telemetry") -> "bool":
    """Say whether a word stands in any of the arguments: hardly ever, and only then our words are looked for."""
    return any([word in argument for argument in arguments])  # noqa: C419  a generator costs more


def declared_options(app: "App") -> "Sequence[str]":
    """The options that the catalog asks about: fields of the event `command` that are named like options."""
    declared = app.events.get("command")
    return [field for field in declared.fields if field.startswith("-")] if declared else ()


def quietly(work: "Callable[..., Any]", *given: "Any") -> "Any":
    """Call work and return what it returns, or None where it fails: a host never fails because we do.

    Under SHIPPER_STRICT=1, in the app's tests, what is wrong with a declaration or a value is raised all the same.
    """
    try:
        return work(*given)
    except Exception as error:
        from shipper.errors import BadValue, DeclarationError

        if isinstance(error, (BadValue, DeclarationError)):
            raise
        return None
