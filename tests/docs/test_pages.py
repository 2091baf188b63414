"""The README and every page are true: programs run, transcripts are what a terminal shows, commands and targets exist."""

import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import shipper as shipper_package
from shipper import App, Event, cli
from tests.fixtures.command_line import PATIENCE, ROOT, free_port, shipper
from tests.fixtures.waiting import until

GENERATED = ("wunderctl-telemetry.md",)
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [page for page in PAGES if page.name not in GENERATED]
MOST_WORDS = 1200
PORT = "4417"
OTHERS = {
    "pip",
    ".",
    "eval",
    "loginctl",
    "cd",
    "git",
    "docker",
    "python",
    "pytest",
    "curl",
    "sudo",
    "systemctl",
    "export",
}
"""First words of commands in pages that are not ours to run here."""


class Block(NamedTuple):
    """What stands between two fences: its language, the file that it is, the text."""

    language: str
    title: str
    text: str


def blocks(page: Path) -> list[Block]:
    found = re.findall(
        r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```$', page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return [Block(*one) for one in found]


FILES = {block.title: block.text for page in PAGES for block in blocks(page) if block.title}
PROGRAMS = [
    (page.name, number, block.text)
    for page in PAGES
    for number, block in enumerate(blocks(page))
    if block.language == "python" and not block.title
]
WRITTEN = [
    (page.name, line.strip())
    for page in PAGES
    for block in blocks(page)
    if block.language == "sh"
    for line in block.text.replace("\\\n", " ").splitlines()
    if line.strip() and not line.startswith("#")
]
TYPES = [name for name in shipper_package.__all__ if name[0].islower()]
FOUND_OTHERWISE = {
    "self",
    "cli",
    "reason",
    "fields",
    "members",
    "more",
    "low",
    "high",
    "bounds",
    "packages",
    "first",
    "last",
}
"""Parameters that stand by their place: the tutorial shows a value in it."""
FIRST = """
import click

@click.group()
def cli():
    "Greet."

@cli.command()
def hello():
    click.echo("hello")

"""
"""The program that the README's first lines are added to."""


@pytest.mark.parametrize(
    ("page", "number", "program"), PROGRAMS, ids=[f"{page}-{number}" for page, number, _ in PROGRAMS]
)
def test_a_program_runs_without_a_word(page: str, number: int, program: str) -> None:
    del number
    whole = (FIRST if page == "README.md" else "") + program
    ran = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize(("page", "line"), WRITTEN, ids=[f"{page}-{line[:40]}" for page, line in WRITTEN])
def test_a_command_is_one_that_can_be_given(page: str, line: str) -> None:
    del page
    for command in re.split(r"&&|\|", line.partition(" #")[0]):
        words = shlex.split(command.rstrip("& "))
        if words[0] == "shipper":
            own = words[1 : words.index("--")] if "--" in words else words[1:]
            cli.whole_parser().parse_args(own)
        elif words[0] == "make":
            assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text()
        elif words[0] in ("sh", "python") and words[1].endswith((".py", ".sh")):
            assert words[1] in FILES or (ROOT / words[1]).exists()
        else:
            assert words[0] in OTHERS, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_a_command_that_is_named_in_a_sentence_is_there(page: Path) -> None:
    named = re.findall(r"`shipper ([a-z]+)\b", page.read_text(encoding="utf-8"))
    assert [command for command in named if command not in cli.COMMANDS] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_a_link_leads_to_a_file_that_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not link.startswith("http") and not (page.parent / link).exists()] == []


@pytest.mark.parametrize(
    "of", [App, App.instrument, Event, *(getattr(shipper_package, name) for name in TYPES)], ids=lambda of: of.__name__
)
def test_the_tutorial_names_every_parameter(of: Callable[..., object]) -> None:
    said = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    named = [name for name in inspect.signature(of).parameters if name not in FOUND_OTHERWISE]
    assert [name for name in named if f"`{name}`" not in said and f"{name}=" not in said] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= MOST_WORDS


def test_no_page_cites_a_commit() -> None:
    for page in PAGES:
        assert (
            re.findall(r"(?<=[| `])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{7}(?=[| `])", page.read_text()) == []
        ), page


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a transcript with what it prints."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


def matches(printed: str, shown: str) -> bool:
    """Say whether `shown` is what a page says was `printed`.

    `...` stands for anything, alone on a line for any number of lines; times and durations are of that run.
    """
    pattern = ""
    for line in printed.splitlines():
        exact = re.sub(r"in\\ \d+\\\.\d\\ s", r"in\\ \\d+\\.\\d\\ s", re.escape(line)).replace(r"\.\.\.", "[^\n]*")
        exact = re.sub(r'"duration_ms":\d+', r'"duration_ms":\\d+', exact)
        pattern += r"(?:[^\n]*\n)*" if line == "..." else exact + "\n"
    return re.fullmatch(pattern, shown) is not None


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["Desk"]:
    """A folder with every file that the pages show, and shipper on the PATH."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    desk = Desk(str(free_port()))
    for name, text in FILES.items():
        (tmp_path / name).write_text(text.replace(PORT, desk.port))
    yield desk
    desk.end()


class Desk:
    """Gives commands as a person would, and says what they printed. The usual port may be taken here: that alone differs."""

    def __init__(self, port: str) -> None:
        self.port = port
        self.running: list[subprocess.Popen[bytes]] = []

    def give(self, command: str) -> str:
        """Run one command of a page; one that ends with & goes on."""
        if not command.endswith("&"):
            ran = subprocess.run(
                ["bash", "-c", command],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
                env=self._environ(),
            )
            return (ran.stdout + ran.stderr).replace(self.port, PORT)
        words = [*shlex.split(command[:-1]), "--listen", f"127.0.0.1:{self.port}"]
        with open("said", "wb") as said:
            self.running.append(subprocess.Popen(words, stdout=said, stderr=said))
        until(lambda: Path("said").read_bytes().endswith(b"\n"), PATIENCE, command)
        return Path("said").read_text().replace(self.port, PORT)

    def _environ(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}

    def end(self) -> None:
        """End what goes on."""
        for process in self.running:
            process.terminate()
            process.wait(PATIENCE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_a_transcript_is_what_a_terminal_shows(page: Path, desk: Desk) -> None:
    for block in blocks(page):
        if block.language == "console":
            for command, printed in steps(block.text):
                shown = desk.give(command)
                assert matches(printed, shown), f"$ {command}\n{shown}"


def test_the_readmes_three_commands_bring_an_event_onto_the_page(desk: Desk) -> None:
    python, commands = (block.text for block in blocks(ROOT / "README.md")[:2])
    Path("greet.py").write_text((FIRST + python + "cli()\n").replace(PORT, desk.port))
    said = [desk.give(line.partition("#")[0].strip()) for line in commands.splitlines()]
    assert len(said) == 3
    assert said[0].startswith(f"shipper collect: listening on http://127.0.0.1:{PORT}\n")
    assert said[1] == "hello\n"
    assert "1 event delivered" in said[2]
    report = shipper("report", "--from", f"http://127.0.0.1:{desk.port}", "--question", "commands").stdout
    assert re.search(r"^ +hello +1 ", report, re.MULTILINE), report
