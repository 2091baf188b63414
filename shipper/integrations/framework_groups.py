"""`<cli> telemetry ...` as a group of commands in the host framework's own look; loaded when somebody asks for it."""

import inspect
from typing import TYPE_CHECKING, Any

from shipper.integrations.group import ABOUT, ACTIONS, run
from shipper.integrations.telemetry_options import take_all

if TYPE_CHECKING:
    import click

    from shipper.integrations.program import Program


def telemetry_group(program: "Program") -> Any:
    """Make the group of a program, of the classes of its framework, "click" or "typer"."""
    group = _of_typer(program) if program.framework == "typer" else _of_click(program)
    parse = group.parse_args

    def parse_args(context: Any, arguments: list[str]) -> Any:
        program.hear(arguments)
        return parse(context, take_all(arguments))

    group.parse_args = parse_args
    return group


def _of_click(program: "Program") -> Any:
    import click

    def command(action: str) -> "click.Command":
        about, flags = ACTIONS[action]
        options: list[click.Parameter] = [
            click.Option([f"--{flag}", flag.replace("-", "_")], is_flag=True, help=text) for flag, text in flags.items()
        ]

        def callback(**given: bool) -> None:
            raise SystemExit(run(program, action, [flag for flag in flags if given[flag.replace("-", "_")]]))

        return click.Command(action, callback=callback, params=options, help=about)

    group = click.Group(program.group, help=ABOUT)
    for action in ACTIONS:
        group.add_command(command(action))
    return group


def _of_typer(program: "Program") -> Any:
    import typer
    from typer.main import get_command

    group = typer.Typer(name=program.group, help=ABOUT, add_completion=False)
    for action in ACTIONS:
        group.command(action, help=ACTIONS[action][0])(_function(program, action))
    made = get_command(group)
    made.name = program.group
    return made


def _function(program: "Program", action: str) -> Any:
    """A function as an author would write it for typer: one parameter per flag, each a bool."""
    import typer

    flags = {flag.replace("-", "_"): flag for flag in ACTIONS[action][1]}

    def function(**given: bool) -> None:
        raise SystemExit(run(program, action, [flags[name] for name in flags if given[name]]))

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
