"""`shipper record`: what a shell script records is what the declaration allows, and a script goes on whatever happens."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.command_line import shipper

DECLARATION = """
app = "deploy"
version = "1.2"
endpoint = "http://127.0.0.1:9"

[events.step]
reason = "Which steps a deployment takes."
fields.name = { type = "one_of", members = ["build", "push"] }
fields.seconds = { type = "integer", range = [0, 3600] }
fields.cached = { type = "flag" }
"""


@pytest.fixture
def telemetry(tmp_path: Path) -> str:
    path = tmp_path / "telemetry.toml"
    path.write_text(DECLARATION)
    return str(path)


def recorded() -> list[dict[str, object]]:
    return [json.loads(line)["fields"] for line in shipper("show", "deploy").stdout.splitlines()]


def test_the_words_of_a_shell_become_values_of_the_declared_types(telemetry: str) -> None:
    done = shipper("record", "-c", telemetry, "step", "name=build", "seconds=12", "cached=yes")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert recorded() == [{"name": "build", "seconds": 12, "cached": True}]


def test_two_dashes_end_the_options(telemetry: str) -> None:
    assert shipper("record", "-c", telemetry, "--", "step", "name=push").returncode == 0
    assert recorded() == [{"name": "push"}]
    assert "no event '-c'" in shipper("record", "-c", telemetry, "--", "-c").stderr


def test_a_long_wrong_value_is_shown_in_part(telemetry: str) -> None:
    said = shipper("record", "-c", telemetry, "step", "name=" + "x" * 10_000).stderr
    assert "xxx" in said
    assert len(said) < 1000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["step", "name=dance"], "'dance'"),
        (["step", "seconds=4000"], "4000"),
        (["step", "seconds=many"], "'many'"),
        (["step", "colour=red"], "colour"),
        (["leap"], "declares no event 'leap'"),
        (["step", "name"], "is not KEY=VALUE"),
        (["step", "--fast"], "no option '--fast'"),
        ([], "needs a declaration"),
    ],
)
def test_a_wrong_call_exits_2_says_why_and_records_nothing(telemetry: str, arguments: list[str], said: str) -> None:
    refused = shipper("record", "-c", telemetry, *arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert said in refused.stderr
    assert recorded() == []


def test_a_declaration_that_is_missing_is_named(tmp_path: Path) -> None:
    refused = shipper("record", f"--config={tmp_path}/none.toml", "step")
    assert refused.returncode == 2
    assert f"{tmp_path}/none.toml" in refused.stderr


def test_a_person_who_is_off_does_not_stop_the_script(telemetry: str) -> None:
    assert shipper("record", "-c", telemetry, "step", "name=push", DO_NOT_TRACK="1").returncode == 0
    assert recorded() == []


def test_a_declaration_that_has_changed_is_read_anew(telemetry: str, home: Path) -> None:
    for _ in range(3):
        assert shipper("record", "-c", telemetry, "step", "name=push").returncode == 0
    assert len(list((home / "state" / "shipper" / "compiled").iterdir())) == 1
    Path(telemetry).write_text(DECLARATION.replace('"push"', '"pull"'))
    assert shipper("record", "-c", telemetry, "step", "name=push").returncode == 2
    assert shipper("record", "-c", telemetry, "step", "name=pull").returncode == 0


@pytest.mark.parametrize("damage", [b"", b"\xff" * 40, b"\xe9\x01\x00\x00\x00"])
def test_a_damaged_compiled_declaration_costs_only_its_time(telemetry: str, home: Path, damage: bytes) -> None:
    for _ in range(2):
        shipper("record", "-c", telemetry, "step", "name=push")
    (compiled,) = (home / "state" / "shipper" / "compiled").iterdir()
    compiled.write_bytes(damage)
    assert shipper("record", "-c", telemetry, "step", "name=push").returncode == 0
    assert len(recorded()) == 3


def test_nothing_heavy_is_loaded_to_record_from_a_script(telemetry: str) -> None:
    for _ in range(2):
        shipper("record", "-c", telemetry, "step", "name=push")
    program = "import sys; from shipper.cli import main; main(sys.argv[1:]); print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program, "record", "-c", telemetry, "step", "name=push"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    loaded = set(ran.stdout.split())
    for heavy in ("argparse", "json", "re", "typing", "tomllib", "subprocess", "logging", "httpx", "filelock"):
        assert heavy not in loaded
    assert {"shipper.recording.folder", "shipper.cli.record"} <= loaded
