"""A sample of typer with one command, which has no group."""

import typer

from tests.integrations.programs.declared import instrumented

app = typer.Typer(add_completion=False)


@app.command()
def sample(how: str = "well") -> None:
    """Do the one thing."""
    typer.echo(how)


instrumented(app)

if __name__ == "__main__":
    app(prog_name="sample")
