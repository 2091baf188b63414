"""The service in a real `systemd --user`: installed, delivering, killed, stopped, hung, sandboxed, taken away again."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipper.service import units
from tests.fixtures.daemon_process import APP, resident
from tests.fixtures.faults import Faults
from tests.fixtures.systemd_person import HOME, Person, missing, person
from tests.fixtures.waiting import until

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "it can run")


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Person]:
    with person(tmp_path / "visitor") as logged_in:
        yield logged_in


def record(visitor: Person, endpoint: str, interval: int = 1, count: int = 1) -> None:
    """Record as the person's CLI does; without a daemon it would start nothing."""
    environ = {"SHIPPER_SPAWN": "0"}
    visitor.run(sys.executable, "-c", APP, "demo", endpoint, str(interval), str(count), environ=environ)


def pending(visitor: Person) -> list[Path]:
    files = (visitor.state / "apps/demo").rglob("*.ndjson")
    return [path for path in files if path.name != "history.ndjson" and path.stat().st_size]


def tree(visitor: Person) -> dict[str, str]:
    """All that stands in the home, folders and links included, but for the lock, which by S5 is never removed."""
    found = {}
    for path in sorted(visitor.home.rglob("*")):
        name = str(path.relative_to(visitor.home))
        if path.name != "daemon.lock":
            found[name] = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else "folder"
    return found


def set_due(visitor: Person, when: int) -> None:
    """Move the time of the next pass, and tell a daemon that sleeps."""
    (visitor.state / "apps/demo/due").write_text(f"00000000000 {when:011d}\n")
    visitor.run(
        sys.executable, "-c", "import os; from shipper.wakeup.spawn import tell_daemon; tell_daemon(os.environ)"
    )


def test_installed_it_delivers_by_itself_and_uninstalled_nothing_of_it_is_left(visitor: Person) -> None:
    visitor.shipper("on")
    with Faults() as receiver:
        record(visitor, receiver.endpoint, interval=900)
        before = tree(visitor)
        said = visitor.shipper("service", "install")
        assert "a ring was heard after" in said
        assert "enable-linger" in said
        installed = visitor.home / ".config/systemd/user"
        assert (installed / "shipper.service").read_bytes() == units.shipped("shipper.service")
        assert visitor.systemctl("is-enabled", "shipper").strip() == "enabled"

        record(visitor, receiver.endpoint)
        moment = int(time.time()) + 1
        set_due(visitor, moment)
        until(lambda: len(receiver.events) == 2, 60, "delivered without a flush by hand")
        late = time.time() - moment
        print(f"from due to delivered under the service: {late:.2f} s")
        assert late < 10
        until(lambda: pending(visitor) == [] and not visitor.processes()[1], 60)
        daemon, _ = visitor.processes()
        assert resident(daemon) <= 16 * 1024 * 1024
        told = json.loads(visitor.shipper("service", "status", "--json"))
        assert told | {"process": 0, "memory": 0, "says": ""} == {
            "installed": "shipper.service", "current": True, "sandboxed": True, "active": "active (running)", "process": 0,
            "memory": 0, "says": "", "listening": True, "lingers": False,
        }  # fmt: skip

        visitor.shipper("service", "uninstall")
    visitor.shipper("service", "status", code=3)
    after = tree(visitor)
    assert not [name for name in after if "systemd" in name or name.endswith("doorbell")]
    assert {name for name in before if not name.startswith(".local/state/shipper/apps/")} == {
        name for name in after if not name.startswith(".local/state/shipper/apps/")
    }
    assert visitor.show("LoadState") == "not-found"


def test_killed_with_its_pass_it_is_started_again_and_nothing_is_lost(visitor: Person) -> None:
    visitor.shipper("on")
    with Faults("hang", "acknowledge") as receiver:
        visitor.shipper("service", "install")
        visitor.drop_in("[Service]\nRestartSec=100ms\n")
        record(visitor, receiver.endpoint, count=5)
        until(lambda: receiver.requests, 60, "a send is in hand")
        daemon, passes = visitor.processes()
        for process in (daemon, *passes):
            os.kill(process, signal.SIGKILL)
        until(lambda: visitor.show("NRestarts") == "1" and visitor.show("ActiveState") == "active", 60, "it runs again")
        (visitor.state / "apps/demo/journal.json").unlink()  # it has the wait that a broken-off attempt leaves
        set_due(visitor, int(time.time()))
        until(lambda: len(receiver.events) == 5, 60, "all five are delivered")
        assert {request.key for request in receiver.requests} == {receiver.requests[0].key}
        until(lambda: pending(visitor) == [], 60)


def test_stopped_amid_a_send_it_stops_at_once_and_the_events_stay(visitor: Person) -> None:
    visitor.shipper("on")
    with Faults("hang") as receiver:
        visitor.shipper("service", "install")
        record(visitor, receiver.endpoint)
        until(lambda: receiver.requests, 60, "a send is in hand")
        begun = time.monotonic()
        visitor.systemctl("stop", "shipper")
        assert time.monotonic() - begun < 5
        assert visitor.show("Result") == "success"
        assert visitor.processes() == (0, [])
        assert len(pending(visitor)) == 1


def test_the_watchdog_bites_a_hung_daemon_and_the_next_one_serves(visitor: Person) -> None:
    visitor.shipper("on")
    with Faults() as receiver:
        visitor.shipper("service", "install")
        visitor.drop_in("[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\nRestartSec=100ms\n")
        visitor.systemctl("restart", "shipper")
        daemon, _ = visitor.processes()
        with pytest.raises(AssertionError, match="bitten"):  # one that lives is not bitten
            until(lambda: visitor.processes()[0] != daemon, 4, "bitten")
        os.kill(daemon, signal.SIGSTOP)
        until(lambda: visitor.processes()[0] not in (0, daemon), 60, "another daemon serves")
        record(visitor, receiver.endpoint)
        until(lambda: len(receiver.events) == 1, 60, "and delivers")
        assert visitor.show("NRestarts") == "1"


def test_beside_a_daemon_by_hand_the_service_is_not_installed(visitor: Person) -> None:
    running = visitor.run("sh", "-c", f"{sys.executable} -m shipper run >/dev/null 2>&1 & echo $!")
    until(lambda: (visitor.state / "doorbell").exists())
    said = visitor.shipper("service", "install", code=1)
    assert "another daemon serves you already" in said
    assert not (visitor.home / ".config/systemd").exists()
    visitor.run("kill", running.strip())
    until(lambda: not (visitor.state / "doorbell").exists())


def test_a_unit_of_somebody_else_is_left_alone(visitor: Person) -> None:
    path = visitor.write(".config/systemd/user/shipper.service", "[Service]\nExecStart=/bin/true\n")
    assert "was not written by shipper" in visitor.shipper("service", "install", code=1)
    assert path.read_text() == "[Service]\nExecStart=/bin/true\n"


def test_on_demand_no_process_stays_and_what_is_due_goes_out_by_the_timer(visitor: Person) -> None:
    visitor.shipper("on")
    with Faults() as receiver:
        said = visitor.shipper("service", "install", "--on-demand")
        assert "it ended well" in said
        assert visitor.show("ExecMainStartTimestampMonotonic", "shipper-flush.service") != "0"
        assert not (visitor.state / "trial").exists()
        assert visitor.processes() == (0, [])
        record(visitor, receiver.endpoint, interval=900)
        set_due(visitor, int(time.time()))
        visitor.drop_in(
            "[Timer]\nOnCalendar=\nOnCalendar=*:*:*\nRandomizedDelaySec=0\nAccuracySec=1us\n", "shipper-flush.timer"
        )
        visitor.systemctl("restart", "shipper-flush.timer")
        until(lambda: len(receiver.events) == 1, 60, "delivered by the timer")
        until(lambda: pending(visitor) == [], 60)
        until(
            lambda: visitor.show("ConditionResult", "shipper-flush.service") == "no",
            10,
            "nothing waits, nothing starts",
        )
        (visitor.home / ".config/systemd/user/shipper-flush.timer.d/test.conf").unlink()
        (visitor.home / ".config/systemd/user/shipper-flush.timer.d").rmdir()
        visitor.shipper("service", "uninstall")
    assert not [name for name in tree(visitor) if "systemd" in name]


@pytest.mark.parametrize("options", [[], ["--on-demand"]], ids=["resident", "on demand"])
def test_where_the_kernel_grants_no_user_namespaces_it_runs_without_part_of_its_sandbox(
    tmp_path: Path, options: list[str]
) -> None:
    with person(tmp_path / "visitor", user_namespaces=False) as visitor, Faults() as receiver:
        visitor.shipper("on")
        said = visitor.shipper("service", "install", *options)
        assert "grants no user namespaces" in said
        assert json.loads(visitor.shipper("service", "status", "--json"))["sandboxed"] is False
        record(visitor, receiver.endpoint)
        if options:
            set_due(visitor, int(time.time()))
            visitor.systemctl("start", "shipper-flush.service")
        until(lambda: len(receiver.events) == 1, 60, "delivered")
        visitor.shipper("service", "uninstall")
        assert not [name for name in tree(visitor) if "systemd" in name]


def test_other_folders_of_shipper_are_bound_by_the_drop_in(visitor: Person) -> None:
    environ = {"SHIPPER_HOME": f"{HOME}/else where/100%"}
    visitor.shipper("on", environ=environ)
    visitor.shipper("service", "install", environ=environ)
    with Faults() as receiver:
        visitor.run(
            sys.executable, "-c", APP, "demo", receiver.endpoint, "1", "1", environ=environ | {"SHIPPER_SPAWN": "0"}
        )
        until(lambda: len(receiver.events) == 1, 60, "delivered from there")
    visitor.shipper("service", "uninstall", environ=environ)


def test_an_interpreter_in_the_home_is_shown_to_the_unit_and_nothing_beside_it(visitor: Person) -> None:
    visitor.run(sys.executable, "-m", "venv", "--without-pip", f"{HOME}/tools/venv")
    site = next(path for path in sys.path if path.endswith("site-packages"))
    packages = next((visitor.home / "tools/venv/lib").glob("python*/site-packages"))
    visitor.write(
        str((packages / "here.pth").relative_to(visitor.home)), f"{site}\n{units.__file__.rsplit('/', 3)[0]}\n"
    )
    visitor.write("tools/secret", "nothing that the unit needs")
    python = f"{HOME}/tools/venv/bin/python"
    visitor.run(python, "-m", "shipper", "on")
    visitor.run(python, "-m", "shipper", "service", "install")
    daemon, _ = visitor.processes()
    root = Path(f"/proc/{daemon}/root{HOME}")
    assert sorted(path.name for path in (root / "tools").iterdir()) == ["venv"]
    visitor.run(python, "-m", "shipper", "service", "uninstall")
