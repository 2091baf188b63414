"""The oldest click and typer that are supported, in an environment of their own: the same programs, the same results.

The newest are what the tests beside this one run with.
"""

import subprocess
import sys

import pytest

from tests.fixtures.recorded import Told, recorded
from tests.integrations.test_same_with_and_without import INVOCATIONS, on, run

__all__ = ["on"]

OLDEST = ("click==8.0.0", "typer==0.4.0")


@pytest.fixture(scope="session")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with the oldest versions; skipped where no package registry answers."""
    place = tmp_path_factory.mktemp("oldest")
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    python = place / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries=1", *OLDEST]
    done = subprocess.run(install, capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"{' '.join(OLDEST)} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    return str(python)


@pytest.mark.parametrize(
    ("program", "typed", "expected"),
    [each for each in INVOCATIONS if each[0] in ("with_click", "with_chain", "with_typer", "with_typer_alone")],
    ids=lambda each: str(each)[:40],
)
def test_the_oldest_versions_are_measured_alike(oldest: str, program: str, typed: str, expected: list[Told]) -> None:
    assert run(program, typed, oldest) == run(program, typed, oldest, SAMPLE_BARE="1")
    found = [(told.command, told.outcome, told.exit_code, told.options) for told in recorded()]
    assert found == [(told.command, told.outcome, told.exit_code, told.options) for told in expected]


@pytest.mark.parametrize("program", ["with_click", "with_typer"])
def test_the_oldest_versions_have_the_group(oldest: str, program: str) -> None:
    assert b"See, hold, stop" in run(program, "--help", oldest)[0]
    assert b"forget" in run(program, "telemetry --help", oldest)[0]
    assert b"--with-held" in run(program, "telemetry on --help", oldest)[0]
