"""launchd and the task scheduler of Windows: what is written is what their formats document, what is asked is recorded.

Nobody of us has run them yet. A fake launchctl and a fake schtasks on the PATH write down each call and remember what is
loaded; everything else is real: files, processes, the command line.
"""

import os
import plistlib
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from shipper.cli.service import words
from shipper.errors import ShipperError
from shipper.service import launchd, systemd, task_scheduler
from shipper.service.systems import manager
from shipper.wakeup import windows
from tests.fixtures.daemon_process import choose, pending, record
from tests.fixtures.faults import Faults

FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> {calls}
case "$*" in
  bootstrap*|/Create*)
    [ -e {refuse} ] && {{ echo "no" >&2; exit 5; }}
    touch {loaded}; for last; do :; done; cp "$last" {kept} ;;
  bootout*|/Delete*) [ -e {loaded} ] || exit 3; rm {loaded} ;;
  print*) [ -e {loaded} ] || exit 113; printf 'state = running\\n\\tpid = 4242\\n' ;;
  /Query*) [ -e {loaded} ] || exit 1; iconv -f utf-16 -t utf-8 {kept} ;;
esac
"""
DOCUMENTED = {
    "Label", "ProgramArguments", "EnvironmentVariables", "RunAtLoad", "ProcessType", "LowPriorityIO", "Nice", "Umask",
    "StandardOutPath", "StandardErrorPath", "StartInterval", "KeepAlive",
}  # fmt: skip
"""The keys of launchd.plist(5) that we use."""


class Asked:
    """A fake manager's memory."""

    def __init__(self, folder: Path) -> None:
        self.calls, self.loaded = folder / "calls", folder / "loaded"
        self.refuse, self.kept = folder / "refuse", folder / "kept"

    def __call__(self) -> list[str]:
        said = self.calls.read_text().splitlines() if self.calls.exists() else []
        self.calls.write_text("")
        return said


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    memory = Asked(tmp_path)
    fakes = tmp_path / "bin"
    fakes.mkdir()
    for name in ("launchctl", "schtasks"):
        places = {key: getattr(memory, key) for key in ("calls", "loaded", "refuse", "kept")}
        (fakes / name).write_text(FAKE.format(**places))
        (fakes / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{fakes}{os.pathsep}{os.environ['PATH']}")
    return memory


def test_each_system_has_its_manager_and_says_whether_it_is_proven() -> None:
    found = {platform: manager(platform) for platform in ("linux", "darwin", "win32", "freebsd14")}
    assert found == {"linux": systemd, "darwin": launchd, "win32": task_scheduler, "freebsd14": systemd}
    assert [found[platform].PROVEN for platform in ("linux", "darwin", "win32")] == [True, False, False]


@pytest.mark.parametrize("on_demand", [False, True])
def test_launchd_is_given_a_property_list_of_documented_keys(on_demand: bool, asked: Asked) -> None:
    said = list(launchd.install(os.environ, on_demand))
    path = launchd.plist(os.environ)
    assert said[0] == f"Installed: {path}"
    assert asked() == [f"launchctl bootstrap gui/{os.getuid()} {path}"]
    found = plistlib.loads(Path(path).read_bytes())
    assert set(found) <= DOCUMENTED
    assert found["ProgramArguments"][0] == sys.executable
    assert found["ProgramArguments"][-1] == ("--once" if on_demand else "run")
    assert os.path.isfile(found["ProgramArguments"][-3 if on_demand else -2])
    assert found["EnvironmentVariables"] == {"SHIPPER_HOME": os.environ["SHIPPER_HOME"]}
    assert ("StartInterval" in found, "KeepAlive" in found) == (on_demand, not on_demand)


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_installed_it_runs_again_is_harmless_and_is_taken_away_whole(platform: str, asked: Asked) -> None:
    system = manager(platform)
    assert system.status(os.environ).installed == ""
    for _ in range(2):
        list(system.install(os.environ, False))
    found = system.status(os.environ)
    assert (bool(found.installed), found.current, found.active.startswith("active")) == (True, True, True)
    assert words(found)[0].startswith("installed   ")
    assert os.path.isfile(system.installed_file(os.environ)) == (platform == "darwin")  # Windows keeps its tasks itself
    own = {"darwin": "launchctl", "win32": "s"}[platform]
    assert [text.split()[0].startswith(own) for text in (system.START, system.handing_over("HTTPS_PROXY"))] == [
        True,
        True,
    ]
    assert system.details(found) == []
    assert "untouched" in " ".join(system.uninstall(os.environ))
    assert not asked.loaded.exists()
    assert system.status(os.environ).installed == ""
    assert list(system.uninstall(os.environ)) == ["No service was installed."]


def test_what_launchd_refuses_leaves_nothing(asked: Asked) -> None:
    asked.refuse.touch()
    with pytest.raises(ShipperError, match="launchctl bootstrap failed: no"):
        list(launchd.install(os.environ, False))
    assert not os.path.exists(launchd.plist(os.environ))


def test_an_agent_of_another_version_is_told_from_ours(asked: Asked) -> None:
    list(launchd.install(os.environ, False))
    path = Path(launchd.plist(os.environ))
    path.write_bytes(path.read_bytes().replace(b"Background", b"Interactive"))
    assert launchd.status(os.environ).current is False
    asked.loaded.unlink()
    assert launchd.status(os.environ).active == "inactive (not loaded)"


def test_the_task_is_what_the_schema_prescribes(asked: Asked) -> None:
    list(task_scheduler.install(os.environ, False))
    (call,) = asked()
    assert call.startswith("schtasks /Create /F /TN event-shipper /XML ")
    assert not os.path.exists(call.rpartition(" ")[2])
    task = ElementTree.fromstring(asked.kept.read_bytes())
    space = f"{{{task_scheduler.NAMESPACE}}}"
    assert (task.tag, task.attrib["version"]) == (f"{space}Task", "1.2")
    assert [child.tag.removeprefix(space) for child in task] == [
        "RegistrationInfo", "Triggers", "Principals", "Settings", "Actions",
    ]  # fmt: skip
    trigger = task.find(f"{space}Triggers/{space}TimeTrigger")
    assert trigger is not None
    assert [child.tag.removeprefix(space) for child in trigger] == ["Repetition", "StartBoundary"]
    assert task.findtext(f".//{space}Interval") == "PT15M"
    assert task.findtext(f".//{space}Command") == sys.executable
    assert str(task.findtext(f".//{space}Arguments")).endswith("__main__.py flush")


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_where_the_command_is_missing_it_says_so(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ShipperError, match=r"this system has no (launchctl|schtasks)") as error:
        list(manager(platform).install(os.environ, False))
    assert "each CLI starts its passes itself" in error.value.hint


WITHOUT_FORK = """
import os
from shipper.cli import implicit
for name in ("fork", "getsid", "nice"):
    delattr(os, name)
implicit.LIFETIME = 1.5
raise SystemExit(implicit.main(["demo"]))
"""


def test_where_there_is_no_alarm_a_pass_that_hangs_ends_all_the_same(home: Path) -> None:
    choose("on")
    with Faults("hang") as receiver:
        record(receiver.endpoint)
        ended = subprocess.run([sys.executable, "-c", WITHOUT_FORK], capture_output=True, timeout=40, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, b"", b"")
    assert len(pending(home)) == 1


def test_a_flusher_of_windows_has_no_console_and_what_it_needs_to_find_the_network() -> None:
    given = windows.settings({"SHIPPER_SPAWN": "0"}, {"SYSTEMROOT": "C:\\Windows", "SECRET": "x"})
    assert given["env"] == {"SYSTEMROOT": "C:\\Windows", "SHIPPER_SPAWN": "0"}
    assert given["creationflags"] == 0x8 | 0x200 | 0x4000
    assert {given[name] for name in ("stdin", "stdout", "stderr")} == {subprocess.DEVNULL}
