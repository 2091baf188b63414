"""click (8.0 and later), on which most hosts are built, typer's too.

Hooked are the instrumented root, and each command that a hooked group finds: its `parse_args`, its `context_class`, and a
group's `resolve_command`. A hook knows no command: it asks the context which one is parsed, so a copy parses with its own
options, and an object that also stands in somebody else's tree does nothing there. A command's body runs without us: its
context tells us when it ends.
"""

import sys

from shipper.integrations.failures import quietly
from shipper.integrations.program import declared_options, mentions
from shipper.recording.command import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

    from shipper.integrations.program import Program

#: Where a context of click keeps what we know of it.
STEP = "_shipper_step"
_measuring: "dict[type, type]" = {}


def hook_tree(program: "Program", command: "Any") -> None:
    """Hook a command or group with all that is below it: where it parses, and where it writes its help."""
    if program.root is None:
        set_root(program, "click", lambda: command)
    given = vars(command).get("format_help")

    def format_help(context: "Any", formatter: "Any") -> None:
        from shipper.integrations.help import write_click_help

        _own(given, context, "format_help")(context, formatter)
        quietly(write_click_help, program, context, formatter)

    command.format_help = format_help
    _hook(command, program)


def set_root(program: "Program", framework: "str", root: "Callable[[], Any]") -> None:
    """Say where a program's tree begins, and of which framework it is: click or typer."""

    def offers() -> "bool":
        from shipper.integrations.click_command_line import offers_group

        return offers_group(program, root())

    program.framework, program.root, program.tree_offers_group = framework, root, offers


def _hook(command: "Any", program: "Program | None" = None) -> None:
    """Hook a command where it parses. A root knows its program, every other command learns it from its context."""
    given, found = vars(command).get("parse_args"), vars(command).get("resolve_command")
    command.parse_args = lambda context, arguments: _parse(
        program, context, arguments, _own(given, context, "parse_args")
    )
    command.context_class = _class_like(command.context_class)
    if hasattr(command, "resolve_command"):
        command.resolve_command = lambda context, arguments: _resolve(
            context, arguments, _own(found, context, "resolve_command")
        )


def _own(given: "Any", context: "Any", name: "str") -> "Callable[..., Any]":
    """The host's own method of the command that a context is for: its class's, or one given to the object before us."""
    return getattr(type(context.command), name).__get__(context.command) if given is None else given  # type: ignore[no-any-return]


def _parse(program: "Program | None", context: "Any", arguments: "list[str]", parse: "Any") -> "Any":
    """Hear our words, start the clock, and let the command parse what is left."""
    if context.resilient_parsing or STEP in vars(context):  # a shell that completes a word runs nothing
        return parse(context, arguments)
    step = quietly(_begin, program, context, arguments)
    if step is None:
        return parse(context, arguments)
    if mentions(arguments) or (step.above is None and step.program.group in arguments):
        from shipper.integrations.click_command_line import parse_without_ours

        parsed = parse_without_ours(step, context, arguments, parse)
    else:
        parsed = parse(context, arguments)
    step.parsed = True
    return parsed


def _begin(program: "Program | None", context: "Any", arguments: "list[str]") -> "Step | None":
    above: Step | None = vars(context.parent).get(STEP) if context.parent is not None else None
    if above is not None and above.root.context.command is context.command:
        above = None  # a REPL parses each of its lines with the root again
    if program is not None and above is None and (context.parent is None or STEP in vars(context.parent)):
        program.begin(arguments)
        return Step(program, context, None)
    return Step(above.program, context, above) if above is not None else None


def _resolve(context: "Any", arguments: "list[str]", resolve: "Any") -> "Any":
    """Find a command as the group does, and hook what is found; the word of our group is not the host's to find."""
    step = vars(context).get(STEP)
    if step is None:
        return resolve(context, arguments)
    if step.above is None and arguments[0] == step.program.group:
        from shipper.integrations.click_command_line import offers_group, our_group

        if offers_group(step.program, context.command, context, arguments):
            step.settle()  # using it is not recorded
            return arguments[0], our_group(step.program), arguments[1:]
    found = resolve(context, arguments)
    quietly(step.adopt, context.command, arguments[0], found[1])
    return found


class Step:
    """One command on the way to the one that runs, from its parsing to its end. It is recorded unless one below it is."""

    def __init__(self, program: "Program", context: "Any", above: "Step | None") -> None:
        self.program, self.context, self.above = program, context, above
        self.root: Step = self if above is None else above.root
        self.parsed = self.over = False
        self.mark = 0  # of a chain: when its last link ended, on the monotonic clock
        self.settled = False  # recorded, or found to be no use of a command
        self.names: dict[int, str] = {}  # the declared name of each command that was found below, by its object
        self.chained = above is not None and bool(getattr(above.context.command, "chain", False))
        # A subcommand's time begins with its whole command line, each link of a chain has its own.
        self.command: Command = above.command if above is not None and not self.chained else Command(program.app, "")
        vars(context)[STEP] = self

    def adopt(self, group: "Any", typed: "str", found: "Any") -> None:
        """Hook the command that a group found, and note the name under which it is registered there."""
        if found is None:
            return
        if found.context_class not in _measuring.values():
            _hook(found)
        # What was typed may be an alias. Only what the tree declares is a name.
        if typed != found.name or getattr(group, "commands", {}).get(typed) is not found:
            from shipper.integrations.names import name_of

            typed = name_of(group, self.context, typed, found)
        self.names[id(found)] = typed

    def path(self) -> "tuple[str, ...]":
        """The declared names from the root to this command; the root has none."""
        if self.above is None:
            return ()
        command = self.context.command
        return (*self.above.path(), self.above.names.get(id(command), command.name or ""))

    def end(self, error: "BaseException | None") -> None:
        """Record how the command ended, once."""
        if self.over:
            return
        self.over = True
        if self.above is None:
            self.program.app.open_commands -= 1
        if self.settled:
            return
        if error is None or getattr(error, "exit_code", 1) == 0:
            silent, shown = error is not None and not self.parsed, None  # such as --help
            # Where click's own main() is below, it ends the process now; else nobody knows with which status.
            frame: FrameType | None = sys._getframe(1)
            while frame is not None and "standalone_mode" not in frame.f_code.co_varnames:
                frame = frame.f_back
            self.command.outcome = "ok"
            self.command.exit_code = 0 if frame is not None and frame.f_locals["standalone_mode"] else None
        else:
            from shipper.integrations.ends import end_of_click

            silent, shown = end_of_click(self, error)
        self.settle()
        if self.chained:
            from shipper.integrations.click_command_line import begin_after_link

            begin_after_link(self)
        if not silent:
            self.command.options = self._options()
            self.program.record(self.command, self.path(), shown)

    def settle(self) -> None:
        """Have neither this command nor one above it recorded; the next link of a chain is."""
        step: Step | None = self
        while step is not None:
            step.settled, step = True, step.above

    def _options(self) -> "list[str]":
        asked = declared_options(self.program.app)
        used: set[str] = set()
        context = self.context if asked else None
        while context is not None:
            for parameter in context.command.params:
                source = context.get_parameter_source(parameter.name)
                if source is not None and source.name == "COMMANDLINE":
                    used.update(parameter.opts, parameter.secondary_opts)
            context = context.parent
        return [name for name in asked if name in used]


def _class_like(base: "type") -> "type":
    """A context class like base, that tells its command's step how it ended."""
    if base in _measuring.values():
        return base
    if base not in _measuring:

        class Measuring(base):  # type: ignore[misc]  # base is the host's
            def __exit__(self, error_type: "Any", error: "Any", trace: "Any") -> "Any":
                # A context is entered several times, to parse and to run; where it is left for good its _depth is 1.
                step = vars(self).get(STEP)
                if step is None or not (self._depth == 1 or (error is not None and not step.parsed)):
                    return super().__exit__(error_type, error, trace)
                if error is not None and getattr(error, "exit_code", 1) != 0:  # click ends what went well by Exit(0)
                    from shipper.integrations.tracebacks import strip

                    strip(error)
                try:
                    hidden = super().__exit__(error_type, error, trace)
                except BaseException as late:  # the host failed as its context was closed
                    from shipper.integrations.tracebacks import strip

                    strip(late)
                    quietly(step.end, late)
                    raise
                quietly(step.end, None if hidden else error)
                return hidden

        Measuring.__name__, Measuring.__qualname__, Measuring.__module__ = (
            base.__name__,
            base.__qualname__,
            base.__module__,
        )
        _measuring[base] = Measuring
    return _measuring[base]
