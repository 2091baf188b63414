"""argparse: a parser knows a program's command names and where options may stand, but not how the program ends.

The recipe that always works is a decorated main function, with the parser instrumented where it is made, in it or before:

    @telemetry.instrument
    def main() -> int:
        args = telemetry.instrument(make_parser()).parse_args()

The function measures, the parser names. A parser by itself, in a program whose main function is not decorated, is recorded
once for the process, when that ends; its outcome and exit status are said where the parser itself ended the program, and
left out otherwise: nothing in Python tells them.

An instrumented parser becomes an object of a class derived from its own, as do its subparsers, whenever they are made. What
is overridden is `_parse_known_args`, the one method through which every way to parse leads: parse_args(), two phases,
intermixed, and classes that override any of these; and `exit` and `format_help`.
"""

import argparse
import atexit

from shipper.integrations.argparse_tree import children, subparsers
from shipper.integrations.failures import quietly
from shipper.integrations.function import Run
from shipper.integrations.program import declared_options, mentions, under_way

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shipper.integrations.program import Program


def hook_parser(program: "Program", parser: "argparse.ArgumentParser") -> None:
    """Hook a parser, the subparsers that it has and those that it will have."""
    hook = ParserHook(program, parser)
    program.framework, program.root = "argparse", lambda: hook
    program.tree_offers_group = hook.offers_group
    parser.__class__ = hook.root_class(type(parser))


class ParserHook:
    """What an instrumented parser and its subparsers have in common: their program, and what they are parsing now."""

    def __init__(self, program: "Program", parser: "argparse.ArgumentParser") -> None:
        self.program, self.parser = program, parser
        self.parsing: list[tuple[argparse.ArgumentParser, tuple[str, ...]]] = []  # outermost first, each with its path
        self._alone: Run | None = None  # the run of a program whose main function is not decorated
        self._refusing = False
        self._classes: dict[type, type] = {}

    def class_like(self, base: "Any") -> "type":
        """A class of parsers like base, which asks this hook."""
        if base in self._classes.values():
            return base  # type: ignore[no-any-return]
        hook = self

        class Hooked(base):  # type: ignore[misc]  # base is the host's
            def _parse_known_args(self, words: "Any", *more: "Any") -> "Any":
                return hook.parse(self, super()._parse_known_args, words, more)

            def error(self, message: "Any") -> "Any":
                return hook.refuse(super().error, message)

            def exit(self, status: "Any" = 0, message: "Any" = None) -> "Any":
                quietly(hook.leave, status)
                return super().exit(status, message)

        return self._classes.setdefault(base, _named_like(Hooked, base))

    def root_class(self, base: "Any") -> "type":
        """A class like base for the root, which has our lines in its help."""
        hook = self

        class Root(self.class_like(base)):  # type: ignore[misc]  # base is the host's
            def format_help(self) -> "str":
                from shipper.integrations.help import argparse_help

                return str(super().format_help()) + (quietly(argparse_help, hook.program, self) or "")

            def add_subparsers(self, **options: "Any") -> "Any":
                options.setdefault("parser_class", base)
                return super().add_subparsers(**options)

        return _named_like(Root, base)

    def adopt(self, child: "Any") -> None:
        """Hook a subparser that is about to parse."""
        if isinstance(child, argparse.ArgumentParser) and type(child) not in self._classes.values():
            child.__class__ = self.class_like(type(child))

    def _hook_choices(self, parser: "argparse.ArgumentParser") -> None:
        for action in subparsers(parser):
            found = action._name_parser_map
            if type(found) is dict and action.choices is found:
                action._name_parser_map = action.choices = _Choices(self, found)

    def parse(self, parser: "Any", parse: "Any", words: "list[str]", more: "tuple[Any, ...]") -> "Any":
        """Let a parser parse, with options of ours beside its own where our words stand, and note what it found."""
        self.program.used = True
        quietly(self._hook_choices, parser)
        if not self.parsing:
            quietly(self._begin, words)
            self.run_group(parser, words)
        self.parsing.append((parser, quietly(self._path, parser) or ()))
        try:
            quietly(self._note, parser, words)
            if mentions(words) or self.program.group in words:
                from shipper.integrations.argparse_command_line import parse_without_ours

                return parse_without_ours(self, parser, parse, words, more)
            return parse(words, *more)
        except BaseException as error:
            if not isinstance(error, SystemExit):
                from shipper.integrations.tracebacks import strip

                strip(error)
            raise
        finally:
            self.parsing.pop()

    def _begin(self, words: "list[str]") -> None:
        if self.run is None:
            self._alone = Run(self.program, words)
            self._alone.command.outcome = None
            atexit.register(self._end_process)

    @property
    def run(self) -> "Run | None":
        """The run that this parser belongs to: of the innermost decorated function of its app, or of the process."""
        of_app = [run for run in under_way if run.program.app is self.program.app]
        return of_app[-1] if of_app else None

    def _path(self, parser: "Any") -> "tuple[str, ...]":
        if not self.parsing:
            return ()
        above, path = self.parsing[-1]
        for action in subparsers(above):
            for name, child in children(action):
                if child is parser:
                    return (*path, name)
        return path

    def _note(self, parser: "Any", words: "list[str]") -> None:
        run, (_, path) = self.run, self.parsing[-1]
        if run is None:
            return
        if path:
            run.path = path
        asked = declared_options(self.program.app)
        if asked:
            used = _used(parser, words).union(run.command.options)
            run.command.options = [name for name in asked if name in used]

    def refuse(self, error: "Any", message: "str") -> "Any":
        """Let a parser say what is wrong with the command line, and know that this is why it ends the program."""
        self._refusing = True
        try:
            return error(message)
        finally:
            self._refusing = False

    def leave(self, status: "Any") -> None:
        """Note with which status a parser ends the process; a decorated main function sees that by itself."""
        run = self._alone
        if run is not None:
            from shipper.integrations.ends import outcome_of
            from shipper.recording.ending import exit_status

            run.command.exit_code = exit_status(status)
            run.command.outcome = "usage" if self._refusing else outcome_of(self.program, run.command.exit_code)
            run.silent = run.silent or (run.command.outcome == "ok" and bool(self.parsing))  # --help and its like

    def _end_process(self) -> None:
        if self._alone is not None and not self._alone.silent:
            quietly(self.program.record, self._alone.command, self._alone.path, None)

    def run_group(self, parser: "Any", words: "list[str]") -> None:
        """End the program as our group where that has the first word."""
        if self.program.group in words:
            from shipper.integrations.telemetry_options import take_leading

            words = take_leading(words)
            if words[0] == self.program.group and quietly(self.offers_group):
                self.end_as_group(parser, words[1:])

    def end_as_group(self, parser: "Any", words: "list[str]") -> None:
        """End the program as our group, with the words behind its own. Using it is not recorded."""
        from shipper.integrations.argparse_group import run_group

        for run in under_way:
            run.silent = True
        parser.exit(run_group(self.program, words, parser.prog))

    def offers_group(self) -> "bool":
        """Say whether our group can be run: the parser has subparsers, before any other argument, and none of that name."""
        arguments = [action for action in self.parser._actions if not action.option_strings]
        return (
            self.program.group is not None
            and bool(arguments)
            and isinstance(arguments[0], argparse._SubParsersAction)
            and self.program.group not in arguments[0].choices
        )


class _Choices(dict[str, "argparse.ArgumentParser"]):
    """The subparsers of an action by their names: one that was made only now is hooked when argparse asks for it."""

    def __init__(self, hook: "ParserHook", found: "dict[str, argparse.ArgumentParser]") -> None:
        super().__init__(found)
        self._hook = hook

    def __getitem__(self, name: "str") -> "argparse.ArgumentParser":
        child = super().__getitem__(name)
        quietly(self._hook.adopt, child)
        return child


def _named_like(cls: "type", base: "type") -> "type":
    cls.__name__, cls.__qualname__, cls.__module__ = base.__name__, base.__qualname__, base.__module__
    return cls


def _used(parser: "argparse.ArgumentParser", words: "list[str]") -> "set[str]":
    """The parser's options that stand on a command line, all names of each; an abbreviation is its option."""
    used: set[str] = set()
    known = parser._option_string_actions
    for word in words:
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
