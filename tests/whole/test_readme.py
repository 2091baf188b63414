"""The README is true: its programs run, its commands exist, its transcript is what a terminal shows."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.command_line import PATIENCE, ROOT, free_port, shipper
from tests.fixtures.waiting import until

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [
    "".join(line[4:] if line.strip() else "\n" for line in block.splitlines(keepends=True)).strip() + "\n"
    for block in re.findall(r"(?:^(?: {4}.*)?\n)+", README, re.MULTILINE)
    if block.strip()
]
PROGRAMS = [block for block in BLOCKS if block.startswith(("from ", "import "))]
(DECLARATION,) = [block for block in BLOCKS if block.startswith("app = ")]
(TRANSCRIPT,) = [block for block in BLOCKS if block.startswith("$ ")]


def steps() -> Iterator[tuple[str, str]]:
    """Each command of the transcript with what it prints."""
    for part in re.split(r"^\$ ", TRANSCRIPT, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


def matches(printed: str, shown: str) -> bool:
    """Whether `shown` is what the README says was `printed`: `...` stands for anything, and times are of that run."""
    pattern = re.sub(r"in\\ \d+\\\.\d\\ s", r"in\\ \\d+\\.\\d\\ s", re.escape(printed)).replace(r"\.\.\.", "[^\n]*")
    return re.fullmatch(pattern, shown) is not None


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_of_the_readme_runs_without_a_word(program: str) -> None:
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`shipper ([a-z]+)\b", README))))
def test_a_command_that_the_readme_names_is_there(command: str) -> None:
    assert shipper(command, "--help").returncode == 0


def test_the_transcript_is_what_a_terminal_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "telemetry.toml").write_text(DECLARATION.replace("4417", str(port)))
    running: list[subprocess.Popen[bytes]] = []
    try:
        for command, printed in steps():
            if command.endswith("&"):
                # The default port may be taken on the machine that tests: that alone differs from the README.
                words = [*shlex.split(command[:-1]), "--listen", f"127.0.0.1:{port}"]
                with open("said", "wb") as said:
                    running.append(subprocess.Popen(words, stdout=said, stderr=said))
                until(lambda: Path("said").read_bytes().endswith(b"\n"), PATIENCE, command)
                shown = Path("said").read_text().replace(str(port), "4417")
            else:
                ran = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False)
                shown = ran.stdout + ran.stderr
            assert matches(printed, shown), f"$ {command}\n{shown}"
    finally:
        for process in running:
            process.terminate()
            process.wait(PATIENCE)
