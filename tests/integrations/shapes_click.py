"""Shapes of programs on click and typer: groups with a way of their own to find commands, shared and copied objects."""

from tests.integrations.shape import Shape
from tests.integrations.test_same_with_and_without import told

DEFAULT_GROUP = """
import click
class DefaultGroup(click.Group):
    def resolve_command(self, ctx, args):
        return super().resolve_command(ctx, args if args[0] in self.commands else ["up", *args])
@click.group(cls=DefaultGroup)
def cli(): pass
@cli.command()
@click.argument("words", nargs=-1)
def up(words): click.echo(words)
instrumented(cli)
if __name__ == "__main__": cli(prog_name="sample")
"""
LAZY_GROUP = """
import click
class Lazy(click.Group):
    def list_commands(self, ctx): return ["init", "up"]
    def get_command(self, ctx, name):
        with open(f"{name}.command") as file:
            return click.Command(name, callback=lambda: click.echo(name), help=file.read())
@click.group(cls=Lazy)
def cli(): pass
instrumented(cli)
for name in ("init", "up"):
    with open(f"{name}.command", "w") as file: file.write(f"Does {name}.")
if __name__ == "__main__": cli(prog_name="sample")
"""
PREFIX_GROUP = """
import click
class Prefix(click.Group):
    def get_command(self, ctx, name):
        found = [each for each in self.list_commands(ctx) if each.startswith(name)]
        if len(found) > 1: ctx.fail("Too many matches: " + ", ".join(found))
        return super().get_command(ctx, found[0]) if found else None
@click.group(cls=Prefix)
def cli(): pass
@cli.command()
def test(): click.echo("tested")
@cli.command()
def up(): click.echo("up")
instrumented(cli)
if __name__ == "__main__": cli(prog_name="sample")
"""
EMBEDDED = """
import click
@click.group()
def cli(): pass
@cli.command()
def up(): raise click.ClickException("no")
@cli.command()
def init(): return 3
instrumented(cli)
if __name__ == "__main__":
    try:
        print(cli.main(sys.argv[1:], prog_name="sample", standalone_mode=False))
    except click.ClickException:
        sys.exit(9)
"""
TYPER_FIRST = """
import typer
app = typer.Typer(add_completion=False)
instrumented(app)
@app.command()
def sample(how: str = "well"): typer.echo(how)
if __name__ == "__main__": app(prog_name="sample")
"""
TWO_NAMES = """
import click
@click.group()
def cli(): pass
@click.command()
def init(): click.echo("init")
@click.command("init")
@click.option("--steps", default=1)
def other(steps): click.echo(f"other {steps}")
cli.add_command(init)
cli.add_command(other, "db-init")
@click.group()
def strangers(): pass
strangers.add_command(init)
instrumented(cli)
if __name__ == "__main__":
    if sys.argv[1] == "strangers":
        cli.main(["init"], standalone_mode=False)
        strangers(["init"], prog_name="sample")
    if sys.argv[1] == "copied":
        cli.main(["db-init"], standalone_mode=False)
        twin = copy.copy(other)
        twin.params = [click.Option(["--leaps"], default=2)]
        twin.callback = lambda leaps: click.echo(f"twin {leaps}")
        twin(["--leaps", "3"], prog_name="sample")
    cli(prog_name="sample")
"""
WRAPPER = """
import click
@click.group()
def cli(): pass
@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def run(words): click.echo(words)
@cli.command(context_settings={"allow_interspersed_args": False})
@click.argument("words", nargs=-1)
def up(words): click.echo(words)
instrumented(cli)
if __name__ == "__main__": cli(prog_name="sample")
"""
CHAIN = """
import click
@click.group(chain=True)
def cli(): pass
@cli.command()
def up(): click.echo("up")
@cli.command()
def test(): raise click.ClickException("no")
instrumented(cli)
if __name__ == "__main__": cli(prog_name="sample")
"""
OWN_ABORT = """
import click
class Abort(SystemExit): pass
@click.group()
def cli(): pass
@cli.command()
@click.argument("how")
@click.pass_context
def up(ctx, how):
    if how == "abort": raise Abort(1)
    if how == "status": ctx.exit(2)
    if how == "exit": sys.exit(2)
    if how == "zero": sys.exit(0)
    if how == "closes": ctx.call_on_close(lambda: sys.exit(4))
    if how == "bug": raise ValueError("a secret")
instrumented(cli)
if __name__ == "__main__": cli(prog_name="sample")
"""
CATCHING = OWN_ABORT.replace(
    "@click.group()",
    """
class Catching(click.Group):
    def invoke(self, ctx):
        try: return super().invoke(ctx)
        except ValueError: ctx.exit(6)
@click.group(cls=Catching)""",
)
EXPANDING = """
import click
class Expanding(click.Group):
    def resolve_command(self, ctx, args):
        return super().resolve_command(ctx, ["up", "--no-telemetry"] if args[0] == "quietly" and not BARE else ["up"])
@click.group(cls=Expanding)
def cli(): pass
@cli.command()
def up(): click.echo("up")
instrumented(cli)
if __name__ == "__main__": cli(prog_name="sample")
"""
UNKNOWN, CLICK_ERROR = "click.exceptions.NoSuchCommand", "click.exceptions.ClickException"

SHAPES = [
    Shape("A10 a host's own Abort", OWN_ABORT, "up abort", [told("up", "error", 1)]),
    Shape("A11 ctx.exit(2)", OWN_ABORT, "up status", [told("up", "error", 2)]),
    Shape("A11 sys.exit(2)", OWN_ABORT, "up exit", [told("up", "error", 2)]),
    Shape("A11 sys.exit(0)", OWN_ABORT, "up zero", [told("up")]),
    Shape("A12 the context closes with a failure", OWN_ABORT, "up closes", [told("up", "error", 4)]),
    Shape("A12 an error that the host catches", CATCHING, "up bug", [told("up", "error", None, "ValueError")]),
    Shape("A15 the second link is unknown", CHAIN, "up nope", [told("sample", "usage", 2, UNKNOWN)]),
    Shape("A15 the second link fails", CHAIN, "up test", [told("up"), told("test", "error", 1, CLICK_ERROR)]),
    Shape("A15 a bare group", OWN_ABORT, "", []),
    Shape("A1 a default command keeps its words", DEFAULT_GROUP, "telemetry", [told("up")]),
    Shape("A1 a default command runs", DEFAULT_GROUP, "a b", [told("up")]),
    Shape("A1 a lazy group", LAZY_GROUP, "init", [told("init")]),
    Shape("A1 prefixes", PREFIX_GROUP, "t", [told("test")]),
    Shape("A0 an alias that says off", EXPANDING, "quietly", []),
    Shape("A0 click behind a -- that the group took", OWN_ABORT, "-- up zero --no-telemetry", [], "up zero"),
    Shape("A3 UNPROCESSED", WRAPPER, "run next build --no-telemetry --telemetry=false", []),
    Shape("A3 without interspersed", WRAPPER, "up next --no-telemetry", []),
    Shape("A3 click behind --", WRAPPER, "up -- next --no-telemetry", [told("up")]),
    Shape("A12 an embedded click", EMBEDDED, "up", [told("up", "error", None, "click.exceptions.ClickException")]),
    Shape("A12 an embedded click that returns", EMBEDDED, "init", [told("init", "ok", None)]),
    Shape("A13 typer before its command", TYPER_FIRST, "--how ill", [told("sample")]),
    Shape("A14 registered under another name", TWO_NAMES, "db-init", [told("db-init")]),
    Shape("A14 beside it", TWO_NAMES, "init", [told("init")]),
    Shape("A14 shared", TWO_NAMES, "strangers", [told("init", "ok", None)]),
    Shape("A14 copied", TWO_NAMES, "copied", [told("db-init", "ok", None)]),
]
