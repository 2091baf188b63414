"""A typer program: `python typer_cli.py hello`, then `python typer_cli.py telemetry show`."""

import typer

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
app = typer.Typer(help="Greet somebody.", add_completion=False)


@app.command()
def hello(loud: bool = False) -> None:
    """Say hello."""
    typer.echo("HELLO!" if loud else "hello!")


@app.command()
def bye(loud: bool = False) -> None:
    """Say goodbye."""
    typer.echo("BYE!" if loud else "bye!")


telemetry.instrument(app)  # after the commands are declared

if __name__ == "__main__":
    app()
