"""What every parser of the command line has: examples, the documentation's address, and a guess at what was meant."""

import argparse
import difflib
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from shipper.cli.examples import DOCS, EXAMPLES
from shipper.errors import BadCall

#: How alike two words are when one may be meant by the other: a letter left out, doubled or swapped in a short word.
ALIKE = 0.6
#: What argparse says of a word that it does not know.
_WRONG = re.compile(r"(?:COMMAND|ACTION): invalid choice: '([^']*)'|there is no (\S+) here")
#: Columns for the longest name of a command: argparse forgets to count how far commands are indented.
LONGEST_COMMAND = 14


def closest(word: str, known: "list[str]") -> str:
    """The one of `known` that `word` may mean, or nothing."""
    return next(iter(difflib.get_close_matches(word, known, 1, ALIKE)), "")


def meant(word: str, known: "list[str]") -> str:
    """A question to whoever may have meant one of `known`, with a space behind it, or nothing."""
    found = closest(word, known)
    return f"Did you mean `{found}`? " if found else ""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are BadCall, with a guess at what was meant."""

    def __init__(self, *given: object, **named: object) -> None:
        named.setdefault("formatter_class", Formatter)
        named.setdefault("allow_abbrev", False)  # a script that abbreviates breaks with the next option
        super().__init__(*given, **named)  # type: ignore[arg-type]  # whatever argparse takes

    def parse_known_args(self, *given: Any, **named: Any) -> Any:
        """Parse; what is unknown is said by the parser of the command that does not know it."""
        parsed, unknown = super().parse_known_args(*given, **named)
        if unknown:
            self.error(f"there is no {unknown[0]} here")
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        """Raise BadCall: the command line prints it as it prints every error."""
        wrong = _WRONG.search(message)
        if wrong is None:
            raise BadCall(f"{self.prog}: {message}", f"`{self.prog} --help` says more.")
        word = wrong[1] or wrong[2]
        options, commands = list(self._option_string_actions), list(self._commands())
        guess = meant(word, options if word.startswith("-") else commands)
        part = "option" if word.startswith("-") else "command" if commands else "argument"
        raise BadCall(f"{self.prog} has no {part} {word!r}", f"{guess}`{self.prog} --help` says more.")

    def _commands(self) -> Iterator[str]:
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                yield from action.choices


class Formatter(argparse.HelpFormatter):
    """argparse's own look; lines that begin with two spaces stay as they are."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self._action_max_length = LONGEST_COMMAND

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = [
            block
            if block.startswith("  ") or "\n  " in block
            else super(Formatter, self)._fill_text(block, width, indent)
            for block in text.split("\n\n")
        ]
        return "\n\n".join(paragraphs)


def finish(parser: argparse.ArgumentParser, words: str = "") -> None:
    """Give a parser and those below it their examples and the documentation's address."""
    shown = EXAMPLES.get(words, ())
    width = max((len(command) for command, _ in shown), default=0)
    lines = [f"  {command:{width}}  {what}".rstrip() for command, what in shown]
    blocks = [parser.epilog or "", "\n".join(["Examples:", *lines]) if lines else "", f"Documentation: {DOCS}"]
    parser.epilog = "\n\n".join(filter(None, blocks))
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                finish(child, f"{words} {name}".strip())
