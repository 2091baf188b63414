"""typer (0.4 and later): its commands are click's, made anew each time the app is called. Hooked is how they are made.

A group's class is the app's; the class of a command matters where it is the app's only one, which nobody knows before the
app is called. So the list of an app's commands hooks each as it is declared, before or after the app is instrumented.
"""

from typing import Any

from shipper.integrations.click import hook_tree, set_root
from shipper.integrations.program import Program


def hook_app(program: Program, cli: Any) -> None:
    """Have the root that a typer app makes be hooked: its group, or its only command."""
    from typer.core import TyperCommand, TyperGroup
    from typer.main import get_command

    made: list[Any] = []
    classes: dict[type, type] = {}

    def hooked(found: Any, default: type) -> type:
        base = found if isinstance(found, type) else default
        if base in classes.values():
            return base
        if base not in classes:
            classes[base] = _class_like(base, program, made)
        return classes[base]

    class Commands(list[Any]):
        def append(self, command: Any) -> None:
            command.cls = hooked(command.cls, TyperCommand)
            super().append(command)

    cli.info.cls = hooked(cli.info.cls, TyperGroup)
    if cli.registered_callback is not None and isinstance(cli.registered_callback.cls, type):
        cli.registered_callback.cls = hooked(cli.registered_callback.cls, TyperGroup)
    commands = Commands()
    for command in cli.registered_commands:
        commands.append(command)
    cli.registered_commands = commands

    def root() -> Any:
        return made[-1] if made else get_command(cli)

    set_root(program, "typer", root)


def _class_like(base: type, program: Program, made: list[Any]) -> type:
    host: Any = base

    class Measured(host):  # type: ignore[misc]  # base is the host's
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            hook_tree(program, self)
            made[:] = [self]

    Measured.__name__, Measured.__qualname__, Measured.__module__ = base.__name__, base.__qualname__, base.__module__
    return Measured
