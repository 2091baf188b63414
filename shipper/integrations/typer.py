"""typer (0.4 and later): its commands are click's, made anew each time the app is called. Hooked is how they are made."""

import inspect

from shipper.integrations.click import Hook
from shipper.integrations.run import GROUP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shipper.app import App


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
            Hook(app, self, _group)

    Hooked.__name__, Hooked.__qualname__, Hooked.__module__ = base.__name__, base.__qualname__, base.__module__
    return Hooked


def _group(app: "App") -> "Any":
    import typer
    from typer.main import get_command

    from shipper.integrations.group import ABOUT, ACTIONS

    group = typer.Typer(name=GROUP, help=ABOUT, add_completion=False)
    for action in ACTIONS:
        group.command(action, help=ACTIONS[action][0])(_function(app, action))
    made = get_command(group)
    made.name = GROUP
    return made


def _function(app: "App", action: "str") -> "Any":
    """A function as an author would write it for typer: one parameter per flag, each a bool."""
    import typer

    from shipper.integrations.group import ACTIONS, run

    flags = {flag.replace("-", "_"): flag for flag in ACTIONS[action][1]}

    def function(**given: "bool") -> None:
        raise SystemExit(run(app, action, [flags[name] for name in flags if given[name]]))

    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=bool,
            default=typer.Option(False, f"--{flag}", help=ACTIONS[action][1][flag]),
        )
        for name, flag in flags.items()
    ]
    function.__annotations__ = {parameter.name: bool for parameter in parameters}
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # inspect looks for it
    return function
