"""What is released: the wheel and the sdist are built, an index would take them, and what they hold works."""

import argparse
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipper.cli import whole_parser
from tests.fixtures.command_line import PATIENCE, ROOT

BUILDERS = ("build", "hatchling", "hatch_fancy_pypi_readme", "twine")
SHARE = ("tests/test_architecture.py", "tests/recording/test_event.py", "tests/privacy/test_demo_page.py")
"""The tests that are run from the unpacked sdist: the house's walls, the values of an event, and a page in docs/."""


def run(*command: str, folder: Path, **environ: str) -> str:
    """What a command that ends well prints."""
    ran = subprocess.run(
        [sys.executable, *command], cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True,
        timeout=3 * PATIENCE, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for module in BUILDERS:
        pytest.importorskip(module, reason=f"{module} is not installed: it builds what is released")
    folder = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--no-isolation", "--outdir", str(folder), ".", folder=ROOT)
    return folder


@pytest.fixture
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture
def unpacked(built: Path, tmp_path: Path) -> Path:
    (found,) = built.glob("*.tar.gz")
    with tarfile.open(found) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.glob("event_shipper-*")
    return folder


def test_an_index_would_take_both_and_show_the_readme(built: Path) -> None:
    run("-m", "twine", "check", "--strict", *map(str, built.iterdir()), folder=built)


def test_on_an_index_every_link_and_picture_of_the_readme_leads_somewhere(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(name).decode()
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links
    assert [link for link in links if not link.startswith(("https://", "http://", "#"))] == []


def test_the_wheel_carries_the_units_and_its_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for path in (ROOT / "systemd").iterdir():
            assert archive.read(f"shipper/systemd/{path.name}") == path.read_bytes()
        assert "shipper/py.typed" in archive.namelist()
        assert not [name for name in archive.namelist() if name.startswith("tests")]


def test_the_manual_page_comes_along_and_knows_every_command_and_option(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("share/man/man1/shipper.1"))
        page = archive.read(name).decode().replace("\\-", "-")
    missing = [words for words in every_word(whole_parser()) if words not in page]
    assert missing == [], "`make man` writes it anew"


def every_word(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The commands below a parser and the options of all of them."""
    for action in parser._actions:
        yield from (option for option in action.option_strings if option.startswith("--") and option != "--help")
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices
            for child in action.choices.values():
                yield from every_word(child)


def test_the_installed_wheel_records_and_answers(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    program = (
        "from shipper import App, Event, one_of\n"
        "app = App('mytool', version='1.0', endpoint='http://127.0.0.1:9',"
        " events=[Event('theme', 'Which themes people choose.', name=one_of('dark', 'light'))])\n"
        "import shipper; print(shipper.__file__, app.record('theme', name='dark'))"
    )
    found = run("-c", program, folder=tmp_path, PYTHONPATH=str(tmp_path / "installed"))
    assert found.split() == [str(tmp_path / "installed/shipper/__init__.py"), "True"]
    shown = run("-m", "shipper", "show", "mytool", folder=tmp_path, PYTHONPATH=str(tmp_path / "installed"))
    assert '"fields":{"name":"dark"}' in shown


def test_the_sdist_holds_what_the_repository_holds(unpacked: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no checkout: nobody says what the repository holds")
    there = {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    assert there - {str(path.relative_to(unpacked)) for path in unpacked.rglob("*")} == set()


def test_the_tests_of_the_sdist_pass_where_it_was_unpacked(unpacked: Path) -> None:
    there = {"PYTHONPATH": str(unpacked)}
    told = run("-c", "import shipper; print(shipper.__file__)", folder=unpacked, **there)
    assert told.startswith(str(unpacked))
    said = run("-m", "pytest", "-p", "no:cacheprovider", *SHARE, folder=unpacked, **there)
    assert "100%" in said
