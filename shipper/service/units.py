"""The files of the service: those of the folder systemd/, copied exactly, and one drop-in with what this machine knows."""

import importlib.util
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shipper.errors import ShipperError
from shipper.recording.folder import home_path
from shipper.wakeup.spawn import interpreter

RESIDENT, ON_DEMAND = "shipper.service", "shipper-flush.service"
TIMER = "shipper-flush.timer"
#: Every unit, so that changing from one to the other leaves nothing of the first behind.
UNITS = (RESIDENT, ON_DEMAND, TIMER)
#: The file in `<state>/shipper` that has the on-demand unit start where nothing waits.
TRIAL = "trial"
HERE, FALLBACK = "here.conf", "no-user-namespaces.conf"
#: The first words of every file of ours: what does not begin with them is somebody else's and is not touched.
OURS = b"# shipper", b"# One look", b"# When shipper", b"# For a kernel", b"# Written by `shipper service"
#: Where the units' sandbox shows nothing, besides %h.
_HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - compared only


@dataclass(frozen=True, slots=True)
class Place:
    """What of this machine the drop-in names. Every path is absolute."""

    command: tuple[str, ...]  #: the interpreter and its flags, up to `shipper`
    home: str
    state: str  #: <state>/shipper
    config: str  #: <config>/shipper
    program: tuple[str, ...]  #: what the interpreter needs, folders and files
    variables: Mapping[str, str]  #: those that move the two folders


def place(environ: Mapping[str, str]) -> Place:
    """What this process, which is the same shipper that is to run as a service, knows of itself."""
    found = [importlib.util.find_spec(name) for name in ("shipper", "filelock", "httpx", "platformdirs", "tenacity")]
    packages = {os.path.dirname(os.path.dirname(spec.origin)) for spec in found if spec and spec.origin}
    folders = {sys.prefix, sys.base_prefix, *packages, *filter(os.path.isfile, (sys.executable,))}
    return Place(
        command=tuple(interpreter()),
        home=environ.get("HOME", "") or os.path.expanduser("~"),
        state=home_path(environ, "state"),
        config=home_path(environ, "config"),
        program=tuple(sorted({*folders, *map(os.path.realpath, folders)})),
        variables={
            name: environ[name] for name in ("SHIPPER_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME") if environ.get(name)
        },
    )


def shipped(name: str) -> bytes:
    """A file of systemd/, from the installed package or from the checkout that the package lies in."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for folder in (os.path.join(package, "systemd"), os.path.join(os.path.dirname(package), "systemd")):
        try:
            with open(os.path.join(folder, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            continue
    raise ShipperError(f"this installation of shipper lacks systemd/{name}", "Install it again.")


def files(unit: str, where: Place, fallback: bool) -> dict[str, bytes]:
    """All that stands in the manager's folder for one unit (RESIDENT or ON_DEMAND), by relative path."""
    wanted = {unit: shipped(unit)}
    if unit == ON_DEMAND:
        wanted[TIMER] = shipped(TIMER)
    wanted[f"{unit}.d/{HERE}"] = here(unit, where).encode()
    if fallback:
        wanted[f"{unit}.d/{FALLBACK}"] = shipped(FALLBACK)
    return wanted


def here(unit: str, where: Place) -> str:
    """The drop-in: this interpreter, the folders that it lies in, and shipper's two where they are not the usual ones."""
    command = " ".join(map(quoted, where.command))
    lines = [
        "# Written by `shipper service install`: what only this machine knows.",
        *_conditions(unit, where),
        "[Service]",
        "ExecStart=",
        f"ExecStart={command} run{' --once' if unit == ON_DEMAND else ''}",
        *(f"Environment={quoted(f'{name}={value}')}" for name, value in where.variables.items()),
    ]
    if where.variables:
        lines += ["BindPaths=", f"BindPaths={quoted(where.state)}"]  # the first takes back those of both units
        lines += [f"BindReadOnlyPaths={quoted(where.config)}", *["BindPaths=%t/systemd/notify"] * (unit == RESIDENT)]
    lines += [f"BindReadOnlyPaths={quoted(path)}" for path in hidden(where.program, where.home)]
    return "\n".join(lines) + "\n"


def _conditions(unit: str, where: Place) -> list[str]:
    if not where.variables:
        return []
    lines = ["[Unit]", "ConditionPathIsDirectory="]  # which takes back every condition, whatever it asks
    lines += [f"ConditionPathIsDirectory={_percent(path)}" for path in (where.state, where.config)]
    if unit == ON_DEMAND:
        waiting = [f"apps/*/{room}" for room in ("active.ndjson", "sealed/*", "sending/*", "lost/*", "deletions/*")]
        lines += [f"ConditionPathExistsGlob=|{_percent(where.state)}/{name}" for name in (*waiting, TRIAL)]
    return lines


def hidden(folders: Iterable[str], home: str) -> list[str]:
    """Of the program's folders those that the sandbox hides, the outermost only, never the home itself."""
    homes = (home, os.path.realpath(home))
    covered = (*homes, *_HIDDEN)
    inside = [
        path
        for path in folders
        if path not in homes and any(path.startswith(each.rstrip("/") + "/") for each in covered)
    ]
    return [path for path in inside if not any(path.startswith(other + "/") for other in inside)]


def quoted(text: str) -> str:
    """A word in a unit file (systemd.syntax(7)). Raises ShipperError for what cannot stand in one."""
    if not text.isprintable() or set(text) & set("\"'\\$"):
        raise ShipperError(f"{text!a} cannot stand in a unit file", "Install shipper in a folder with a plainer name.")
    return f'"{_percent(text)}"' if " " in text else _percent(text)


def _percent(path: str) -> str:
    return path.replace("%", "%%")
