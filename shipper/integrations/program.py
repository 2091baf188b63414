"""An instrumented program, and what is common to all frameworks: how "off" is heard, how a command is recorded."""

import os

from shipper.integrations.failures import quietly
from shipper.recording.names import NAME_SEPARATOR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from shipper import App
    from shipper.integrations.function import Run
    from shipper.recording.command import Command

#: The word of our group where the author names no other.
GROUP = "telemetry"
#: The decorated main functions under way, innermost last.
under_way: "list[Run]" = []


class Program:
    """One instrumented program: the word of our group in it (None: it has none), its name, what its statuses mean."""

    def __init__(self, app: "App", given: "Any", group: "str | None", prog: "str", statuses: "tuple[Any, Any]") -> None:
        self.app, self.prog = app, prog
        self.given, self.used = given, False  # what instrument() was given, and whether it was called or parsed
        self.group, self.is_group_named = group or (None if group is None else GROUP), bool(group)
        self.ok, self.usage = statuses
        self.framework = ""  # the one in whose look our group appears
        self.root: Callable[[], Any] | None = None  # the root of its tree; a main function has none
        self.tree_offers_group: Callable[[], bool]  # of one that has a root
        self.last_outcome: str | None = ""  # of its last command, "" before there was one

    def begin(self, arguments: "Iterable[str]") -> None:
        """Begin a command: hear from its words whether they say off, which then holds to its end.

        What was heard is forgotten when the next command begins, unless that one runs within this one: so it also holds
        for what the host records after its command has ended.
        """
        app = self.app
        self.used = True
        if not app.open_commands:
            app.flag, app.said_name = None, ""
        app.open_commands += 1
        if mentions(arguments):
            self.hear(arguments)

    def hear(self, arguments: "Iterable[str]") -> None:
        """Hear whether words say off. Whoever takes one of them off a command line calls this: none is lost unheard."""
        from shipper.integrations.telemetry_options import says_off

        if says_off(arguments):
            self.app.flag = "off"

    def offers(self) -> "bool":
        """Say whether our group can be run in this program."""
        return self.is_group_named if self.root is None else bool(quietly(self.tree_offers_group))

    def record(self, command: "Command", path: "Iterable[str]", error: "BaseException | None") -> None:
        """Record a command under its name in the tree, unless this is a forked child: its parent records it (S13).

        A main function that is under way in the same app is then recorded: it is the same run.
        """
        app = self.app
        for run in under_way:
            if run.program.app is app:
                run.silent = True
        if command.process == os.getpid():
            command.name = app.said_name or self.named(path)
            app.said_name, self.last_outcome = "", command.outcome
            command.end(error)

    def named(self, path: "Iterable[str]") -> "str":
        """Name a command by the declared names on the way to it.

        A CLI that did its work without a subcommand goes by the app's name where the catalog declares that, else "other".
        """
        name = NAME_SEPARATOR.join(path)
        declared = self.app.events.get("command")
        field = declared.fields.get("command") if declared else None
        if field is not None and field.from_tree:
            from shipper.integrations.names import fill_names

            fill_names(self.app)
        return name or (self.app.name if field is not None and self.app.name in field.detail else "other")


def mentions(arguments: "Iterable[str]", word: "str" = "telemetry") -> "bool":
    """Say whether a word stands in any of the arguments: hardly ever, and only then our words are looked for."""
    return any([word in argument for argument in arguments])  # noqa: C419  a generator costs more


def declared_options(app: "App") -> "Sequence[str]":
    """The options that the catalog asks about: fields of the event `command` that are named like options."""
    declared = app.events.get("command")
    return [field for field in declared.fields if field.startswith("-")] if declared else ()
