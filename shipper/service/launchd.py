"""macOS: a launch agent of the person's own, by launchctl. NOT RUN BY US YET: written to its documented formats.

    ~/Library/LaunchAgents/io.github.event-shipper.plist

Sources: launchd.plist(5) for the keys; launchctl(1) for bootstrap, bootout and print in the domain gui/<uid>.
"""

import os
import plistlib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

from shipper.recording.folder import home_path, open_config, open_state
from shipper.service.asking import Refusal, ask
from shipper.service.status import Status
from shipper.wakeup.spawn import interpreter

PROVEN = False
LABEL = "io.github.event-shipper"
START = f"launchctl kickstart gui/$(id -u)/{LABEL}; if it ends again, service.log beside the events says why"
#: Seconds between two looks of a service that does not stay.
EVERY = 15 * 60
#: What of the environment moves shipper's folders; the agent sees nothing else of the shell.
_FOLDERS = ("SHIPPER_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")


def install(environ: Mapping[str, str], on_demand: bool) -> Iterator[str]:
    """Write the property list and have launchd load it. Raises ShipperError; then nothing of it is left."""
    path = plist(environ)
    open_state(environ, create=True).close()
    open_config(environ, create=True).close()
    _withdraw(path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "wb") as file:
        file.write(content(environ, on_demand))
    os.replace(path + ".new", path)
    try:
        ask("launchctl", "bootstrap", _domain(), path)
    except BaseException:
        os.remove(path)
        raise
    yield f"Installed: {path}"
    yield "launchd starts it now and at each login. We have not run this on a Mac ourselves yet: please tell us how it does."


def content(environ: Mapping[str, str], on_demand: bool) -> bytes:
    """The property list: the daemon that stays, or a look every quarter of an hour."""
    wanted: dict[str, object] = {
        "Label": LABEL,
        "ProgramArguments": [*interpreter(), "run", *["--once"] * on_demand],
        "EnvironmentVariables": {name: environ[name] for name in _FOLDERS if environ.get(name)},
        "RunAtLoad": True,
        "ProcessType": "Background",
        "LowPriorityIO": True,
        "Nice": 5,
        "Umask": 0o077,
        "StandardOutPath": os.devnull,
        "StandardErrorPath": os.path.join(home_path(environ, "state"), "service.log"),
    }
    # One that stays is started again where it fails, not where it was told to end.
    wanted |= {"StartInterval": EVERY} if on_demand else {"KeepAlive": {"SuccessfulExit": False}}
    return plistlib.dumps(wanted)


def uninstall(environ: Mapping[str, str]) -> Iterator[str]:
    """Have launchd end and forget the agent, and remove its file."""
    path = plist(environ)
    if _withdraw(path):
        yield f"Stopped and removed: {path}"
        yield "Your events and choices are untouched; each CLI starts its passes itself again."
    else:
        yield "No service was installed."


def status(environ: Mapping[str, str]) -> Status:
    """Look how the agent does. What `print` says is for people and may change: only two of its words are looked for."""
    path = plist(environ)
    if not os.path.exists(path):
        return Status("", False, "inactive")
    with open(path, "rb") as file:
        there = file.read()
    on_demand = "StartInterval" in plistlib.loads(there)
    try:
        said = ask("launchctl", "print", f"{_domain()}/{LABEL}")
    except Refusal:
        return Status(LABEL, there == content(environ, on_demand), "inactive (not loaded)")
    process = re.search(r"^\s*pid = (\d+)", said, re.MULTILINE)
    waits = "waiting" if on_demand else "not running"
    active = "active (running)" if process else f"{'active' if on_demand else 'inactive'} ({waits})"
    return Status(LABEL, there == content(environ, on_demand), active, int(process[1]) if process else 0)


def details(found: Status) -> list[str]:
    """launchd tells nothing more."""
    del found
    return []


def installed_file(environ: Mapping[str, str]) -> str:
    """The property list, where it is installed."""
    path = plist(environ)
    return path if os.path.exists(path) else ""


def handing_over(name: str) -> str:
    """Say how an agent learns of a variable: launchd hands it to what it starts from then on."""
    return f'launchctl setenv {name} "${name}"'


def plist(environ: Mapping[str, str]) -> str:
    """Where the agents of this person lie."""
    home = environ.get("HOME") or os.path.expanduser("~")
    return os.path.join(home, "Library", "LaunchAgents", f"{LABEL}.plist")


def _domain() -> str:
    return f"gui/{os.getuid()}"


def _withdraw(path: str) -> bool:
    if not os.path.exists(path):
        return False
    with suppress(Refusal):  # it was not loaded
        ask("launchctl", "bootout", f"{_domain()}/{LABEL}")
    os.remove(path)
    return True
