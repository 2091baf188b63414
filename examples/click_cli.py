"""A click program: `python click_cli.py hello`, then `python click_cli.py telemetry show`."""

import click

from shipper import App, Event, error_class, flag, integer, milliseconds, one_of

telemetry = App(
    "greet",
    version="1.0",
    endpoint="http://127.0.0.1:4417",
    about="https://example.com/greet/telemetry",
    events=[
        Event(
            "command",
            "Which commands people use, how long they take and how they end.",
            command=one_of("hello", "bye", reason="What is used most is polished first."),
            duration_ms=milliseconds(),
            outcome=one_of("ok", "error", "usage", "interrupted"),
            exit_code=integer(0, 255),
            error=error_class(),
            options={"--loud": flag(reason="Whether anybody needs it.")},
        )
    ],
)


@click.group()
def cli() -> None:
    """Greet somebody."""


@cli.command()
@click.option("--loud", is_flag=True)
def hello(loud: bool) -> None:
    """Say hello."""
    click.echo("HELLO!" if loud else "hello!")


@cli.command()
@click.option("--loud", is_flag=True)
def bye(loud: bool) -> None:
    """Say goodbye."""
    click.echo("BYE!" if loud else "bye!")


telemetry.instrument(cli)

if __name__ == "__main__":
    cli()
