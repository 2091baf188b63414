"""What the site takes from the code itself, so that it cannot say anything else: docstrings and the help of commands.

    <!-- docstring shipper.wires.otlp -->     a module's manual
    <!-- text shipper.spool -->               the same, exactly as it stands there
    <!-- commands -->                         every command's help

Links to files outside docs/ become links to the repository.
"""

import argparse
import importlib
import inspect
import os
import re
from collections.abc import Iterator
from typing import Any

#: A line of a manual such as `Auth: none.`, and what belongs to it.
_SUBJECT = re.compile(r"^((?:[A-Z][a-z-]+, )?[A-Z][\w-]+):(?= |$)", re.MULTILINE)


def on_page_markdown(markdown: str, config: Any, **_: Any) -> str:
    """Put in what a page's comments ask for."""
    markdown = re.sub(r"<!-- docstring (\S+) -->", lambda found: manual(found[1]), markdown)
    markdown = re.sub(r"<!-- text (\S+) -->", lambda found: f"```text\n{text(found[1])}\n```", markdown)
    markdown = markdown.replace("<!-- commands -->", "\n\n".join(commands()))
    return re.sub(r"\]\(\.\./([^)]*)\)", rf"]({config['repo_url']}/blob/main/\1)", markdown)


def text(module: str) -> str:
    """A module's docstring."""
    return inspect.cleandoc(importlib.import_module(module).__doc__ or "")


def manual(module: str) -> str:
    """A module's docstring as Markdown: its subjects as a list."""
    return _SUBJECT.sub(r"\n- **\1**:", text(module))


def commands() -> Iterator[str]:
    """Each command's help, as it prints it."""
    os.environ["COLUMNS"] = "100"
    from shipper.cli import whole_parser

    yield from _commands(whole_parser())


def _commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield f"## {child.prog}\n\n```text\n{child.format_help().strip()}\n```"
                yield from _commands(child)
