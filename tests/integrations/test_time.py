"""`shipper time`: the command is run as if shipper were not there, and recorded."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shipper.choices.saving import save_choice
from shipper.cli import main
from shipper.recording.folder import open_config
from shipper.recording.modes import ALL, ON
from tests.fixtures.sample_app import lines, spool_of
from tests.fixtures.waiting import until

SHIPPER = [sys.executable, "-m", "shipper"]
TOML = """
app = "deploy"
version = "1.4.0"
endpoint = "http://127.0.0.1:9"
[events.deployment]
reason = "How often people deploy, and how it ends."
[events.deployment.fields]
target = { type = "one_of", members = ["staging", "production"] }
outcome = { type = "one_of", members = ["ok", "error", "interrupted"] }
duration_ms = { type = "milliseconds" }
exit_code = { type = "integer", range = [0, 255] }
"""


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    with open_config(os.environ, create=True) as config:
        save_choice(config, ALL, ON, "test", 0)
    file = tmp_path / "telemetry.toml"
    file.write_text(TOML)
    return file


def events() -> list[object]:
    with spool_of(dict(os.environ), "deploy") as spool:
        return [event["fields"] for event in lines(spool)]


def timed(toml: Path, *command: str, **options: object) -> "subprocess.CompletedProcess[bytes]":
    line = [*SHIPPER, "time", "-c", str(toml), "deployment", "target=staging", "--", *command]
    return subprocess.run(line, input=b"in\n", capture_output=True, timeout=60, **options)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize(
    ("script", "outcome", "exit_code"),
    [
        ("cat; echo out; echo err >&2", "ok", 0),
        ("exit 7", "error", 7),
        ("kill -TERM $$", "error", 143),
        ("kill -KILL $$", "error", 137),
        ("kill -INT $$", "interrupted", 130),
        ("kill -PIPE $$", "error", 141),
    ],
)
def test_a_command_prints_and_ends_as_it_does_alone(toml: Path, script: str, outcome: str, exit_code: int) -> None:
    alone = subprocess.run(["sh", "-c", script], input=b"in\n", capture_output=True)
    done = timed(toml, "sh", "-c", script)

    assert (done.stdout, done.stderr, done.returncode) == (alone.stdout, alone.stderr, alone.returncode)
    (event,) = events()
    assert isinstance(event, dict)
    assert event.pop("duration_ms") >= 0
    assert event == {"target": "staging", "outcome": outcome, "exit_code": exit_code}


def test_a_command_that_cannot_be_run_ends_as_a_shell_has_it(toml: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")

    assert timed(toml, "no-such-command-anywhere").returncode == 127
    assert timed(toml, str(tmp_path / "text")).returncode == 126


def test_a_signal_to_shipper_is_the_commands(toml: Path) -> None:
    script = "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
    line = [*SHIPPER, "time", "-c", str(toml), "deployment", "--", "sh", "-c", script]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(signal.SIGTERM)
        assert running.stdout.read() == "caught\n"
    assert running.returncode == 5


def test_an_interrupt_from_the_terminal_reaches_the_command_once(toml: Path) -> None:
    script = "trap 'echo caught' INT; echo ready; read line; exit 0"
    line = [*SHIPPER, "time", "-c", str(toml), "deployment", "--", "sh", "-c", script]
    with subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stdout is not None
        assert running.stdin is not None
        assert running.stdout.readline() == "ready\n"
        os.killpg(running.pid, signal.SIGINT)
        assert running.stdout.readline() == "caught\n"
        running.stdin.write("go on\n")
        running.stdin.close()
        until(lambda: running.poll() is not None)
        assert running.stdout.read() == ""


@pytest.mark.parametrize("wrong", ["no such file", "bad toml", "bad event", "bad value"])
def test_whatever_is_wrong_with_the_declaration_the_command_runs(toml: Path, wrong: str) -> None:
    words = ["deployment"]
    if wrong == "no such file":
        toml.unlink()
    elif wrong == "bad toml":
        toml.write_text("app =")
    elif wrong == "bad event":
        words = ["nothing"]
    else:
        words = ["deployment", "target=my-secret-place"]
    line = [*SHIPPER, "time", "-c", str(toml), *words, "--", "sh", "-c", "echo ran; exit 4"]
    done = subprocess.run(line, capture_output=True, text=True)

    assert (done.stdout, done.returncode) == ("ran\n", 4)
    assert done.stderr.startswith("shipper: ")


def test_a_command_line_without_a_command_is_wrong_usage(toml: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["time", "-c", str(toml), "deployment"]) == 2
    assert "usage: shipper time" in capsys.readouterr().err
    assert main(["time", "--help"]) == 0
    assert "127" in capsys.readouterr().out
