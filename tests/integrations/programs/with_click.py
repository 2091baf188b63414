"""A sample of click: nested, lazy and aliased commands, options, errors of every kind."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Iterator

import click

from tests.integrations.programs.declared import instrumented


class Lazy(click.Group):
    """Makes some commands only when they are asked for, and knows short names for others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), "late"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "late":
            return click.Command("late", callback=lambda: click.echo("better than never"))
        return super().get_command(ctx, {"in": "init", "u": "up"}.get(cmd_name, cmd_name))


def explode(_: click.Context, __: click.Parameter, value: str) -> str:
    if value == "bug":
        raise ValueError("a secret")
    return value


@click.group(cls=Lazy)
@click.option("--root", callback=explode, expose_value=False)
@click.option("--verbose", "-v", is_flag=True, help="Say more.")
@click.version_option("1.0", prog_name="sample")
@click.pass_context
def cli(ctx: click.Context, verbose: bool) -> None:
    """A sample."""
    ctx.obj = verbose
    ctx.call_on_close(lambda: click.echo("closed", err=True))


@cli.command()
@click.option("--force/--no-force", default=False)
@click.option("--name", default="world")
@click.option("--leaf", callback=explode, expose_value=False)
@click.argument("words", nargs=-1)
@click.pass_obj
def init(verbose: bool, force: bool, name: str, words: tuple[str, ...]) -> None:
    """Begin."""
    click.echo(f"{verbose} {force} {name} {words}")


@cli.command()
@click.argument("how", default="well")
@click.pass_context
def up(ctx: click.Context, how: str) -> None:  # noqa: C901 - one row per way to end
    """Go up, and end in the way that is asked for."""
    click.echo(f"ending {how}")
    if how == "exit":
        ctx.exit(7)
    if how == "usage":
        raise click.UsageError("not like this")
    if how == "click":
        raise click.ClickException("something is wrong")
    if how == "abort":
        raise click.Abort
    if how == "system":
        sys.exit(3)
    if how == "words":
        sys.exit("farewell in words")
    if how == "bug":
        raise ValueError("a secret")
    if how == "cause":
        try:
            int("no number")
        except ValueError as error:
            raise RuntimeError("behind") from error
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "signal":
        os.kill(os.getpid(), signal.SIGTERM)
    if how == "sigint":
        signal.raise_signal(signal.SIGINT)
    if how == "fork":
        sys.stdout.flush()
        child = os.fork()
        if child:
            os.waitpid(child, 0)
    if how == "thread":
        thread = threading.Thread(target=click.echo, args=("in a thread",))
        thread.start()
        thread.join()
    if how == "async":
        asyncio.run(later())
    if how == "generator":
        click.echo_via_pager(line for line in many())
    if how == "stdin":
        click.echo(sys.stdin.read().upper())


async def later() -> None:
    await asyncio.sleep(0)
    click.echo("later")


def many() -> Iterator[str]:
    yield from ("one\n", "two\n")


@cli.group(invoke_without_command=True)
@click.pass_context
def db(ctx: click.Context) -> None:
    """The database."""
    if ctx.invoked_subcommand is None:
        click.echo("which?")


@db.command()
@click.option("--steps", type=int, required=True)
def migrate(steps: int) -> None:
    """Migrate it."""
    click.echo(f"{steps} steps")


@db.command()
@click.pass_context
def seed(ctx: click.Context) -> None:
    """Fill it, after a migration."""
    ctx.invoke(migrate, steps=1)
    click.echo("seeded")


instrumented(cli)

if __name__ == "__main__":
    cli(prog_name="sample")
