"""The manners of the command line: what goes where, and how it ends when something is wrong."""

import argparse
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from shipper import cli
from shipper.cli import terminal
from shipper.durations import span
from shipper.errors import ShipperError
from tests.fixtures.command_line import PATIENCE, record, shipper

SHIPPER = [sys.executable, "-m", "shipper"]


def ending(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    """The exit code of a command that ends with `error`."""

    def run(_: object) -> int:
        raise error

    def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
        subparsers.add_parser("status")

    monkeypatch.setattr(cli, "_present", lambda command: command == "status")
    module = ModuleType("status")
    monkeypatch.setattr(module, "run", run, raising=False)
    monkeypatch.setattr(module, "add", add, raising=False)
    monkeypatch.setattr(cli, "_module", {"status": module}.__getitem__)
    return cli.main(["status"])


def test_help_lists_a_command_exactly_when_its_file_is_there() -> None:
    listed = shipper("--help").stdout
    present = {command for command in cli.COMMANDS if cli._present(command)}
    shown = {line.split()[0] for line in listed.splitlines() if line.startswith("    ") and line[4] != " "}
    assert shown == present


def test_an_unknown_command_is_refused_with_exit_2_and_no_data_on_stdout() -> None:
    refused = shipper("nonsense")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "nonsense" in refused.stderr


def test_an_error_says_what_happened_and_what_to_do_next(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = ending(monkeypatch, ShipperError("the receiver said \x1b[2Jno", "Try `shipper doctor`."))
    assert (code, capsys.readouterr()) == (1, ("", "shipper: the receiver said \\x1b[2Jno\n  Try `shipper doctor`.\n"))


def test_a_refused_file_is_named_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(monkeypatch, PermissionError(13, "Permission denied", "/home/a/due")) == 1
    assert capsys.readouterr().err.startswith("shipper: Permission denied: /home/a/due\n")


def test_a_bug_is_called_a_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(monkeypatch, KeyError("x")) == terminal.EXIT_BUG
    assert "this is a bug in shipper: KeyError" in capsys.readouterr().err


def test_ctrl_c_ends_in_silence_with_the_code_of_the_shell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (ending(monkeypatch, KeyboardInterrupt()), capsys.readouterr()) == (130, ("", ""))


def test_a_reader_that_goes_away_ends_the_command_in_silence() -> None:
    writer = subprocess.Popen([*SHIPPER, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.close()
    with writer.stderr:
        assert writer.stderr.read() == b""
    assert writer.wait(30) == cli.EXIT_BROKEN_PIPE


def test_a_closed_stdout_is_no_error() -> None:
    ended = subprocess.run(["sh", "-c", f"{sys.executable} -m shipper --version >&-"], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_locale_that_cannot_say_it_sees_an_escape(home: Path) -> None:
    state = home / "state" / "shipper" / "apps"
    state.mkdir(parents=True, mode=0o700)
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run([*SHIPPER, "show", "Zoë"], capture_output=True, env=ascii_only, check=False)
    assert (ended.returncode, ended.stderr.splitlines()[0]) == (
        1,
        b"shipper: no app called Zo\\xeb has recorded anything here",
    )


@pytest.mark.parametrize(
    ("words", "sink", "code"),
    [
        ("status", ">/dev/full", 1),
        ("show nobody", "2>/dev/full", 1),
        ("record", "2>/dev/full", 2),
        ("flush", "2>&-", 5),
    ],
)
def test_a_full_disk_behind_its_output_leaves_a_command_its_exit_code(words: str, sink: str, code: int) -> None:
    record(0, 1)
    shipper("on", "counter", "--with-held")
    shipper("off", "counter")
    line = f"{shlex.quote(sys.executable)} -m shipper {words} {sink}"
    ended = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert ended.returncode == code
    assert "Exception" not in ended.stderr


def test_ctrl_c_ends_a_flush_that_hangs_without_a_traceback() -> None:
    record(0, 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        shipper("on", "counter", "--with-held")
        record(1, 1, COUNTER_RECEIVER=address)
        with subprocess.Popen([*SHIPPER, "flush", "counter"], stderr=subprocess.PIPE) as flushing:
            connection, _ = silent.accept()
            flushing.send_signal(signal.SIGINT)
            _, said = flushing.communicate(timeout=PATIENCE)
            connection.close()
    assert (flushing.returncode, said) == (cli.EXIT_INTERRUPTED, b"")
    assert len(shipper("show", "counter").stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("plain", "plain"),
        ("Zoë 字", "Zoë 字"),
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x9b31m", "\\x9b31m"),
        ("evil\u202etxt", "evil\\u202etxt"),
        ("\udc80", "\\udc80"),
    ],
)
def test_no_control_byte_of_foreign_text_reaches_the_terminal(foreign: str, shown: str) -> None:
    assert terminal.clean(foreign) == shown


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (59, "59 s"),
        (720, "12 min"),
        (3600, "1 h"),
        (12_000, "3 h 20 min"),
        (187_200, "2 d 4 h"),
        (-5, "0 s"),
    ],
)
def test_a_span_has_at_most_two_units(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(("number", "words"), [(812, "812 B"), (1434, "1.4 KiB"), (33_554_432, "32.0 MiB")])
def test_sizes_are_for_people(number: int, words: str) -> None:
    assert terminal.size(number) == words
