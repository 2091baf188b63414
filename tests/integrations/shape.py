"""A shape of a stranger's program, and what the programs of the shapes have in common."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures.recorded import Told
from tests.integrations.test_same_with_and_without import ROOT

Run = Callable[..., tuple[str, str, int]]

IMPORTS = """
import argparse, asyncio, copy, enum, os, signal, sys
from tests.integrations.programs.declared import instrumented, name_command, telemetry, BARE
"""
LAST = """
if __name__ == "__main__":
    sys.exit(main())
"""


@dataclass(frozen=True)
class Shape:
    """A program, a command line, what is recorded of it, and the line that does the same without words of ours."""

    name: str
    program: str
    typed: str
    expected: list[Told]
    bare: str | None = None


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Write a program and run it: stdout, stderr, exit status."""

    def running(program: str, typed: str, **more: str) -> tuple[str, str, int]:
        (tmp_path / "sample").write_text(IMPORTS + program)
        environ = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"} | more
        line = [sys.executable, str(tmp_path / "sample"), *typed.split()]
        done = subprocess.run(line, capture_output=True, text=True, env=environ, cwd=tmp_path, timeout=60)
        return done.stdout, done.stderr, done.returncode

    return running


def without_our_section(text: str) -> str:
    """A program's help without the lines that we add at its end."""
    before, ours, _ = text.partition("\nUsage telemetry:\n")
    return before if ours else text.partition("\nusage telemetry:\n")[0]
