"""<APP>_TELEMETRY_DEBUG: exactly the spooled line, or what would have been one and the rule that prevented it."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shipper.reader import decode
from tests.fixtures.sample_app import sample

RUN = """
from tests.fixtures.sample_app import sample
sample().record("datasource", kind="mysql", tables=3)
"""


def run(code: str = RUN, **environ: str) -> tuple[bytes, bytes]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env={**os.environ, **environ})
    return done.stdout, done.stderr


@pytest.mark.parametrize("wish", ["true", "1", "on", "YES"])
@pytest.mark.parametrize(("mode", "file"), [("on", "active.ndjson"), ("local", "held/active.ndjson")])
def test_it_prints_exactly_what_is_spooled(wish: str, mode: str, file: str, home: Path) -> None:
    out, err = run(WUNDERCTL_TELEMETRY=mode, WUNDERCTL_TELEMETRY_DEBUG=wish)
    assert out == (home / "state/shipper/apps/wunderctl" / file).read_bytes()
    assert err == b""


def test_it_prints_to_stderr_on_request(home: Path) -> None:
    out, err = run(WUNDERCTL_TELEMETRY="on", WUNDERCTL_TELEMETRY_DEBUG="stderr")
    assert (out, err) == (b"", (home / "state/shipper/apps/wunderctl/active.ndjson").read_bytes())


@pytest.mark.parametrize("wish", ["", "0", "false", "off", "no", "perhaps"])
def test_any_other_value_prints_nothing(wish: str) -> None:
    assert run(WUNDERCTL_TELEMETRY_DEBUG=wish) == (b"", b"")


@pytest.mark.parametrize(
    ("environ", "rule"),
    [
        ({"DO_NOT_TRACK": "1"}, "DO_NOT_TRACK is set"),
        ({"WUNDERCTL_TELEMETRY": "0"}, "the environment says off"),
        ({"WUNDERCTL_TELEMETRY": "maybe"}, "the environment's value cannot be read, which means off"),
        ({"CI": "1"}, "the app's setting for CI"),
    ],
)
def test_it_names_the_rule_that_prevented_an_event(environ: dict[str, str], rule: str, home: Path) -> None:
    out, _ = run(WUNDERCTL_TELEMETRY_DEBUG="true", **environ)
    said = f"not recorded, {rule}: ".encode()
    assert out.startswith(said)
    event = decode(out.removeprefix(said))
    assert event["fields"] == {"kind": "mysql", "tables": 3}
    assert "user" not in event, "who is off has no id made for the sake of a look"
    assert not home.exists()


def test_it_says_when_the_disk_prevented_it(home: Path) -> None:
    home.parent.joinpath("shipper-home").write_text("a file where the home belongs")
    out, err = run(WUNDERCTL_TELEMETRY="on", WUNDERCTL_TELEMETRY_DEBUG="true")
    assert out.startswith(b"not recorded, datasource: ")
    assert err == b""


def test_it_says_that_an_event_was_never_declared() -> None:
    out, _ = run(RUN.replace('"datasource"', '"login"'), WUNDERCTL_TELEMETRY_DEBUG="true")
    assert out == b"not recorded, login: the app declares no event login\n"


def test_a_closed_stdout_does_not_make_a_kept_event_look_lost() -> None:
    code = "import sys; sys.stdout.close(); sys.stdout = open('/dev/full', 'w')" + RUN.replace(
        "sample().record", "kept = sample().record"
    )
    code += "import os; os._exit(0 if kept else 1)"
    run(code, WUNDERCTL_TELEMETRY="on", WUNDERCTL_TELEMETRY_DEBUG="true")


@pytest.mark.parametrize("event", ["datasource", "login"])
@pytest.mark.parametrize(("wish", "sink"), [("true", "1>/dev/full"), ("stderr", "2>/dev/full"), ("true", "| true")])
def test_a_line_that_nobody_takes_leaves_the_hosts_exit_code_alone(event: str, wish: str, sink: str) -> None:
    code = RUN.replace('"datasource"', f'"{event}"') + "import sys; sys.exit(7)"
    environ = {**os.environ, "CODE": code, "WUNDERCTL_TELEMETRY": "on", "WUNDERCTL_TELEMETRY_DEBUG": wish}
    shell = ["bash", "-c", f'set -o pipefail; "{sys.executable}" -c "$CODE" {sink}']
    done = subprocess.run(shell, capture_output=True, check=False, env=environ)
    assert (done.returncode, done.stdout, done.stderr) == (7, b"", b"")


class Contrary(io.StringIO):
    """A stream of the host's own making, which fails in a way of its own."""

    def write(self, text: str) -> int:
        raise RuntimeError(text)


@pytest.mark.parametrize(("event", "kept"), [("datasource", True), ("login", False)])
def test_a_stream_of_the_hosts_own_may_fail_as_it_likes(
    event: str, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WUNDERCTL_TELEMETRY", "on")
    monkeypatch.setenv("WUNDERCTL_TELEMETRY_DEBUG", "true")
    monkeypatch.setattr("sys.stdout", Contrary())
    assert sample().record(event, kind="mysql", tables=3) is kept


def test_an_excuse_that_cannot_be_said_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUNDERCTL_TELEMETRY_DEBUG", "true")
    monkeypatch.setitem(sys.modules, "shipper.recording.debug", None)  # what an import finds where files have gone
    assert sample().record("login") is False
