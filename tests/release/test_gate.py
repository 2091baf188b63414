"""The gate elsewhere: the workflows try what the classifiers promise, and the pins cover what pyproject.toml asks for."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.fixtures.command_line import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def workflow(path: Path) -> dict[str, Any]:
    yaml = pytest.importorskip("yaml", reason="PyYAML, which comes with the extra docs, is not installed")
    found = yaml.safe_load(path.read_text())
    assert isinstance(found, dict)
    return found


def test_the_suite_runs_on_every_version_that_the_classifiers_name_and_on_three_systems() -> None:
    matrix = workflow(ROOT / ".github/workflows/tests.yml")["jobs"]["systems"]["strategy"]["matrix"]
    named = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)]
    assert matrix["python"] == named
    assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: str(path.name))
def test_a_workflow_may_only_read_and_gives_targets_that_are_there(path: Path) -> None:
    found = workflow(path)
    assert found["permissions"] == {"contents": "read"}
    targets = re.findall(r"\bmake ([a-z]+)", path.read_text())
    makefile = (ROOT / "Makefile").read_text()
    assert [target for target in targets if f"\n{target}:" not in makefile] == []


def test_publishing_holds_no_secret_and_asks_for_an_identity_only_where_it_publishes() -> None:
    path = ROOT / ".github/workflows/release.yml"
    jobs = workflow(path)["jobs"]
    assert "secrets." not in path.read_text()
    assert [name for name, job in jobs.items() if "id-token" in job.get("permissions", {})] == ["publish"]


def test_every_requirement_is_pinned_to_a_version_that_fits_with_its_hashes() -> None:
    text = (ROOT / ".ci/requirements.txt").read_text()
    pinned = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", text, re.MULTILINE))
    asked = [*PROJECT["dependencies"], *(one for extra in PROJECT["optional-dependencies"].values() for one in extra)]
    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(pinned[requirement.name]), requirement
    for block in re.split(r"\n(?=[a-z0-9])", text)[1:]:
        assert "--hash=sha256:" in block, block


def test_the_changelog_has_an_entry_for_the_version_that_would_be_released() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[:2] == ["Unreleased", PROJECT["version"]]
