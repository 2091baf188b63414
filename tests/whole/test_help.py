"""Whoever asks the command line for help gets it: examples that work, the documentation, a guess at what was meant."""

import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from shipper import cli
from shipper.cli.examples import DOCS, EXAMPLES
from shipper.cli.host_names import Host
from shipper.integrations.group import ACTIONS
from tests.fixtures.command_line import PATIENCE, ROOT, record, shipper

CALLS = [(words, call) for words, shown in EXAMPLES.items() for call, _ in shown]


@pytest.mark.parametrize("words", [*cli.COMMANDS, "service install"])
def test_every_help_has_examples_and_says_where_the_documentation_is(words: str) -> None:
    told = shipper(*words.split(), "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert "\nExamples:\n  shipper" in told.stdout or words == "completion"
    assert told.stdout.endswith(f"\nDocumentation: {DOCS}\n")
    for call, _ in EXAMPLES[words]:
        assert call in told.stdout


@pytest.mark.parametrize(("words", "call"), CALLS)
def test_an_example_is_a_call_that_the_parser_takes(words: str, call: str) -> None:
    given = shlex.split(call.partition(" > ")[0].removeprefix('eval "$(').removesuffix(')"'))
    assert given[0] == "shipper"
    own = given[1 : given.index("--")] if "--" in given else given[1:]
    parsed = cli.whole_parser().parse_args(own)
    assert not words or parsed.command == words.split()[0]


def test_the_address_of_the_documentation_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["urls"]["Documentation"] == DOCS


@pytest.mark.parametrize(
    ("asked", "meant"), [(["help"], ["--help"]), (["help", "service", "install"], ["service", "install", "--help"])]
)
def test_help_is_a_command_too(asked: list[str], meant: list[str]) -> None:
    assert shipper(*asked).stdout == shipper(*meant).stdout != ""


@pytest.mark.parametrize(
    ("given", "said", "hint"),
    [
        ("flsh", "shipper has no command 'flsh'", "Did you mean `flush`? `shipper --help` says more."),
        (
            "flush --jsno",
            "shipper flush has no option '--jsno'",
            "Did you mean `--json`? `shipper flush --help` says more.",
        ),
        ("service instal", "shipper service has no command 'instal'", "Did you mean `install`?"),
        ("help flsh", "shipper has no command 'flsh'", "Did you mean `flush`?"),
        ("xyzzy", "shipper has no command 'xyzzy'", "`shipper --help` says more."),
        ("drop", "the following arguments are required: id", "`shipper drop --help` says more."),
    ],
)
def test_a_word_that_is_wrong_is_named_with_the_one_that_may_be_meant(given: str, said: str, hint: str) -> None:
    refused = shipper(*given.split())
    assert (refused.returncode, refused.stdout) == (2, "")
    first, second = refused.stderr.splitlines()
    assert said in first
    assert second.strip().startswith(hint)


HOST = Host("wunderctl telemetry", "wunderctl", {name: tuple(flags) for name, (_, flags) in ACTIONS.items()})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("`shipper show --quarantine`", "`wunderctl telemetry show --quarantine`"),
        (
            "`shipper show --sent wunderctl` or `shipper flush`",
            "`wunderctl telemetry show --sent` or `wunderctl telemetry flush`",
        ),
        ("`shipper on wunderctl` allows it", "`wunderctl telemetry on` allows it"),
        ("`shipper on` allows it for all", f"`{sys.executable} -m shipper on` allows it for all"),
        ("see `shipper doctor`", f"see `{sys.executable} -m shipper doctor`"),
        ("`shipper status --all`", f"`{sys.executable} -m shipper status --all`"),
        ("shipper show", "shipper show"),
    ],
)
def test_within_an_instrumented_program_a_message_names_commands_that_are_there(written: str, read: str) -> None:
    assert HOST.translate(written) == read


def test_an_instrumented_program_says_its_own_commands() -> None:
    program = [sys.executable, str(ROOT / "examples/argparse_cli.py")]
    subprocess.run([*program, "hello"], capture_output=True, check=True)
    said = subprocess.run([*program, "telemetry", "status"], capture_output=True, text=True, check=True)
    assert "stay here until `argparse_cli.py telemetry on --with-held`" in said.stdout
    assert "`shipper" not in said.stdout + said.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_options_and_apps(shell: str, tmp_path: Path) -> None:
    pytest.importorskip("argcomplete", reason="the extra completion is not installed")
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    record(0, 1)
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    asked = {
        "shipper fl": {"flush"},
        "shipper flush --js": {"--json"},
        "shipper show cou": {"counter"},
        "shipper record --con": {"--config"},
    }
    for line, wanted in asked.items():
        told = subprocess.run(
            COMPLETES[shell],
            env=environ | {"COMP_LINE": line},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert {word.split("\t")[0].strip() for word in told.stdout.split("\n")} - {""} == wanted, (line, told)


BASH = """
eval "$(shipper completion bash)"
COMP_TYPE=9 COMP_POINT=${#COMP_LINE}
_python_argcomplete shipper && printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
compdef() { true; }
_describe() { print -l -- ${(P)2%%:*}; }
eval "$(shipper completion zsh)"
BUFFER=$COMP_LINE CURSOR=${#COMP_LINE} words=(${=COMP_LINE})
_python_argcomplete
"""
FISH = 'shipper completion fish | source; complete -C "$COMP_LINE"'
COMPLETES = {"bash": ["bash", "-c", BASH], "zsh": ["zsh", "-fc", ZSH], "fish": ["fish", "--no-config", "-c", FISH]}
"""How each shell asks for the completions of the line in COMP_LINE, as its key would; zsh without its line editor."""
