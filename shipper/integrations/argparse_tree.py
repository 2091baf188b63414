"""The subparsers of a parser of argparse, and their names."""

import argparse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def subparsers(parser: "argparse.ArgumentParser") -> "list[Any]":
    """The actions of a parser that hold subparsers: one, or none."""
    return [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]


def children(action: "Any") -> "Iterator[tuple[str, argparse.ArgumentParser]]":
    """The subparsers and their first names: what follows in the same map are aliases."""
    seen: set[int] = set()
    for name, child in action.choices.items():
        if id(child) not in seen:
            seen.add(id(child))
            yield name, child
