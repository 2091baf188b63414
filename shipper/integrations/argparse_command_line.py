"""Our options and our group on a command line of argparse: loaded when one of them may stand there."""

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from shipper.integrations.telemetry_options import is_ours

if TYPE_CHECKING:
    from shipper.integrations.argparse import ParserHook


class _Nothing(argparse.Action):
    """An option of ours: it takes its word away and leaves nothing, since the word was heard before."""

    def __call__(self, *given: object) -> None:
        """Leave the namespace as it is."""


def parse_without_ours(
    hook: "ParserHook", parser: Any, parse: Callable[..., Any], words: Sequence[str], more: Sequence[Any]
) -> Any:
    """Let a parser parse, with options of ours beside its own for this one time.

    Its own grammar then says which words are options of the program and which are passed on. Each word is registered as it
    was typed, value and all, and hidden from the search for abbreviations.
    """
    hook.program.hear(words)
    known = parser._option_string_actions
    ours = {
        word: _Nothing([word], argparse.SUPPRESS, nargs=0)
        for word in words
        if is_ours(word) and word.partition("=")[0] not in known
    }
    given, find = vars(parser).get("_get_option_tuples"), parser._get_option_tuples
    parser._get_option_tuples = lambda word: [found for found in find(word) if not isinstance(found[0], _Nothing)]
    known.update(ours)
    choices = _with_group(hook, parser, words)
    try:
        return parse(words, *more)
    finally:
        for word in ours:
            known.pop(word, None)
        if choices is not None:
            choices.pop(str(hook.program.group), None)
        del parser._get_option_tuples
        if given is not None:
            parser._get_option_tuples = given


def _with_group(hook: "ParserHook", parser: Any, words: Sequence[str]) -> "dict[str, Any] | None":
    """Make our group a choice of the root's subparsers, for a command line on which its word stands."""
    program = hook.program
    if parser is not hook.parser or program.group not in words or not hook.offers_group():
        return None
    (action,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    choices: dict[str, Any] = action.choices
    choices[str(program.group)] = _Group(hook, parser)
    return choices


class _Group:
    """Our group where argparse looks for a subparser: it ends the program as soon as its words are parsed."""

    def __init__(self, hook: "ParserHook", parser: Any) -> None:
        self.hook, self.parser = hook, parser

    def parse_known_args(self, words: Sequence[str], namespace: object = None) -> Any:
        """Run the group."""
        del namespace
        self.hook.end_as_group(self.parser, list(words))
