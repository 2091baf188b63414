"""One line to instrument a CLI: `telemetry.instrument(cli)`.

click, typer and argparse are recognised when the host has loaded them, and are never imported otherwise. Each of them
is hooked where it parses a command line, on the host's own objects and nowhere else: its classes, `sys.modules` and
everybody else's programs stay as they are. A command runs with no frame of ours below it or above it, so tracebacks,
exit codes and signals are the host's own.

    argparse   parsers and their subparsers, recorded when the process ends
    function   a decorator for everything else: functions, generators, coroutines
    group      `<cli> telemetry status|on|local|off|show|flush|forget`, as data
    framework_groups  the same as click and typer commands
    frames     what keeps us out of other people's tracebacks

What all of them need stands in this file: our flags on a command line, a command's name, what is said at its end. So
does click (8.0 and later), on which most hosts are built, typer's too: a file of its own would cost each of them 0.14 ms.
Of click these objects are hooked: a command's `parse_args`, its `context_class`, and a group's `get_command`, through
which lazy groups and aliases show their commands. A command's body runs without us: its context tells us when it ends.
"""

import os
import sys

from shipper.recording.command import Command, ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from typing import Any

    from shipper import App

#: What a person says of telemetry, anywhere on a command line: `--telemetry=true|false` or `--no-telemetry`.
OPTION, NEGATIVE = "--telemetry", "--no-telemetry"
#: The command under which an instrumented CLI offers its group.
GROUP = "telemetry"
_YES = ("true", "1", "on", "yes")
#: What stands between the names of a command's groups and its own: `db.migrate`.
BETWEEN = "."
#: Where a context of click keeps what we know of it.
RUN = "_shipper_run"
_contexts: "dict[type, type]" = {}


def instrument(app: "App", cli: "Any") -> "Any":
    """Measure every command of cli, and return what takes its place: cli itself, or a decorated function.

    Raises DeclarationError for what is no click command, typer app, argparse parser or function.
    """
    if _is(cli, "typer", "Typer"):
        from shipper.integrations.typer import instrument as of_typer

        return of_typer(app, cli)
    if _is(cli, "click", "Command") or _is(cli, "click", "BaseCommand") or _is(cli, "typer.core", "TyperGroup"):
        Hook(app, cli, "click")
        return cli
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


class Hook:
    """What one command object of click is hooked with. `root` is "" or, for the root, whose `telemetry` group it offers."""

    def __init__(self, app: "App", command: "Any", root: "str" = "") -> None:
        self.app, self.command, self.root = app, command, root
        self.names: dict[int, str] = {}  # the declared name of each child that was asked for, by its object
        self._parse = command.parse_args
        command.parse_args = self.parse_args
        command.context_class = _measuring(command.context_class)
        if hasattr(command, "get_command"):
            self._get, self._list = command.get_command, command.list_commands
            command.get_command = self.get_command
            if root and not getattr(command, "chain", False):
                command.list_commands = self.list_commands

    def parse_args(self, context: "Any", arguments: "list[str]") -> "Any":
        """Take our flags away, start the clock, and let the command parse what is left."""
        run = None
        if not context.resilient_parsing:  # a shell that completes a word runs nothing
            parent = vars(context.parent).get(RUN) if context.parent is not None else None
            if parent is None and self.root:
                arguments = self._take(context, arguments)
            run = quietly(Run, self, context, parent)
        parsed = self._parse(context, arguments)
        if run is not None:
            run.parsed = True
        return parsed

    def _take(self, context: "Any", arguments: "list[str]") -> "list[str]":
        options = {name for parameter in self.command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        kept, off = take_flags(arguments, options.intersection((OPTION, NEGATIVE)))
        self.app.flag = off
        if kept[:1] == [GROUP] and getattr(self.command, "chain", False):
            from shipper.integrations.framework_groups import telemetry_group

            # A chain has no groups: ours is taken before the chain begins.
            telemetry_group(self.app, self.root).main(kept[1:], prog_name=f"{context.info_name} {GROUP}")
        return kept

    def get_command(self, context: "Any", name: "str") -> "Any":
        """Find a command as the group does, and hook what is found."""
        found = self._get(context, name)
        if found is None:
            if name != GROUP or not self.root or getattr(self.command, "chain", False):
                return None
            from shipper.integrations.framework_groups import telemetry_group

            return telemetry_group(self.app, self.root)
        quietly(self._adopt, context, name, found)
        return found

    def _adopt(self, context: "Any", name: "str", found: "Any") -> None:
        if found.context_class not in _contexts.values():
            Hook(self.app, found)
        # What was typed may be an alias. Only what the tree declares is a name.
        if name != found.name:
            declared = self._list(context)
            name = name if name in declared and found.name not in declared else found.name or ""
        self.names[id(found)] = name

    def list_commands(self, context: "Any") -> "list[str]":
        """The group's own commands, and `telemetry` after them."""
        names = self._list(context)
        return names if GROUP in names else [*names, GROUP]


class Run:
    """One command of click from its parsing to its end. It is recorded unless a subcommand of it is."""

    def __init__(self, hook: "Hook", context: "Any", parent: "Run | None") -> None:
        self.hook, self.context, self.parent = hook, context, parent
        self.parsed = self.leads_on = self.over = False
        self.chained = parent is not None and bool(getattr(parent.hook.command, "chain", False))
        # A subcommand's time begins with its whole command line, each link of a chain has its own.
        self.command: Command = parent.command if parent is not None and not self.chained else Command(hook.app, "")
        if parent is not None:
            parent.leads_on = True
        vars(context)[RUN] = self

    def path(self) -> "tuple[str, ...]":
        """The declared names from the root to this command; the root has none."""
        if self.parent is None:
            return ()
        return (*self.parent.path(), self.parent.hook.names.get(id(self.hook.command), self.hook.command.name or ""))

    def enter(self) -> None:
        """Begin the time of a link of a chain: all are parsed before the first one runs."""
        if self.chained and self.parsed and not self.over:
            self.command = Command(self.hook.app, "")

    def end(self, error: "BaseException | None") -> None:
        """Record how the command ended, once. What ends while it parses with status 0 was `--help` or its like."""
        if self.over:
            return
        self.over = True
        outcome, code = outcome_of(error)
        if self.leads_on or (error is not None and not self.parsed and code == 0):
            return
        app = self.hook.app
        self.command.options = self._options(declared_options(app))
        shown = error if outcome in ("error", "usage") and type(error).__name__ != "Exit" else None
        end(self.command, named(app, self.path()), outcome, code, shown)

    def _options(self, asked: "Any") -> "list[str]":
        used: set[str] = set()
        context = self.context if asked else None
        while context is not None:
            for parameter in context.command.params:
                source = context.get_parameter_source(parameter.name)
                if source is not None and source.name == "COMMANDLINE":
                    used.update(parameter.opts, parameter.secondary_opts)
            context = context.parent
        return [name for name in asked if name in used]


def outcome_of(error: "BaseException | None") -> "tuple[str, int]":
    """Say how a command ended from what left it, and the exit status that follows.

    click and typer have classes of their own for Exit, Abort and errors of usage; what they have in common is named.
    """
    if isinstance(error, (KeyboardInterrupt, EOFError)) or type(error).__name__ == "Abort":
        return "interrupted", 1
    code = getattr(error, "exit_code", None)
    return ending(SystemExit(code) if isinstance(code, int) else error)


def _measuring(base: "type") -> "type":
    """A context class like base, that tells its command's run when an error leaves it."""
    if base in _contexts.values():
        return base
    if base not in _contexts:

        class Measuring(base):  # type: ignore[misc]  # base is the host's
            def __enter__(self) -> "Any":
                if RUN in vars(self):
                    quietly(vars(self)[RUN].enter)
                return super().__enter__()

            def __exit__(self, kind: "Any", error: "Any", trace: "Any") -> "Any":
                # A context is entered twice, to parse and to run; where it is left for good its _depth is 1.
                if RUN in vars(self) and (error is not None or self._depth == 1):
                    if (
                        error is not None and type(error).__name__ != "Exit"
                    ):  # click ends a command that went well by Exit
                        from shipper.integrations.tracebacks import strip

                        strip(error)
                    quietly(vars(self)[RUN].end, error)
                return super().__exit__(kind, error, trace)

        Measuring.__name__, Measuring.__qualname__, Measuring.__module__ = (
            base.__name__,
            base.__qualname__,
            base.__module__,
        )
        _contexts[base] = Measuring
    return _contexts[base]
