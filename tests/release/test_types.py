"""A client's type checker sees what we declare: its own signatures stay, a misspelt word is an error."""

import importlib.util
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shipper import App
from shipper.recording.settings import WIRES
from tests.fixtures.command_line import ROOT

PROGRAM = ROOT / "tests/release/client_program.py"
WRONG = {
    'policy="opt-out"': 'policy="opt-nothing"',
    'ci="local"': 'ci="sometimes"',
    'wire="otlp"': 'wire="pigeon"',
    'durability="power-loss"': 'durability="for ever"',
    'options={"--force": flag(': 'options={"--force": str(',
    "command=one_of(": "command=str(",
    "sync(1, force=True)": 'sync("1", force=True)',
    "asyncio.run(watching), int": "asyncio.run(watching), str",
    "parser, argparse.ArgumentParser": "parser, str",
}


def mypy(program: Path) -> "subprocess.CompletedProcess[str]":
    pytest.importorskip("mypy", reason="mypy is not installed")
    return checked(
        "mypy", "--strict", "--config-file", os.devnull, "--cache-dir", str(ROOT / ".mypy_cache/client"), str(program)
    )


def pyright(program: Path) -> "subprocess.CompletedProcess[str]":
    if importlib.util.find_spec("basedpyright") is None:
        pytest.skip("basedpyright is not installed")
    settings = program.parent / "pyrightconfig.json"
    settings.write_text('{"typeCheckingMode": "strict", "pythonVersion": "3.11"}')
    return checked("basedpyright", "--project", str(settings), "--pythonpath", sys.executable, str(program))


def checked(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.mark.parametrize("checker", [mypy, pyright], ids=["mypy", "pyright"])
def test_a_client_that_is_right_has_nothing_said_of_it_and_one_that_is_wrong_each_mistake(
    checker: "object", tmp_path: Path
) -> None:
    assert callable(checker)
    program = tmp_path / "client.py"
    program.write_text(PROGRAM.read_text())
    right = checker(program)
    assert right.returncode == 0, right.stdout
    lines = {}
    text = PROGRAM.read_text()
    for right_words, wrong_words in WRONG.items():
        assert text.count(right_words) == 1, right_words
        lines[text[: text.index(right_words)].count("\n") + 1] = wrong_words
    for right_words, wrong_words in WRONG.items():
        text = text.replace(right_words, wrong_words)
    program.write_text(text)
    told = checker(program).stdout
    missed = [words for line, words in lines.items() if f"client.py:{line}:" not in told]
    assert missed == [], told


def test_the_client_runs() -> None:
    ran = subprocess.run([sys.executable, str(PROGRAM)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "cannot be a version" in ran.stdout


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ("wire", WIRES),
        ("policy", ("opt-in", "opt-out")),
        ("ci", ("on", "local", "off")),
        ("durability", ("process", "power-loss")),
    ],
)
def test_a_type_checker_is_told_of_the_words_that_are_taken_and_of_no_other(
    parameter: str, words: tuple[str, ...]
) -> None:
    annotation = str(inspect.signature(App).parameters[parameter].annotation)
    assert set(re.findall("['\"]([a-z-]+)['\"]", annotation)) == set(words)
    for word in words:
        App("client", version="1", endpoint="https://telemetry.example.com", **{parameter: word})  # type: ignore[arg-type]
