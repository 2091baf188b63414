"""A temporary folder with strangers installed and shipper beside them, in which their command lines are run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shipper.reader import decode
from tests.strangers.stranger import Stranger

ROOT = Path(__file__).parents[2]
TELEMETRY = '''"""What every stranger's author would write once. With STRANGER_BARE=1 it does nothing."""
import os

def instrument(cli, **options):
    return cli if os.environ.get("STRANGER_BARE") else app().instrument(cli, **options)

def name_command(name):
    if not os.environ.get("STRANGER_BARE"):
        app().name_command(name)

_made = []

def app():
    if not _made:
        from shipper import App, Event, command_names, error_class, integer, milliseconds, one_of
        name, *more = os.environ["STRANGER"].split()
        outcomes = one_of("ok", "error", "usage", "interrupted")
        errors = error_class("click", "typer", "flask", "mkdocs", "huggingface_hub")
        _made.append(App(name, version="1.0", endpoint="http://127.0.0.1:9", events=[
            Event("command", "Which commands people use, and how they end.", command=command_names(*more),
                  duration_ms=milliseconds(), outcome=outcomes, exit_code=integer(0, 255), error=errors)]))
    return _made[0]
'''
SECONDS = 120
"""That one command line of a stranger may take: the slowest takes two on a machine that is busy."""


@dataclass(frozen=True)
class Ran:
    """What a command line came to."""

    stdout: bytes
    stderr: bytes
    status: int


class Workshop:
    """Strangers in one environment, each with a script of its own."""

    def __init__(self, folder: Path, strangers: Iterable[Stranger]) -> None:
        self.folder, self.strangers = folder, tuple(strangers)
        self.python = str(folder / "venv" / "bin" / "python")

    def build(self, *more: str) -> str:
        """Install the strangers and write their scripts. Returns why that cannot be, or "" when all is done."""
        subprocess.run([sys.executable, "-m", "venv", self.folder / "venv"], check=True)
        wanted = [*(each.package for each in self.strangers), *more]
        install = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries=1"]
        done = subprocess.run([*install, *wanted], capture_output=True, text=True)
        if done.returncode:
            return f"the strangers cannot be installed from PyPI: {done.stderr.strip()[-300:]}"
        (self.site / "stranger_telemetry.py").write_text(TELEMETRY)
        (self.site / "shipper_checkout.pth").write_text(f"{ROOT}\n")
        for stranger in self.strangers:
            self._write(stranger)
        return ""

    @property
    def site(self) -> Path:
        """Where packages are installed."""
        (found,) = (self.folder / "venv" / "lib").glob("python3.*/site-packages")
        return found

    def _write(self, stranger: Stranger) -> None:
        for name, there, instead in stranger.edits:
            text = (self.site / name).read_text()
            assert text.count(there) == 1, f"{name} of {stranger.package} is not as it was: {there}"
            (self.site / name).write_text(text.replace(there, instead))
        (self.folder / "bin").mkdir(exist_ok=True)
        script = (
            f"import sys\nfrom stranger_telemetry import instrument, name_command\n{stranger.prepare}{stranger.run}\n"
        )
        (self.folder / "bin" / stranger.name).write_text(script)
        plugin = f"import sys\nfrom stranger_telemetry import instrument, name_command\n{stranger.prepare}"
        (self.site / f"stranger_{stranger.name.replace('-', '_')}.py").write_text(plugin)

    def environ(self, stranger: Stranger, bare: bool) -> dict[str, str]:
        """What a process of a stranger sees: a home of its own, a person who agreed, and no network worth the name."""
        home = self.folder / "home"
        config = home / "shipper" / "config" / "shipper"
        if not config.exists():
            config.mkdir(mode=0o700, parents=True)
            (config / "_all.mode").write_text("on 2026-11-25T00:00:00.000Z test\n")
            for each in (home / "shipper", config.parent, config):
                each.chmod(0o700)
        environ = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "COLUMNS": "80", "TERM": "dumb"}
        environ |= {"SHIPPER_HOME": str(home / "shipper"), "SHIPPER_SPAWN": "0", "STRANGER": self.words(stranger)}
        environ |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "NO_COLOR": "1", "HF_HUB_OFFLINE": "1"}
        environ |= {"http_proxy": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1", "no_proxy": "127.0.0.1"}
        return environ | ({"STRANGER_BARE": "1"} if bare else {})

    def words(self, stranger: Stranger) -> str:
        """The app's name and the names that no tree shows."""
        return " ".join([stranger.name, *stranger.names])

    def work_folder(self, stranger: Stranger) -> Path:
        """A fresh folder with the stranger's files, and a fresh home, at the same paths each time: programs print them."""
        work = self.folder / "work"
        for folder in (work, self.folder / "home"):
            shutil.rmtree(folder, ignore_errors=True)
        work.mkdir()
        for name, text in stranger.files.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(text)
        return work

    def run(self, stranger: Stranger, typed: str, work: Path, bare: bool) -> Ran:
        """Run one command line; a + stands for a space within a word."""
        words = [word.replace("+", " ") for word in typed.split()]
        line = [self.python, str(self.folder / "bin" / stranger.name), *words]
        done = subprocess.run(
            line,
            cwd=work,
            env=self.environ(stranger, bare),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
        )
        return Ran(done.stdout, done.stderr, done.returncode)

    def take(self, stranger: Stranger) -> list[dict[str, object]]:
        """Return what was recorded since the last time."""
        spool = Path(self.environ(stranger, bare=False)["SHIPPER_HOME"]) / "state" / "shipper" / "apps" / stranger.name
        try:
            lines = (spool / "active.ndjson").read_bytes().splitlines()
        except FileNotFoundError:
            return []
        (spool / "active.ndjson").unlink()
        found = [decode(line)["fields"] for line in lines]
        return [dict(fields) for fields in found]
