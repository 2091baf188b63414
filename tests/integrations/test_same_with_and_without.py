"""Whoever runs an instrumented program cannot tell: what it prints and how it ends is byte for byte the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shipper.choices.saving import save_choice
from shipper.recording.folder import open_config
from shipper.recording.modes import ALL, ON
from tests.fixtures.recorded import Told, recorded

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"


def told(command: str, outcome: str | None = "ok", exit_code: int | None = 0, error: str = "", **options: bool) -> Told:
    return Told(command, outcome, exit_code, error, tuple(options))


BUG = "ValueError"
# What is typed, and what is recorded of it: None where nothing is, as for --help and a process that is killed.
INVOCATIONS: list[tuple[str, str, list[Told]]] = [
    ("with_click", "init", [told("init")]),
    ("with_click", "in --force a b", [told("init", force=True)]),
    ("with_click", "-v init --name me", [told("init", verbose=True)]),
    ("with_click", "u", [told("up")]),
    ("with_click", "init --leaf bug", [told("init", "error", 1, BUG)]),
    ("with_click", "--root bug init", [told("sample", "error", 1, BUG)]),
    ("with_click", "up exit", [told("up", "error", 7)]),
    ("with_click", "up usage", [told("up", "usage", 2, "click.exceptions.UsageError")]),
    ("with_click", "up click", [told("up", "error", 1, "click.exceptions.ClickException")]),
    ("with_click", "up abort", [told("up", "interrupted", 1)]),
    ("with_click", "up system", [told("up", "error", 3)]),
    ("with_click", "up words", [told("up", "error", 1)]),
    ("with_click", "up bug", [told("up", "error", 1, BUG)]),
    ("with_click", "up cause", [told("up", "error", 1, "RuntimeError")]),
    ("with_click", "up interrupt", [told("up", "interrupted", 1)]),
    ("with_click", "up sigint", [told("up", "interrupted", 1)]),
    ("with_click", "up signal", []),
    ("with_click", "up fork", [told("up")]),
    ("with_click", "up thread", [told("up")]),
    ("with_click", "up async", [told("up")]),
    ("with_click", "up generator", [told("up")]),
    ("with_click", "up stdin", [told("up")]),
    ("with_click", "up --nonsense", [told("up", "usage", 2, "click.exceptions.NoSuchOption")]),
    ("with_click", "up --help", []),
    ("with_click", "--version", []),
    ("with_click", "nonsense", [told("sample", "usage", 2, "click.exceptions.NoSuchCommand")]),
    ("with_click", "late", [told("other")]),
    ("with_click", "db", [told("db")]),
    ("with_click", "db migrate --steps 3", [told("db.migrate")]),
    ("with_click", "db migrate --steps three", [told("db.migrate", "usage", 2, "click.exceptions.BadParameter")]),
    ("with_click", "db migrate", [told("db.migrate", "usage", 2, "click.exceptions.MissingParameter")]),
    ("with_click", "db seed", [told("db.seed")]),
    ("with_chain", "", [told("sample")]),
    ("with_chain", "build --force test", [told("build", force=True), told("test")]),
    ("with_chain", "build test bug", [told("build"), told("test", "error", 1, BUG)]),
    ("with_chain", "build --nonsense", [told("build", "usage", 2, "click.exceptions.NoSuchOption")]),
    ("with_typer", "init --force", [told("init", force=True)]),
    ("with_typer", "up exit", [told("up", "error", 7)]),
    ("with_typer", "up abort", [told("up", "interrupted", 1)]),
    ("with_typer", "up usage", [told("up", "usage", 2, "typer.*BadParameter")]),
    ("with_typer", "up bug", [told("up", "error", 1, BUG)]),
    ("with_typer", "db migrate 3", [told("db.migrate")]),
    ("with_typer", "db migrate three", [told("db.migrate", "usage", 2, "typer.*BadParameter")]),
    ("with_typer_alone", "--how well", [told("sample")]),
    ("with_argparse", "init --force a", [told("init", force=True)]),
    ("with_argparse", "-v in", [told("init", verbose=True)]),
    ("with_argparse", "up exit", [told("up", "error", 7)]),
    ("with_argparse", "up --leaf bug", [told("up", "error", 1, "KeyError")]),
    ("with_argparse", "up words", [told("up", "error", 1)]),
    ("with_argparse", "up bug", [told("up", "error", 1, BUG)]),
    ("with_argparse", "up interrupt", [told("up", "interrupted", 130)]),
    ("with_argparse", "up error", [told("up", "usage", 2)]),
    ("with_argparse", "nonsense", [told("sample", "usage", 2)]),
    ("with_argparse", "db migrate --steps 2", [told("db.migrate")]),
    ("with_argparse", "db migrate --steps two", [told("db.migrate", "usage", 2)]),
    ("with_argparse", "init --help", []),
    ("with_argparse", "", [told("sample")]),
    ("with_function", "well", [told("sample")]),
    ("with_function", "exit", [told("sample", "error", 7)]),
    ("with_function", "bug", [told("sample", "error", 1, BUG)]),
    ("with_function", "words", [told("sample", "error", 1)]),
    ("with_function", "interrupt", [told("sample", "interrupted", 130)]),
]


def run(program: str, typed: str, python: str = sys.executable, **more: str) -> tuple[bytes, bytes, int]:
    """What a program prints on stdout and stderr, and its exit status."""
    done = subprocess.run(
        [python, str(PROGRAMS / f"{program}.py"), *typed.split()],
        input=b"words from outside\n",
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"} | more,
        timeout=60,
    )
    return done.stdout, done.stderr, done.returncode


@pytest.fixture(autouse=True)
def on() -> None:
    with open_config(os.environ, create=True) as config:
        save_choice(config, ALL, ON, "test", 0)


@pytest.mark.parametrize(("program", "typed", "expected"), INVOCATIONS, ids=lambda each: str(each)[:40])
def test_a_program_prints_and_ends_as_it_does_without_shipper(program: str, typed: str, expected: list[Told]) -> None:
    with_shipper = run(program, typed)

    assert with_shipper == run(program, typed, SAMPLE_BARE="1")
    assert recorded() == expected


def test_enough_is_compared() -> None:
    assert len(INVOCATIONS) >= 40
