"""`<cli> telemetry ...` as a group of commands in the host framework's own look; loaded when somebody asks for it."""

import inspect
from typing import TYPE_CHECKING, Any

from shipper.integrations import GROUP, RUN
from shipper.integrations.group import ABOUT, ACTIONS, run

if TYPE_CHECKING:
    import click

    from shipper import App


def telemetry_group(app: "App", framework: str) -> Any:
    """Make the group for an app, of the classes of a framework, "click" or "typer". To use it is not recorded."""
    group = _of_typer(app) if framework == "typer" else _of_click(app)
    parse = group.parse_args

    def parse_args(context: Any, arguments: list[str]) -> Any:
        above = vars(context.parent).get(RUN) if context.parent is not None else None
        if above is not None:
            above.leads_on = True  # to see and to choose is nobody's business
        return parse(context, arguments)

    group.parse_args = parse_args
    return group


def _of_click(app: "App") -> Any:
    import click

    def command(action: str) -> "click.Command":
        about, flags = ACTIONS[action]
        options: list[click.Parameter] = [
            click.Option([f"--{flag}", flag.replace("-", "_")], is_flag=True, help=text) for flag, text in flags.items()
        ]

        def callback(**given: bool) -> None:
            raise SystemExit(run(app, action, [flag for flag in flags if given[flag.replace("-", "_")]]))

        return click.Command(action, callback=callback, params=options, help=about)

    group = click.Group(GROUP, help=ABOUT)
    for action in ACTIONS:
        group.add_command(command(action))
    return group


def _of_typer(app: "App") -> Any:
    import typer
    from typer.main import get_command

    group = typer.Typer(name=GROUP, help=ABOUT, add_completion=False)
    for action in ACTIONS:
        group.command(action, help=ACTIONS[action][0])(_function(app, action))
    made = get_command(group)
    made.name = GROUP
    return made


def _function(app: "App", action: str) -> Any:
    """A function as an author would write it for typer: one parameter per flag, each a bool."""
    import typer

    flags = {flag.replace("-", "_"): flag for flag in ACTIONS[action][1]}

    def function(**given: bool) -> None:
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
