"""instrument() that hooks nothing says so: under SHIPPER_STRICT at the process's end, and in `shipper doctor MODULE:APP`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.recorded import recorded
from tests.integrations import shapes_argparse, shapes_click, shapes_function
from tests.integrations.shape import LAST, Run, run
from tests.integrations.test_same_with_and_without import ROOT, on

__all__ = ["on", "run"]

THROWN_AWAY = """
def main(): print("ran")
instrumented(main)
if __name__ == "__main__": main()
"""
PARENT = (
    """
common = instrumented(argparse.ArgumentParser("common", add_help=False))
common.add_argument("--name")
@instrumented
def main(): print(argparse.ArgumentParser("sample", parents=[common]).parse_args())
"""
    + LAST
)
BY_ITSELF = """
class Parser(argparse.ArgumentParser):
    def parse_args(self, args=None, namespace=None): return argparse.Namespace(words=sys.argv[1:])
parser = instrumented(Parser("sample"))
print(parser.parse_args())
"""
COPIED = """
import click
@click.command()
def cli(): click.echo("ran")
twin = copy.deepcopy(cli)
instrumented(cli)
if __name__ == "__main__": twin(prog_name="sample")
"""
HINTS = {
    "main": "Call what instrument() returns in its place",
    "tree": "Instrument the very object that parses",
}


@pytest.mark.parametrize(
    ("program", "typed", "said", "todo"),
    [
        (THROWN_AWAY, "", "measured no call of __main__.main() in this process", "main"),
        (PARENT, "--name x", "hooked the parser common, and none of it parsed anything", "tree"),
        (BY_ITSELF, "x", "hooked the parser sample, and none of it parsed anything", "tree"),
        (COPIED, "", "hooked the click program cli, and none of it parsed anything", "tree"),
    ],
)  # fmt: skip
def test_what_hooks_nothing_says_so_in_strict_mode(run: Run, program: str, typed: str, said: str, todo: str) -> None:
    bare = run(program, typed, SAMPLE_BARE="1")
    assert run(program, typed) == bare

    stdout, stderr, status = run(program, typed, SHIPPER_STRICT="1")
    assert (stdout, status) == (bare[0], bare[2])
    assert stderr.startswith(f"shipper: sample: instrument() {said}")
    assert stderr.splitlines()[1].startswith(f"  {HINTS[todo]}")
    assert len(stderr.splitlines()) == 2


@pytest.mark.parametrize(
    ("program", "typed"),
    [
        (shapes_argparse.IN_MAIN, "init"),
        (shapes_argparse.IN_MAIN, "--help"),
        (shapes_argparse.ALONE, "init"),
        (shapes_argparse.HTTPIE, "url"),
        (shapes_click.LAZY_GROUP, "init"),
        (shapes_click.TYPER_FIRST, ""),
        (shapes_function.WORDS, "a"),
    ],
)
def test_what_is_hooked_says_nothing_in_strict_mode(run: Run, program: str, typed: str) -> None:
    assert run(program, typed, SHIPPER_STRICT="1") == run(program, typed)


def test_an_app_without_the_event_is_refused_in_strict_mode(run: Run) -> None:
    program = """
from shipper import App
App("none", version="1", endpoint="http://127.0.0.1:9", events=[]).instrument(lambda: 0)()
"""
    assert run(program, "")[1:] == ("", 0)
    _, stderr, status = run(program, "", SHIPPER_STRICT="1")
    assert status == 1
    assert stderr.splitlines()[-1] == (
        "shipper.errors.DeclarationError: none declares no event `command`, so nothing is recorded of a command"
    )


MODULE = """
import argparse, click, sys, typer
from shipper import App, Event, command_names, milliseconds, one_of
telemetry = App("sample", version="1", endpoint="http://127.0.0.1:9", events=[
    Event("command", "Why.", command=NAMES, duration_ms=milliseconds())])
"""
GROUP = """
@click.group()
def cli(): pass
@cli.command()
def up(): pass
@cli.command()
def down(): pass
telemetry.instrument(cli)
"""
ARGPARSE = """
parser = argparse.ArgumentParser("sample")
parser.add_subparsers(dest="command").add_parser("up")
telemetry.instrument(parser)
"""
MAIN = """
@telemetry.instrument
def main(): pass
"""
NOT_KEPT = MAIN.replace("@telemetry.instrument\n", "") + "telemetry.instrument(main)\n"
LAZY = """
class Lazy(click.Group):
    def list_commands(self, context): return ["lift"]
    def get_command(self, context, name): return click.Command(name)
telemetry.instrument(Lazy("sample"))
"""


@pytest.mark.parametrize(
    ("text", "names", "status", "said"),
    [
        ("", "command_names()", 1, ["wrong sample: nothing is instrumented once its module is imported"]),
        (GROUP, "command_names()", 0, ["ok    sample: the click program cli is hooked: 2 commands, `telemetry` among them"]),
        (
            GROUP, 'one_of("up")', 1,
            ['wrong sample: recorded as "other", because the event `command` does not declare them: down'],
        ),
        (LAZY, "command_names()", 1, ['wrong sample: recorded as "other"', "Name them: command_names('lift')"]),
        (ARGPARSE, "command_names()", 0, ["the parser sample is hooked: 1 command,", "note  sample: a parser alone"]),
        (ARGPARSE + MAIN, "command_names()", 0, ["ok    sample: module.main() is measured, from its call to its end"]),
        (MAIN, "command_names()", 0, ["note  sample: no commands are seen"]),
        (NOT_KEPT, "command_names()", 1, ["wrong sample: module.main() was given to instrument(), and what that returned"]),
        (GROUP.replace("telemetry.", "App('none', version='1', endpoint='http://127.0.0.1:9').")
         + "telemetry = App('none', version='1', endpoint='http://127.0.0.1:9'); telemetry.instrument(cli)",
         "command_names()", 1, ["wrong none: declares no event `command`"]),
    ],
)  # fmt: skip
def test_the_doctor_says_what_is_hooked(tmp_path: Path, text: str, names: str, status: int, said: list[str]) -> None:
    (tmp_path / "module.py").write_text(MODULE.replace("NAMES", names) + text)
    line = [sys.executable, "-m", "shipper", "doctor", "module:telemetry"]
    environ = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(line, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    assert [words for words in said if words not in done.stdout] == []
    assert (done.returncode, done.stderr) == (status, "")
    assert recorded() == []
