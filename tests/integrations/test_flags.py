"""`--telemetry=true|false`, `--no-telemetry`, and `<cli> telemetry ...` in an instrumented program."""

import json
import sys

import pytest

from shipper.integrations.group import run as act
from shipper.integrations.program import Program
from shipper.integrations.telemetry_options import says_off, take_leading
from tests.fixtures.recorded import recorded
from tests.fixtures.sample_app import sample
from tests.integrations.test_same_with_and_without import on, run

__all__ = ["on"]

PROGRAMS = ("with_click", "with_typer", "with_argparse")


@pytest.mark.parametrize(
    ("typed", "off"),
    [
        ("up", False),
        ("--no-telemetry up", True),
        ("up a --no-telemetry b", True),
        ("up --telemetry=false", True),
        ("up --telemetry=true", False),
        ("up --telemetry", False),
        ("--telemetry=maybe", True),
        ("--telemetry=false --telemetry=true", True),
        ("up -- --no-telemetry", False),
        ("up --no-telemetry=1 --telemetry-file x", False),
    ],
)
def test_off_is_heard_anywhere_before_the_double_dash(typed: str, off: bool) -> None:
    assert says_off(typed.split()) == off


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("--no-telemetry up", "up"),
        ("-v --telemetry=true --no-telemetry -- --no-telemetry", "-v -- --no-telemetry"),
        ("up --no-telemetry", "up --no-telemetry"),
        ("--no-telemetry", ""),
    ],
)
def test_a_word_before_every_argument_is_ours_whatever_follows(typed: str, kept: str) -> None:
    assert take_leading(typed.split()) == kept.split()


@pytest.mark.parametrize("program", [*PROGRAMS, "with_typer_alone", "with_chain", "with_function"])
@pytest.mark.parametrize("flag", ["--no-telemetry", "--telemetry=false"])
def test_a_call_that_says_no_records_nothing_and_is_otherwise_the_same(program: str, flag: str) -> None:
    typed = {"with_typer_alone": "", "with_chain": "build", "with_function": "well"}.get(program, "init")
    plain = run(program, typed, SAMPLE_BARE="1")

    assert run(program, f"{flag} {typed}") == plain
    if program != "with_function":  # nobody knows its grammar: only what stands first is certainly ours
        assert run(program, f"{typed} {flag}") == plain
    assert recorded() == []
    assert run(program, f"--telemetry=true {typed}") == plain
    assert len(recorded()) == 1


@pytest.mark.parametrize("program", [*PROGRAMS, "with_chain", "with_function"])
def test_a_person_sees_and_chooses_within_the_program(program: str) -> None:
    word = "well" if program == "with_function" else "build" if program == "with_chain" else "up"
    assert b"sample: on (chosen for all apps). Nothing has been recorded here." in run(program, "telemetry status")[1]
    assert run(program, word)[2] == 0

    shown, _, status = run(program, "telemetry show")
    assert (status, json.loads(shown)["name"]) == (0, "command")
    assert json.loads(run(program, "telemetry status --json")[0])[0]["pending"] == 1
    assert run(program, "telemetry off")[2] == 0
    assert recorded() == []
    run(program, word)
    assert recorded() == []
    assert run(program, "telemetry on")[2] == 0
    run(program, word)
    assert len(recorded()) == 1


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_group_stands_in_the_programs_help_in_its_own_look(program: str) -> None:
    lines = run(program, "--help")[0].decode().splitlines()
    group = run(program, "telemetry --help")[0].decode()

    assert [line for line in lines if "telemetry" in line and "See, hold, stop" in line]
    assert "sample telemetry" in group
    assert [
        word
        for word in ("status", "on", "local", "off", "show", "flush", "retry", "forget")
        if f" {word} " not in group
    ] == []
    assert "--with-held" in run(program, "telemetry on --help")[0].decode()
    assert run(program, "telemetry nonsense")[2] == 2


def test_a_frozen_program_says_how_else_its_events_can_be_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)

    assert act(Program(sample(), None, "", "", ((0,), ())), "flush") == 3
    assert "frozen" in capsys.readouterr().err
