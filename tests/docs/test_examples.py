"""Each example runs, and records what it says it does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.command_line import PATIENCE, ROOT, free_port, shipper
from tests.fixtures.waiting import until

EXAMPLES = ROOT / "examples"


def run(*command: str, **environ: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        command,
        env={**os.environ, "PATH": path, **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def recorded(app: str) -> list[tuple[str, dict[str, object]]]:
    lines = [json.loads(line) for line in shipper("show", app).stdout.splitlines()]
    return [
        (line["name"], {key: value for key, value in line["fields"].items() if key != "duration_ms"}) for line in lines
    ]


@pytest.mark.parametrize("name", ["argparse_cli.py", "click_cli.py", "typer_cli.py"])
def test_a_program_records_its_command_and_offers_the_group(name: str) -> None:
    program = str(EXAMPLES / name)
    assert run(sys.executable, program, "hello", "--loud") == "HELLO!\n"
    assert recorded("greet") == [("command", {"command": "hello", "outcome": "ok", "exit_code": 0, "--loud": True})]
    assert "telemetry" in run(sys.executable, program, "--help")
    assert run(sys.executable, program, "--no-telemetry", "bye") == "bye!\n"
    assert len(recorded("greet")) == 1


def test_a_decorated_main_function_and_a_part_of_it_are_commands() -> None:
    assert run(sys.executable, str(EXAMPLES / "function_cli.py")) == "hello, world!\n"
    found = recorded("greet")
    assert [name for name, _ in found] == ["language", "command", "command"]
    assert [fields.get("command") for _, fields in found] == [None, "look-up", "greet"]


def test_a_script_records_its_steps() -> None:
    assert run(str(EXAMPLES / "shell/deploy.sh")) == "pushed\n"
    assert recorded("deploy") == [("step", {"name": "build"}), ("step", {"name": "push", "outcome": "ok"})]


def test_a_receiver_of_ones_own_is_believed_and_counts_each_event_once(tmp_path: Path) -> None:
    port, store = str(free_port()), tmp_path / "events.ndjson"
    endpoint = {"GREET_TELEMETRY_ENDPOINT": f"http://127.0.0.1:{port}", "GREET_TELEMETRY": "on"}
    for _ in range(2):
        run(sys.executable, str(EXAMPLES / "function_cli.py"), **endpoint)
    command = [sys.executable, str(EXAMPLES / "own_receiver.py"), port, str(store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as receiver:
        try:
            assert receiver.stdout is not None
            assert receiver.stdout.readline() == f"listening on http://127.0.0.1:{port}\n".encode()
            assert run("shipper", "flush", "greet", **endpoint).startswith("6 events delivered")
            until(lambda: len(store.read_text().splitlines()) == 6, what="the events are in its file")
        finally:
            receiver.terminate()


def test_every_example_is_named_in_the_list() -> None:
    listed = (EXAMPLES / "README.md").read_text()
    for path in EXAMPLES.rglob("*"):
        if path.suffix in (".py", ".sh", ".toml"):
            assert f"({path.relative_to(EXAMPLES)})" in listed
