"""The files of the service: what is shipped is what is installed, systemd knows every word of it, and it scores well."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shipper.errors import ShipperError
from shipper.service import units
from shipper.service.units import ON_DEMAND, RESIDENT, Place, files, here, hidden, quoted, shipped

SYSTEMD = Path(units.__file__).parent.parent.parent / "systemd"

PLACE = Place(
    command=("/usr/bin/python3", "-P", "/usr/lib/python3/dist-packages/shipper/__main__.py"),
    home="/home/me",
    state="/home/me/.local/state/shipper",
    config="/home/me/.config/shipper",
    program=("/usr", "/usr/lib/python3/dist-packages"),
    variables={},
)


def settings(text: str, section: str = "Service") -> list[str]:
    part = text.split(f"[{section}]")[1].split("\n[")[0]
    return [line for line in part.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("kind", [RESIDENT, ON_DEMAND])
def test_what_is_installed_is_what_is_shipped_byte_for_byte(kind: str) -> None:
    installed = files(kind, PLACE, fallback=True)
    names = {"shipper.service"} if kind == RESIDENT else {"shipper-flush.service", "shipper-flush.timer"}
    assert set(installed) == names | {f"{kind}.d/here.conf", f"{kind}.d/no-user-namespaces.conf"}
    for name in set(installed) - {f"{kind}.d/here.conf"}:
        assert installed[name] == (SYSTEMD / os.path.basename(name)).read_bytes()
        assert installed[name].startswith(units.OURS)


def test_in_the_usual_places_the_drop_in_names_the_interpreter_and_nothing_else() -> None:
    assert settings(here(RESIDENT, PLACE)) == [
        "ExecStart=",
        "ExecStart=/usr/bin/python3 -P /usr/lib/python3/dist-packages/shipper/__main__.py run",
    ]
    assert "[Unit]" not in here(RESIDENT, PLACE)


def test_both_services_have_the_same_sandbox() -> None:
    def sandbox(name: str) -> set[str]:
        after = shipped(name).decode().split("PrivateUsers=yes")[1].split("[Install]")[0]
        return {line for line in after.splitlines() if line and not line.startswith("#")}

    assert sandbox(RESIDENT) - sandbox(ON_DEMAND) == {"BindPaths=%t/systemd/notify"}  # a oneshot has nothing to say
    assert sandbox(ON_DEMAND) - sandbox(RESIDENT) == set()


def test_the_sandbox_shows_of_a_home_only_what_the_interpreter_needs() -> None:
    folders = ["/home/me", "/home/me/.venv", "/home/me/.venv/lib", "/usr", "/home/other/tools", "/tmp/venv", "/homes/x"]
    assert hidden(folders, "/home/me") == ["/home/me/.venv", "/home/other/tools", "/tmp/venv"]
    assert hidden(["/data/me/venv", "/data/me"], "/data/me") == ["/data/me/venv"]


@pytest.mark.parametrize("text", ['a"b', "a'b", "a\\b", "a\nb", "$HOME", "a\x1bb"])
def test_what_would_be_read_otherwise_is_not_written(text: str) -> None:
    with pytest.raises(ShipperError, match="cannot stand in a unit"):
        quoted(text)


def test_spaces_and_percent_signs_are_kept() -> None:
    assert quoted("/a b/100%") == '"/a b/100%%"'
    assert quoted("/plain") == "/plain"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("kind", [RESIDENT, ON_DEMAND])
def test_systemd_knows_every_word_and_finds_it_little_exposed(tmp_path: Path, kind: str) -> None:
    for name, content in files(kind, PLACE, fallback=False).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    analyze = ["systemd-analyze", "--user", "--no-pager"]
    done = subprocess.run(
        [*analyze, "verify", str(tmp_path / kind)], env=environ, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    exposed = subprocess.run(
        [*analyze, "security", "--offline=true", "--threshold=30", str(tmp_path / kind)],
        env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    score = re.search(r"Overall exposure level for \S+: ([\d.]+) ", exposed.stdout)
    assert score, exposed.stdout + exposed.stderr
    print(f"{kind}: exposure {score[1]}")
    assert float(score[1]) <= 2.5


def test_every_setting_of_the_fallback_takes_one_of_the_sandbox_back() -> None:
    names = [line.partition("=")[0] for line in settings(shipped(units.FALLBACK).decode())]
    there = [line.partition("=")[0] for line in settings(shipped(RESIDENT).decode())]
    assert set(names) <= set(there)


def test_where_no_manager_answers_it_says_so_and_what_to_do(home: Path) -> None:
    for words in (["install"], ["install", "--on-demand"], ["uninstall"], ["status"]):
        command = [sys.executable, "-m", "shipper", "service", *words]
        done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 1
        assert "no systemd user manager answers here" in done.stderr
        assert "each CLI starts its passes itself" in done.stderr
        assert "Traceback" not in done.stderr
    assert not home.exists()


def test_where_there_is_no_systemd_it_says_so(home: Path) -> None:
    environ = {**os.environ, "PATH": str(home)}
    command = [sys.executable, "-m", "shipper", "service", "install"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "this system has no systemd" in done.stderr
