"""Our options and our group on a command line of click: loaded when one of them may stand there."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shipper.integrations.failures import quietly
from shipper.integrations.group import ACTIONS
from shipper.integrations.telemetry_options import OPTION, is_ours, take_leading

if TYPE_CHECKING:
    from shipper.integrations.click import Step
    from shipper.integrations.program import Program


def parse_without_ours(step: "Step", context: Any, arguments: list[str], parse: Callable[..., Any]) -> Any:
    """Let a command parse, with options of ours beside its own for this one time; run our group where it comes first."""
    step.program.hear(arguments)
    leading = take_leading(arguments) if step.above is None else []
    if leading[:1] == [step.program.group] and offers_group(step.program, context.command, context, leading):
        step.settle()
        our_group(step.program).main(leading[1:], prog_name=f"{context.info_name} {leading[0]}")
    words = {word.partition("=")[0] for word in arguments if is_ours(word)}
    own = {name for parameter in context.command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    # A command that takes options which it does not know passes them on to somebody else.
    if not words - own or context.ignore_unknown_options:
        return parse(context, arguments)
    command = context.command
    given, make = vars(command).get("make_parser"), command.make_parser

    def make_parser(asked: Any) -> Any:
        parser = make(asked)
        for word in words - own:
            parser._long_opt[word] = _Ours(takes_value=word == OPTION)
        return parser

    command.make_parser = make_parser
    try:
        return parse(context, arguments)
    finally:
        if given is None:
            del command.make_parser
        else:
            command.make_parser = given


def begin_after_link(step: "Step") -> None:
    """Let the time of a link of a chain begin where the one before it ended: all are parsed before the first one runs."""
    chain = step.above
    if chain is not None:
        step.command.start = max(step.command.start, chain.mark)
        chain.mark = time.monotonic_ns()


class _Ours:
    """An option of ours in click's parser: it takes the word away and leaves nothing, since the word was heard before."""

    nargs, obj = 1, None

    def __init__(self, takes_value: bool) -> None:
        self.takes_value = takes_value
        self.obj = self  # click asks it for what follows
        self._flag_needs_value = False

    def process(self, value: object, state: object) -> None:
        """Take the word and its value, and do nothing with them."""


def offers_group(program: "Program", command: Any, context: Any = None, arguments: list[str] | None = None) -> bool:
    """Say whether our group can be run in a tree, as these arguments or in general: nothing of the host's is shadowed.

    A word of a program that has no commands, or whose root takes arguments of its own, is the host's. So is the name of a
    command of the host's. Where the host has its own way to find commands, any word may mean something to it: then only
    the group's word with one of its commands behind it is ours.
    """
    if program.group is None or not hasattr(command, "resolve_command"):
        return False
    if program.group in getattr(command, "commands", {}):
        return False
    if any(parameter.param_type_name == "argument" for parameter in command.params):
        return False
    if context is None or arguments is None:
        return True
    if program.group in (quietly(command.list_commands, context) or ()):
        return False
    following = arguments[1:2] and arguments[1]
    return following in (*ACTIONS, "--help") or _finds_as_click_does(command)


def _finds_as_click_does(command: Any) -> bool:
    for name in ("resolve_command", "get_command", "parse_args", "list_commands"):
        owner = next(cls for cls in type(command).__mro__ if name in vars(cls))
        if owner.__module__.partition(".")[0] not in ("click", "typer"):
            return False
    return True


def our_group(program: "Program") -> Any:
    """Make our group in the look of the program's framework."""
    from shipper.integrations.framework_groups import telemetry_group

    return telemetry_group(program)
