"""Our lines in the help of an instrumented program: after the host's own, which stay as they are."""

from collections.abc import Container
from typing import Any

from shipper.integrations.group import ABOUT
from shipper.integrations.program import Program
from shipper.integrations.telemetry_options import NEGATIVE

TITLE = "Usage telemetry"
FLAG_ABOUT = "Record nothing of this call."


def rows(program: Program, own: Container[str]) -> list[tuple[str, str]]:
    """The words of ours that a program has, beside options of its own, and what each does."""
    flag = [] if NEGATIVE in own else [(NEGATIVE, FLAG_ABOUT)]
    return flag + ([(str(program.group), ABOUT)] if program.offers() else [])


def write_click_help(program: Program, context: Any, formatter: Any) -> None:
    """Write a section into a formatter of click."""
    own = {name for parameter in context.command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    said = rows(program, own)
    if said:
        with formatter.section(TITLE):
            formatter.write_dl(said)


def argparse_help(program: Program, parser: Any) -> str:
    """Write a section with a formatter of argparse's parser."""
    import argparse

    formatter = parser._get_formatter()
    formatter.start_section(TITLE.lower())
    for word, about in rows(program, parser._option_string_actions):
        option = word.startswith("-")
        formatter.add_argument(
            argparse.Action([word] if option else [], word, nargs=0 if option else None, metavar=word, help=about)
        )
    formatter.end_section()
    return "\n" + str(formatter.format_help())
