"""A sample of typer: commands, a group, errors."""

import typer

from tests.integrations.programs.declared import instrumented

app = typer.Typer(add_completion=False)
db = typer.Typer()
app.add_typer(db, name="db", help="The database.")


@app.command()
def init(name: str = "world", force: bool = False) -> None:
    """Begin."""
    typer.echo(f"{name} {force}")


@app.command()
def up(how: str = typer.Argument("well")) -> None:
    """Go up, and end in the way that is asked for."""
    typer.echo(f"ending {how}")
    if how == "exit":
        raise typer.Exit(7)
    if how == "abort":
        raise typer.Abort()
    if how == "usage":
        raise typer.BadParameter("not like this")
    if how == "bug":
        raise ValueError("a secret")


@db.command()
def migrate(steps: int) -> None:
    """Migrate it."""
    typer.echo(f"{steps} steps")


instrumented(app)

if __name__ == "__main__":
    app(prog_name="sample")
