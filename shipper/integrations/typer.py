"""typer (0.4 and later): its commands are click's, made anew each time the app is called. Hooked is how they are made."""

from shipper.integrations import Hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shipper import App


def instrument(app: "App", cli: "Any") -> "Any":
    """Measure the commands of a typer app. Call it after the commands are declared: an app of one command has no group."""
    from typer.core import TyperCommand, TyperGroup

    cli.info.cls = _hooked(app, cli.info.cls, TyperGroup)
    if cli.registered_callback is not None and isinstance(cli.registered_callback.cls, type):
        cli.registered_callback.cls = _hooked(app, cli.registered_callback.cls, TyperGroup)
    for command in cli.registered_commands:
        command.cls = _hooked(app, command.cls, TyperCommand)
    return cli


def _hooked(app: "App", found: "Any", default: "type") -> "type":
    base: Any = found if isinstance(found, type) else default

    class Hooked(base):  # type: ignore[misc]  # base is the host's
        def __init__(self, *arguments: "Any", **options: "Any") -> None:
            super().__init__(*arguments, **options)
            Hook(app, self, "typer")

    Hooked.__name__, Hooked.__qualname__, Hooked.__module__ = base.__name__, base.__qualname__, base.__module__
    return Hooked
