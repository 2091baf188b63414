"""A sample of click's chains: several commands in one line."""

import click

from tests.integrations.programs.declared import instrumented


@click.group(chain=True, invoke_without_command=True)
def cli() -> None:
    """A sample."""
    click.echo("begin")


@cli.command()
@click.option("--force", is_flag=True)
def build(force: bool) -> str:
    """Build."""
    click.echo(f"build {force}")
    return "built"


@cli.command()
@click.argument("how", default="")
def test(how: str) -> None:
    """Test."""
    if how == "bug":
        raise ValueError("a secret")
    click.echo("test")


instrumented(cli)

if __name__ == "__main__":
    cli(prog_name="sample")
