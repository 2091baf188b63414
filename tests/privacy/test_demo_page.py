"""The demo's public page lies in the repository, is what the demo declares, and answers what the demo is asked."""

import os
import subprocess
import sys

import pytest

from shipper.catalog.declaration import load_object
from shipper.cli import main
from shipper.privacy.levels import ENVELOPE
from tests.fixtures.command_line import ROOT

DEMO = "shipper.demo.wunderctl:telemetry"

# The questions of a product's team, and where in the demo's events the answer stands: event and field, or a key of all.
ANSWERS = {
    "which features and commands are used most, and how": ("command", "command"),
    "how they end": ("command", "outcome"),
    "how long it takes to set a project up": ("command", "duration_ms"),
    "who set it up, from the first init to the first up": ("", "user"),
    "when": ("", "time"),
    "which errors people meet": ("command", "error"),
    "which integrations": ("integration", "name"),
    "which data sources": ("datasource", "kind"),
    "which runtimes must stay supported": ("", "runtime"),
    "which versions must stay supported": ("", "version"),
}


@pytest.mark.parametrize("file", ["docs/wunderctl-telemetry.md", "docs/wunderctl-telemetry.html"])
def test_the_page_in_the_repository_is_the_generated_one(file: str, capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["docs", DEMO, "--check", str(ROOT / file)])
    assert code == 0, capfd.readouterr().err


@pytest.mark.parametrize("question", ANSWERS)
def test_each_question_of_the_product_is_answered_by_a_declared_field(question: str) -> None:
    event, key = ANSWERS[question]
    declared = load_object(DEMO).events
    assert key in (declared[event].fields if event else [name for name, _, _ in ENVELOPE])


def test_every_field_of_the_demo_says_why_it_is_collected() -> None:
    for event in load_object(DEMO).events.values():
        assert event.owner
        assert all(kind.reason for kind in event.fields.values())


def test_the_page_says_the_same_on_every_machine() -> None:
    command = [sys.executable, "-m", "shipper", "docs", "shipper.demo.wunderctl:telemetry"]
    there = subprocess.run(command, env={**os.environ, "PATH": "/nowhere"}, capture_output=True, text=True, check=True)
    assert "`shipper off wunderctl`" in there.stdout
    assert sys.prefix not in there.stdout
