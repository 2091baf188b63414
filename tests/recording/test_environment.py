"""Recording looks its variables up together: whatever it then asks of what was looked up must be among them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shipper.recording import app as recording
from shipper.recording.automation import SIGNS
from shipper.recording.environment import ASKED, look_up
from tests.fixtures.sample_app import sample

OWN = "WUNDERCTL_TELEMETRY"


class Spied(dict[str, str]):
    """The whole environment, and which variables were asked for by name."""

    asked: set[str]

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    found: set[str] = set()

    def whole(environ: Mapping[str, str], prefix: str) -> Spied:
        del prefix
        spied = Spied(environ)
        spied.asked = found
        return spied

    monkeypatch.setattr(recording, "look_up", whole)
    return found


SITUATIONS: "dict[str, dict[str, str | None]]" = {
    "nothing said": {},
    "on": {OWN: "on"},
    "local": {OWN: "local"},
    "off": {OWN: "off"},
    "DO_NOT_TRACK": {"DO_NOT_TRACK": "1"},
    "CI": {"CI": "true", OWN: "on"},
    "an agent": {"AGENT": "goose", "CLAUDECODE": "1"},
    "another receiver": {OWN: "on", OWN + "_ENDPOINT": "http://127.0.0.1:9"},
    "debug": {OWN: "on", OWN + "_DEBUG": "nowhere"},
    "by XDG": {OWN: "on", "SHIPPER_HOME": None, "HOME": "/no/temporary/folder"},
    "by HOME": {OWN: "on", "SHIPPER_HOME": None, "XDG_STATE_HOME": None, "XDG_CONFIG_HOME": None},
}


def test_what_recording_asks_about_was_looked_up(
    asked: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "s"), "XDG_CONFIG_HOME": str(tmp_path / "c")}
    for policy in ("opt-in", "opt-out"):
        for environ in SITUATIONS.values():
            with monkeypatch.context() as patch:
                for name, value in {**home, **environ}.items():
                    if value is None:
                        patch.delenv(name, raising=False)
                    else:
                        patch.setenv(name, value)
                for _ in range(3):  # a first use, a usual one, one with something pending
                    telemetry = sample(policy=policy)
                    telemetry.record("command", command="up")
                telemetry.mode()

    own = {name for name in asked if name.startswith(OWN)}
    assert asked - own <= ASKED
    assert asked - own >= ASKED - SIGNS, "nobody asks for these any more"


def test_of_the_environment_nothing_else_is_looked_up() -> None:
    there = {"HOME": "/home/a", "PATH": "/bin", OWN + "_DEBUG": "1", "OTHER_TELEMETRY": "off", "CI": ""}
    assert look_up(there, OWN) == {"HOME": "/home/a", OWN + "_DEBUG": "1", "CI": ""}
    assert os.environ.keys() >= look_up(os.environ, OWN).keys()
