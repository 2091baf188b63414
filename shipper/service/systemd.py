"""systemd: what `shipper service` does with the person's own manager, step by step. Each step says what it did."""

import fcntl
import getpass
import os
import struct
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from shipper import files
from shipper.errors import ShipperError
from shipper.recording.folder import Folder, open_config, open_state
from shipper.service import systemctl, units
from shipper.service.asking import Refusal
from shipper.service.status import Status
from shipper.service.units import FALLBACK, HERE, ON_DEMAND, RESIDENT, TIMER, TRIAL, UNITS
from shipper.wakeup import doorbell

PROVEN = True
START = "systemctl --user start shipper; if it ends again: journalctl --user -u shipper"
#: Seconds for a ring to be heard. The daemon sleeps in poll(): it needs microseconds, a machine that swaps needs longer.
HEARD = 10.0
#: The exit codes of systemd.exec(5) with which a unit fails whose namespaces or capabilities the kernel does not grant.
_NOT_GRANTED = ("217", "218", "226")  # user, capabilities, namespace


def install(environ: Mapping[str, str], on_demand: bool) -> Iterator[str]:
    """Put the units in place, start them and see that they work; yields what it did, line by line.

    Doing it again is harmless and brings the files up to date. Raises ShipperError; what was put in place until then
    is taken away again.
    """
    folder, unit = systemctl.folder(environ), ON_DEMAND if on_demand else RESIDENT
    where = units.place(environ)
    for path in (os.path.join(folder, name) for name in UNITS):
        _only_ours(path)
    open_state(environ, create=True).close()
    open_config(environ, create=True).close()
    _withdraw(folder)
    try:
        yield from _start(environ, folder, unit, where)
    except BaseException:
        _withdraw(folder)
        raise
    yield from surroundings(environ)


def _start(environ: Mapping[str, str], folder: str, unit: str, where: units.Place) -> Iterator[str]:
    place(folder, units.files(unit, where, fallback=False))
    systemctl.ask("daemon-reload")
    systemctl.ask("enable", *["--now"] * (unit == ON_DEMAND), TIMER if unit == ON_DEMAND else unit)
    with _trial(environ):
        try:
            systemctl.ask("start", unit)
        except Refusal:
            if systemctl.show(unit, "ExecMainStatus")["ExecMainStatus"] not in _NOT_GRANTED:
                raise
            place(folder, units.files(unit, where, fallback=True))
            systemctl.ask("daemon-reload")
            systemctl.ask("reset-failed", unit)
            systemctl.ask("start", unit)
            yield "This kernel grants no user namespaces, so the service runs without part of its sandbox:"
            yield f"  {unit}.d/{FALLBACK} says which part."
    yield f"Installed in {folder}: {', '.join(sorted(units.files(unit, where, fallback=False)))}"
    if systemctl.show(unit, "ConditionResult")["ConditionResult"] != "yes":
        raise ShipperError(f"the manager sees no {where.state} or no {where.config}", _LOOK)
    if unit == ON_DEMAND:
        yield "Started once, and it ended well. From now on it looks every quarter of an hour whether anything is due."
        return
    with open_state(environ) as state:
        serving = doorbell.holder(state)
    if systemctl.show(unit, "MainPID")["MainPID"] != str(serving):
        raise ShipperError(f"another daemon serves you already: process {serving}", "End it, then install again.")
    yield f"Running, and a ring was heard after {_heard(environ) * 1000:.1f} ms."


@contextmanager
def _trial(environ: Mapping[str, str]) -> Iterator[None]:
    """Have the on-demand unit start even if nothing waits: a unit that was never started proves nothing."""
    with open_state(environ) as state:
        os.close(state.open(TRIAL, os.O_WRONLY | os.O_CREAT))
        try:
            yield
        finally:
            files.remove(state, TRIAL)


def _only_ours(path: str) -> None:
    try:
        with open(path, "rb") as file:
            if not file.read(64).startswith(units.OURS):
                raise ShipperError(f"{path} was not written by shipper", "Rename it, then install again.")
    except FileNotFoundError:
        return


def place(folder: str, wanted: Mapping[str, bytes]) -> None:
    """Write the files, each whole or not at all."""
    for name, content in wanted.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "wb") as file:
            file.write(content)
        os.replace(path + ".new", path)


def _heard(environ: Mapping[str, str]) -> float:
    """Ring, and return the seconds until the daemon took the ring out of the doorbell. Raises ShipperError."""
    with open_state(environ) as state:
        if not doorbell.ring(state):
            raise ShipperError(f"the daemon runs, but nobody listens to the doorbell in {state.path}", _LOOK)
        begun = time.monotonic()
        while _rings(state):
            if time.monotonic() - begun > HEARD:
                raise ShipperError(f"the daemon does not answer the doorbell in {state.path}", _LOOK)
            time.sleep(0.001)
    return time.monotonic() - begun


_LOOK = "`systemctl --user status shipper` and `journalctl --user -u shipper` say more."


def _rings(state: Folder) -> int:
    """How many rings wait in the doorbell."""
    fd = os.open(doorbell.NAME, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=state.fd)
    try:
        return int(struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0\0\0\0"))[0])
    finally:
        os.close(fd)


def surroundings(environ: Mapping[str, str]) -> list[str]:
    """What a person must know of a user service: when it runs, and what of their shell it does not see."""
    lines = []
    if not systemctl.lingers(getpass.getuser()):
        lines.append("It runs while you are logged in. To have it run from boot on: `loginctl enable-linger`")
    unseen = sorted(name for name in environ if name.lower().endswith("_proxy") or name.startswith("SSL_CERT_"))
    if unseen:
        lines.append(
            f"It does not see your shell's {', '.join(unseen)}. To hand them over, also at your next login, write"
        )
        lines.append("  them to ~/.config/environment.d/proxy.conf as NAME=value lines, then install again.")
    return lines


def uninstall(environ: Mapping[str, str]) -> Iterator[str]:
    """Stop the units and take away all that install put in place. Events and choices stay."""
    folder = systemctl.folder(environ)
    gone = _withdraw(folder)
    yield f"Stopped and removed from {folder}: {', '.join(gone)}" if gone else "No service was installed."
    if gone:
        yield "Your events and choices are untouched; each CLI starts its passes itself again."


def _withdraw(folder: str) -> list[str]:
    """Stop, disable and remove; then the folders that this left empty. Returns the names of the files that went."""
    there = [name for name in UNITS if os.path.lexists(os.path.join(folder, name))]
    if there:
        systemctl.ask("disable", "--now", *there)
    gone = []
    for name in (*there, *(f"{unit}.d/{file}" for unit in UNITS for file in (HERE, FALLBACK))):
        with suppress(FileNotFoundError, NotADirectoryError):
            os.remove(os.path.join(folder, name))
            gone.append(name)
    if there:
        systemctl.ask("daemon-reload")
        with suppress(Refusal):  # there is nothing to forget of a unit that never failed
            systemctl.ask("reset-failed", *there)
    wants = ("default.target.wants", "timers.target.wants")
    for name in (*(f"{unit}.d" for unit in UNITS), *wants, ".", ".."):
        with suppress(OSError):
            os.rmdir(os.path.normpath(os.path.join(folder, name)))
    return gone


def status(environ: Mapping[str, str]) -> Status:
    """Look how the service does. Raises NoManager, Refusal."""
    folder = systemctl.folder(environ)
    unit = next((name for name in (RESIDENT, ON_DEMAND) if os.path.exists(os.path.join(folder, name))), "")
    fallback = os.path.exists(os.path.join(folder, f"{unit}.d", FALLBACK))
    shown = systemctl.show(unit or RESIDENT, "MainPID", "StatusText")
    active = systemctl.show(TIMER if unit == ON_DEMAND else RESIDENT, "ActiveState", "SubState", "Result")
    process = int(shown["MainPID"])
    return Status(
        installed=unit,
        current=bool(unit) and _is_current(folder, units.files(unit, units.place(environ), fallback)),
        sandboxed=bool(unit) and not fallback,
        active=f"{active['ActiveState']} ({active['SubState']})"
        + f", {active['Result']}" * (active["Result"] != "success"),
        process=process,
        memory=_resident(process),
        says=shown["StatusText"],
        listening=_listens(environ),
        lingers=systemctl.lingers(getpass.getuser()),
    )


def details(found: Status) -> list[str]:
    """Say what only systemd knows: the doorbell of a unit that stays, the sandbox, what a logout does."""
    told = [
        ("doorbell    ", "answers", "nobody listens", found.listening if found.installed == RESIDENT else None),
        ("sandbox     ", "whole", "in part: this kernel grants no user namespaces", found.sandboxed),
        ("at logout   ", "goes on (lingering)", "stops; `loginctl enable-linger` changes that", found.lingers),
    ]
    return [name + (yes if holds else no) for name, yes, no, holds in told if holds is not None]


def installed_file(environ: Mapping[str, str]) -> str:
    """The unit that stays, where it is installed in the person's folder."""
    base = environ.get("XDG_CONFIG_HOME", "")
    base = base if base.startswith("/") else environ.get("HOME", "") + "/.config"
    path = os.path.join(base, "systemd", "user", RESIDENT)
    return path if os.path.exists(path) else ""


def handing_over(name: str) -> str:
    """Say how the user manager, and so the service, learns of a variable."""
    return f"systemctl --user import-environment {name}"


def _listens(environ: Mapping[str, str]) -> bool:
    with suppress(OSError), open_state(environ) as state:
        return doorbell.listening(state)
    return False


def _is_current(folder: str, wanted: Mapping[str, bytes]) -> bool:
    for name, content in wanted.items():
        try:
            with open(os.path.join(folder, name), "rb") as file:
                if file.read() != content:
                    return False
        except OSError:
            return False
    return True


def _resident(process: int) -> int:
    try:
        with open(f"/proc/{process}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") if process else 0
    except OSError:
        return 0
