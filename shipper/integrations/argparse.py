"""argparse: a parser with or without subparsers. It parses and returns, so what it found is recorded as the process ends.

Hooked is `parse_known_args` of the parser and of its subparsers, and `sys.exit`, whose argument is the one thing about a
process's end that nothing remembers; a program that ends by `raise SystemExit(2)` instead decorates its main function.
A parser that is used within a decorated function tells it the command's name, and the function knows its end.
"""

import argparse
import atexit
import sys

from shipper.integrations import GROUP, NEGATIVE, OPTION, declared_options, end, named, quietly, take_flags
from shipper.integrations.function import under_way
from shipper.recording.command import Command, ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from shipper import App


def instrument(app: "App", parser: "argparse.ArgumentParser") -> "argparse.ArgumentParser":
    """Measure the commands of a parser, and give one with subparsers the command `telemetry`."""
    hook = Hook(app, parser)
    parser.parse_known_args = hook.parse  # type: ignore[method-assign]  # this parser's, not its class's
    parser.format_help = hook.format_help  # type: ignore[method-assign]
    return parser


class Hook:
    """What one parser is hooked with, and what was last parsed by it."""

    def __init__(self, app: "App", parser: "argparse.ArgumentParser") -> None:
        self.app, self.parser = app, parser
        self._parse, self._help = parser.parse_known_args, parser.format_help
        self._hooked: set[int] = set()
        self.path: tuple[str, ...] = ()
        self.options: list[str] = []
        self.end = End()

    def parse(self, args: "Any" = None, namespace: "Any" = None) -> "Any":
        """Take our flags and our command away, let the parser parse what is left, and wait for the end."""
        given = list(sys.argv[1:] if args is None else args)
        kept, self.app.flag = take_flags(given, {OPTION, NEGATIVE}.intersection(self.parser._option_string_actions))
        if kept[:1] == [GROUP] and self._offers_group():
            self.parser.exit(telemetry(self.app, kept[1:], self.parser.prog))
        command = Command(self.app, "")
        quietly(self._look, kept)
        try:
            parsed = self._parse(kept, namespace)
        except SystemExit as error:
            quietly(self._failed, command, error)
            raise
        except BaseException as error:
            from shipper.integrations.tracebacks import strip

            strip(error)
            quietly(self._found, command)
            raise
        quietly(self._found, command)
        return parsed

    def _look(self, arguments: "Sequence[str]") -> None:
        self.path = ()
        self._hook_below(self.parser, ())
        asked = declared_options(self.app)
        self.options = []
        for path, parser in _tree(self.parser) if asked else ():
            del path
            self.options += [name for name in asked if name in _used(parser, arguments)]

    def _hook_below(self, parser: "argparse.ArgumentParser", path: "tuple[str, ...]") -> None:
        for name, child in _children(parser):
            below = (*path, name)
            if id(child) not in self._hooked:
                self._hooked.add(id(child))
                child.parse_known_args = _reaching(self, below, child.parse_known_args)  # type: ignore[method-assign]
            self._hook_below(child, below)

    def _failed(self, command: "Command", error: "SystemExit") -> None:
        outcome, code = ending(error)
        if code == 0:  # --help, --version: no use of a command
            for call in under_way[-1:]:
                call.silent = True
        elif under_way:
            under_way[-1].name = named(self.app, self.path)
        else:
            command.options = self.options
            end(command, named(self.app, self.path), outcome, code, None)

    def _found(self, command: "Command") -> None:
        name = named(self.app, self.path)
        if under_way:
            under_way[-1].name = name
            under_way[-1].command.options = self.options
            return
        if self.end.command is None:
            atexit.register(self.end.at_exit)
        command.options = self.options
        self.end.command, self.end.name = command, name  # a second parse is the same command, understood better

    def _offers_group(self) -> "bool":
        names = [name for name, _ in _children(self.parser)]
        return bool(names) and GROUP not in names

    def format_help(self) -> "str":
        """The parser's own help, with `telemetry` among its commands."""
        for action in self.parser._actions if self._offers_group() else ():
            if isinstance(action, argparse._SubParsersAction):
                from shipper.integrations.group import ABOUT

                line = argparse._SubParsersAction._ChoicesPseudoAction(GROUP, (), ABOUT)
                action._choices_actions.append(line)
                try:
                    return self._help()
                finally:
                    action._choices_actions.remove(line)
        return self._help()


class End:
    """The end of a process whose command line was parsed: what sys.exit() and the last uncaught error say of it."""

    def __init__(self) -> None:
        self.command: Command | None = None
        self.name = ""
        self.status: object = None
        # Before a command line is parsed: `sys.exit(main())` looks sys.exit up first and calls main() then.
        self._exit = sys.exit
        sys.exit = self.exit

    def exit(self, status: "Any" = None, /) -> "Any":
        """What sys.exit() does, and the status remembered."""
        self.status = status
        return self._exit(status)

    def at_exit(self) -> None:
        """Record the command."""
        quietly(self._end)

    def _end(self) -> None:
        error = getattr(sys, "last_value", None)
        outcome, code = ending(error if error is not None else SystemExit(self.status))
        if self.command is not None:
            end(self.command, self.name, outcome, code, error)


def _reaching(hook: "Hook", path: "tuple[str, ...]", parse: "Any") -> "Any":
    def parse_known_args(*given: "Any", **named: "Any") -> "Any":
        hook.path = path
        return parse(*given, **named)

    return parse_known_args


def _children(parser: "argparse.ArgumentParser") -> "Iterator[tuple[str, argparse.ArgumentParser]]":
    """The subparsers and their first names: what follows in the same map are aliases."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            seen: set[int] = set()
            for name, child in action.choices.items():
                if id(child) not in seen:
                    seen.add(id(child))
                    yield name, child


def _tree(parser: "argparse.ArgumentParser") -> "Iterator[tuple[str, argparse.ArgumentParser]]":
    yield "", parser
    for _, child in _children(parser):
        yield from _tree(child)


def _used(parser: "argparse.ArgumentParser", arguments: "Sequence[str]") -> "set[str]":
    """The parser's options that stand on a command line, all names of each; an abbreviation is its option."""
    used: set[str] = set()
    known = parser._option_string_actions
    for word in arguments:
        if word == "--":
            break
        name = word.partition("=")[0]
        found = (
            [name] if name in known else [full for full in known if name[:2] == "--" != name and full.startswith(name)]
        )
        if not found and word[:1] == "-" and word[:2] in known:
            found = [word[:2]]
        if len({id(known[full]) for full in found}) == 1:
            used.update(known[found[0]].option_strings)
    return used


def telemetry(app: "App", arguments: "Sequence[str]", prog: "str" = "") -> "int":
    """Run `<prog> telemetry ...` and return its exit code."""
    import os

    from shipper.integrations.group import ABOUT, ACTIONS, run

    parser = argparse.ArgumentParser(
        prog=f"{prog or os.path.basename(sys.argv[0])} {GROUP}", description=ABOUT, allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="action", metavar="COMMAND", required=True, title="commands")
    for action, (about, flags) in ACTIONS.items():
        command = commands.add_parser(action, help=about, description=about)
        for flag, text in flags.items():
            command.add_argument(f"--{flag}", action="append_const", const=flag, dest="flags", help=text)
    given = parser.parse_args(list(arguments))
    return run(app, given.action, getattr(given, "flags", None) or ())
