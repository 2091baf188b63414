"""The sandbox, proven from the inside: one probe runs in the unit and beside it, and each line tells the two apart."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.systemd_person import HOME, Person, missing, person

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "it can run")

PROBE = Path(__file__).with_name("probe.py")
NAME = f"shipper-probe-{os.getpid()}"

Found = dict[str, dict[str, str]]

#: What must come of each attempt in the unit.
PREVENTED = {
    "TemporaryFileSystem: write the home": "EROFS",
    "TemporaryFileSystem: read a key in the home": "ENOENT",
    "TemporaryFileSystem: write /tmp": "EROFS",
    "TemporaryFileSystem: read another's file in /tmp": "ENOENT",
    "TemporaryFileSystem: write /var/tmp": "EROFS",
    "BindReadOnlyPaths: write a choice": "EROFS",
    "ProtectHome: speak with the manager": "ENOENT",
    "ProtectSystem: write where anybody may": "EROFS",
    "PrivateDevices: see a device of the machine": "ENOENT",
    "ProtectKernelTunables: write /proc/sys": "EROFS",
    "ProtectControlGroups: make a group": "EROFS",
    "ProtectKernelModules: load a module": "EPERM",
    "ProtectKernelLogs: see the kernel's log": "ENOENT",
    "ProtectClock: ask how the clock is steered": "EPERM",
    "RestrictAddressFamilies: raw packets": "EAFNOSUPPORT",
    "RestrictAddressFamilies: the hypervisor": "EAFNOSUPPORT",
    "SystemCallFilter: trace a process": "EPERM",
    "SystemCallFilter: become another": "EPERM",
    "SystemCallArchitectures: run a 32-bit program": "EPERM",
    "MemoryDenyWriteExecute: execute what was written": "EPERM",
    "LockPersonality: another personality": "EPERM",
    "RestrictNamespaces: a namespace": "EPERM",
    "RestrictRealtime: another scheduler": "EPERM",
    "RestrictSUIDSGID: a set-user-id file": "EPERM",
}
#: What sending needs.
ALLOWED = (
    "BindPaths: write the state folder",
    "BindReadOnlyPaths: read the choices",
    "RestrictAddressFamilies: the internet",
    "RestrictAddressFamilies: the internet, 6",
    "RestrictAddressFamilies: the manager",
    "RestrictAddressFamilies: the resolver",
)
#: What the kernel says of a process in the unit.
FACTS = {
    "NoNewPrivs": "1",
    "Seccomp": "2",
    "CapBnd": "0000000000000000",
    "uid_map": "54321 54321 1",
    "umask": "0077",
    "nice": "5",
    "io": "3",
    "home": ".config .local",
}


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Person]:
    planted = [f"/tmp/{NAME}", f"/var/tmp/{NAME}", f"/tmp/{NAME}-other"]
    Path(planted[2]).write_text("somebody else's")
    try:
        with person(tmp_path / "visitor") as logged_in:
            logged_in.write(".ssh/id_ed25519", "a key")
            logged_in.shipper("on")
            yield logged_in
    finally:
        for path in planted:
            Path(path).unlink(missing_ok=True)


def probed(visitor: Person, unit: str) -> Found:
    """What the probe finds in the unit as its file stands now."""
    clear(visitor)
    visitor.systemctl("daemon-reload")
    visitor.systemctl("restart", unit)
    return read((visitor.state / "said").read_text())


def clear(visitor: Person) -> None:
    """Take away what an attempt that succeeded has left."""
    left = " ".join(f"{place}/{NAME}" for place in ("/srv", "/tmp", "/var/tmp", HOME, f"{HOME}/.config/shipper"))
    group = visitor.show("ControlGroup", "app.slice")
    visitor.run(
        "sh", "-c", f"rm -f {left} {HOME}/.local/state/shipper/probe*; rmdir /sys/fs/cgroup{group}/{NAME} 2>&1 || true"
    )


def read(text: str) -> Found:
    found: Found = json.loads(text)
    return found


def command(visitor: Person) -> list[str]:
    folders = [f"{HOME}/.local/state/shipper", f"{HOME}/.config/shipper", NAME, "/srv"]
    return [sys.executable, str(PROBE), *folders, visitor.show("ControlGroup", "app.slice")]


def put_probe(visitor: Person, unit: str) -> None:
    """Have the unit run the probe in the daemon's place."""
    visitor.shipper("service", "install", *["--on-demand"] * (unit != "shipper.service"))
    visitor.drop_in(
        f"[Unit]\nConditionPathIsDirectory=\n[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\nExecStart=\n"
        f"ExecStart={' '.join(command(visitor))}\nStandardOutput=truncate:{HOME}/.local/state/shipper/said\n",
        unit,
    )


@pytest.mark.parametrize("unit", ["shipper.service", "shipper-flush.service"])
def test_each_line_of_the_sandbox_does_what_it_says(visitor: Person, unit: str) -> None:
    put_probe(visitor, unit)
    outside = read(visitor.run("systemd-run", "--user", "--wait", "--pipe", "--quiet", *command(visitor)))
    inside = probed(visitor, unit)
    for name in sorted(inside["tried"]):
        print(f"{name:56} {outside['tried'][name]:14} -> {inside['tried'][name]}")

    assert inside["tried"] == PREVENTED | dict.fromkeys(ALLOWED, "done")
    blind = [name for name, found in PREVENTED.items() if outside["tried"][name] == found]
    assert blind == []  # each would have come out otherwise without the sandbox, for the same person
    assert {name: inside["facts"][name] for name in FACTS} == FACTS
    assert [name for name, found in FACTS.items() if outside["facts"][name] == found] == []
    assert inside["facts"]["uts"] != outside["facts"]["uts"]  # ProtectHostname


#: Lines whose work another line does as well, so that one of them alone may go unnoticed.
COVERED = {
    "ProtectKernelModules": "SystemCallFilter refuses to load one",
    "ProtectClock": "SystemCallFilter refuses to steer it",
    "ProtectHostname": "its namespace is seen, but no attempt tells it apart",
}


def test_no_line_of_the_sandbox_is_there_for_nothing(visitor: Person) -> None:
    put_probe(visitor, "shipper.service")
    unit = visitor.home / ".config/systemd/user/shipper.service"
    whole = unit.read_text()
    lines = whole.split("PrivateUsers=yes")[1].split("[Install]")[0].splitlines()
    before, unnoticed = probed(visitor, "shipper.service"), []
    for line in [line for line in lines if line and not line.startswith("#")]:
        if line in ("BindPaths=%t/systemd/notify", "SystemCallErrorNumber=EPERM", "BindPaths=%h/.local/state/shipper"):
            continue  # what the unit needs: without them it, or the probe, could not say anything
        unit.write_text(whole.replace(f"\n{line}\n", "\n"))
        found = probed(visitor, "shipper.service")
        changed = [name for name in PREVENTED | dict.fromkeys(ALLOWED) if found["tried"][name] != before["tried"][name]]
        changed += [name for name in FACTS if found["facts"][name] != before["facts"][name]]
        print(f"{line:50} {', '.join(changed) or '-'}")
        if not changed and line.partition("=")[0] not in COVERED:
            unnoticed.append(line)
    assert unnoticed == []
