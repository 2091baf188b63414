"""A host's stdout and exit code are byte for byte what they were without shipper, whatever happens to its telemetry."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import shipper.demo.wunderctl
from shipper.recording.due import write_due
from shipper.recording.folder import open_app, open_state
from tests.fixtures.faults import Faults
from tests.fixtures.passes import choose
from tests.fixtures.terminal import on_terminal
from tests.fixtures.waiting import until

TOOL = Path(shipper.demo.wunderctl.__file__)
RUN = "import runpy, sys; sys.argv[0] = 'wunderctl'; runpy.run_module('shipper.demo.wunderctl', run_name='__main__')"
COMMANDS = (["init", "postgres", "rest"], ["generate", "nextjs"], ["up", "--json"], ["up"], ["up", "--offline", "rest"])

# What the tool imports of shipper, doing nothing: the tool as it was before somebody instrumented it.
WITHOUT = """
import contextlib
class App:
    def __init__(self, *_, **__): pass
    def record(self, *_, **__): return False
    def command(self, _): return contextlib.nullcontext()
def Event(*_, **__): pass
error_class = flag = integer = milliseconds = one_of = version_number = Event
"""


@pytest.fixture
def before(tmp_path: Path) -> list[tuple[int, bytes]]:
    """What each command printed, and its exit code, without shipper."""
    stub = tmp_path / "without/shipper"
    stub.mkdir(parents=True)
    (stub / "__init__.py").write_text(WITHOUT)
    return [
        run([sys.executable, str(TOOL), *command], tmp_path / "project", PYTHONPATH=str(stub.parent))
        for command in COMMANDS
    ]


def run(command: list[str], project: Path, **environ: str) -> tuple[int, bytes]:
    project.mkdir(exist_ok=True)
    done = subprocess.run(command, capture_output=True, check=False, cwd=project, env={**os.environ, **environ})
    return done.returncode, done.stdout


def with_shipper(project: Path, environ: dict[str, str]) -> list[tuple[int, bytes]]:
    """The same commands, instrumented, with stderr on a terminal."""
    project.mkdir(exist_ok=True)
    os.chdir(project)
    return [on_terminal(RUN, environ, command)[:2] for command in COMMANDS]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WUNDERCTL_TELEMETRY": "on"},
        {"WUNDERCTL_TELEMETRY": "off"},
        {"WUNDERCTL_TELEMETRY": "perhaps"},
        {"DO_NOT_TRACK": "1"},
        {"CI": "true"},
        {"WUNDERCTL_TELEMETRY_DEBUG": "stderr"},
        {"SHIPPER_HOME": "/proc/nowhere"},
        {"SHIPPER_HOME": "/dev/null"},
    ],
    ids=str,
)
def test_no_mode_and_no_fault_changes_a_byte(
    environ: dict[str, str], before: list[tuple[int, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert with_shipper(tmp_path / "instrumented", environ) == before
    assert json.loads(before[2][1]) == {"connected": ["postgres", "rest"]}
    assert [code for code, _ in before] == [0, 0, 0, 0, 1]


def test_a_flusher_that_the_run_starts_prints_nothing_and_keeps_no_pipe_open(
    before: list[tuple[int, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose("on", "wunderctl")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHIPPER_SPAWN")
    # The receiver never answers, so a flusher that held the pipe would keep it open until its time is over.
    with Faults("hang") as receiver:
        environ = {"WUNDERCTL_RECEIVER": receiver.endpoint}
        with_shipper(tmp_path / "first", environ)
        due()
        assert with_shipper(tmp_path / "second", environ) == before
        until(lambda: receiver.requests, what="the pass that a run started has sent")
        receiver.over.set()


def due() -> None:
    """Make a pass due now."""
    with open_state(os.environ) as state, open_app(state, "wunderctl") as folder:
        write_due(folder, 0, 1)
