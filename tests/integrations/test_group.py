"""Our group never shadows a word of the host's, and is found wherever the host's own commands are."""

import sys
from typing import Any

import pytest

from tests.fixtures.recorded import recorded
from tests.integrations import shapes_argparse, shapes_click, shapes_function
from tests.integrations.shape import LAST, Run, run
from tests.integrations.test_same_with_and_without import on

__all__ = ["on", "run"]

STATUS = "sample: on (chosen for all apps). Nothing has been recorded here.\n"
ROOT_OPTIONS = """
import click
@click.group()
@click.option("--name")
def cli(name): click.echo(f"began {name}")
@cli.command()
def up(): click.echo("up")
instrumented(cli)
if __name__ == "__main__": cli(prog_name="sample")
"""
OWN_TELEMETRY = ROOT_OPTIONS.replace('def up(): click.echo("up")', 'def telemetry(): click.echo("the host\'s own")')
ROOT_ARGUMENT = """
import click
@click.group()
@click.argument("file")
def cli(file): click.echo(f"in {file}")
@cli.command()
def status(): click.echo("fine")
instrumented(cli)
if __name__ == "__main__": cli(prog_name="sample")
"""
NAMED = ROOT_OPTIONS.replace("instrumented(cli)", 'instrumented(cli, group="usage", prog="hf")')
WITHOUT = ROOT_OPTIONS.replace("instrumented(cli)", "instrumented(cli, group=None)")
POSITIONAL_FIRST = (
    """
parser = instrumented(argparse.ArgumentParser("sample"))
parser.add_argument("file")
parser.add_subparsers(dest="command").add_parser("status")
@instrumented
def main(): print(parser.parse_args())
"""
    + LAST
)


@pytest.mark.parametrize(
    ("program", "typed"),
    [
        (shapes_click.DEFAULT_GROUP, "telemetry status"),
        (shapes_click.LAZY_GROUP, "telemetry status"),
        (shapes_click.PREFIX_GROUP, "telemetry status"),
        (shapes_click.CHAIN, "telemetry status"),
        (shapes_click.OWN_ABORT, "telemetry status --no-telemetry"),
        (ROOT_OPTIONS, "telemetry status"),
        (ROOT_OPTIONS, "--no-telemetry telemetry status"),
        (NAMED, "usage status"),
        (shapes_argparse.IN_MAIN, "telemetry status"),
        (shapes_argparse.IN_MAIN, "--name x telemetry status"),
        (shapes_argparse.IN_MAIN, "telemetry status --no-telemetry"),
        (shapes_argparse.IN_MAIN, "--no-telemetry telemetry status"),
        (shapes_argparse.ALONE, "telemetry status"),
        (shapes_argparse.LAZY_SUBPARSERS, "telemetry status"),
    ],
)
def test_the_group_is_found(run: Run, program: str, typed: str) -> None:
    said = STATUS.replace("on (chosen for all apps)", "off (this call said --no-telemetry)")
    assert run(program, typed) == ("", said if "--no-telemetry" in typed else STATUS, 0)
    assert recorded() == []


def test_behind_an_option_of_the_root_the_group_runs_as_the_hosts_commands_do(run: Run) -> None:
    assert run(ROOT_OPTIONS, "--name x telemetry status") == ("began x\n", STATUS, 0)
    assert recorded() == []


@pytest.mark.parametrize(
    ("program", "typed", "printed"),
    [
        (shapes_click.DEFAULT_GROUP, "telemetry", "('telemetry',)\n"),
        (shapes_click.DEFAULT_GROUP, "telemetry of/a/file", "('telemetry', 'of/a/file')\n"),
        (OWN_TELEMETRY, "telemetry", "began None\nthe host's own\n"),
        (ROOT_ARGUMENT, "telemetry status", "in telemetry\nfine\n"),
        (shapes_function.WORDS, "telemetry status", "['telemetry', 'status']\n"),
        (POSITIONAL_FIRST, "telemetry status", "Namespace(file='telemetry', command='status')\n"),
        (shapes_argparse.IN_MAIN, "up telemetry", "Namespace(name=None, command='up', words=['telemetry'])\n"),
    ],
)
def test_a_word_of_the_hosts_stays_the_hosts(run: Run, program: str, typed: str, printed: str) -> None:
    assert run(program, typed)[0] == printed
    assert run(program, typed, SAMPLE_BARE="1")[0] == printed
    assert len(recorded()) == 1


def test_an_author_leaves_the_group_out_or_names_it(run: Run) -> None:
    assert run(WITHOUT, "telemetry status") == run(WITHOUT, "telemetry status", SAMPLE_BARE="1")
    assert run(NAMED, "telemetry status") == run(WITHOUT, "telemetry status", SAMPLE_BARE="1")
    assert "  telemetry" not in run(WITHOUT, "--help")[0]
    assert "  --no-telemetry  Record nothing of this call.\n" in run(WITHOUT, "--help")[0]
    assert "  usage           See, hold, stop" in run(NAMED, "--help")[0]


@pytest.mark.parametrize(
    ("program", "named"),
    [
        (ROOT_OPTIONS, "sample telemetry off"),
        (NAMED, "hf usage off"),
        (WITHOUT, f"{sys.executable} -m shipper off sample"),
        (OWN_TELEMETRY, f"{sys.executable} -m shipper off sample"),
        (shapes_click.TYPER_FIRST, f"{sys.executable} -m shipper off sample"),
        (shapes_function.WORDS, f"{sys.executable} -m shipper off sample"),
        (shapes_argparse.HTTPIE, f"{sys.executable} -m shipper off sample"),
        (shapes_argparse.IN_MAIN, "sample telemetry off"),
    ],
)
def test_a_message_names_only_what_can_be_run(run: Run, program: str, named: str) -> None:
    """The notice's own words; its command is run, and it is what it says."""
    ask = """
import atexit
from shipper.choices.notice import text
declared = telemetry()
atexit.register(lambda: sys.stderr.write(text(declared)))
"""
    said = run(ask + program, "--help", PATH="/usr/bin:/bin")[1]
    assert f"  Stop it:       {named}  (or set SAMPLE_TELEMETRY=off" in said


def test_messages_within_a_program_name_its_own_commands(run: Run) -> None:
    run(ROOT_OPTIONS, "up")
    assert run(ROOT_OPTIONS, "telemetry local")[2] == 0
    stdout, stderr, _ = run(ROOT_OPTIONS, "telemetry flush")
    assert "`sample telemetry on` allows it" in stdout + stderr
    assert "`shipper " not in stdout + stderr


def test_a_parser_built_in_main_has_our_lines_in_its_help(run: Run) -> None:
    said: Any = run(shapes_argparse.IN_MAIN, "--help")[0]
    assert said.startswith(run(shapes_argparse.IN_MAIN, "--help", SAMPLE_BARE="1")[0])
    assert "usage telemetry:\n  --no-telemetry" in said
    assert "\n  telemetry " in said
