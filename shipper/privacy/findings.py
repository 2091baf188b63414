"""What `shipper doctor` finds: each finding says what is so and, when it is wrong, what to do about it."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from shipper import files
from shipper.delivery.journal import Journal
from shipper.errors import Busy
from shipper.recording import automation, consent
from shipper.recording.due import read_due
from shipper.recording.folder import Folder, open_config
from shipper.recording.lock import Lock
from shipper.recording.modes import ALL, MACHINE, ON, UNREADABLE
from shipper.recording.names import valid_id
from shipper.spool import Spool

OK, NOTE, WRONG = "ok", "note", "wrong"

#: Unix seconds of 2026-01-01: no clock that is right shows less, since this program is younger.
OLDEST_NOW = 1767225600
#: Seconds by which a time on disk may lie ahead of the clock before the clock is doubted.
CLOCK_SLACK = 300
#: Seconds after which a held lock is worth a word. A writer needs some 30 microseconds, a pass that seals a few more.
LONGEST_HOLD = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's: how it is (OK, NOTE or WRONG), what about, the finding, and the next step."""

    level: str
    subject: str
    text: str
    todo: str = ""


def clock(now: float, spools: Mapping[str, Spool]) -> Iterator[Finding]:
    """Doubt the clock when it is before our time, or when something on disk is from its future. now is Unix seconds."""
    shown = datetime.fromtimestamp(min(max(now, 0), 253402300799), UTC).isoformat(" ", "minutes")
    todo = "Set it (timedatectl, date). Nothing is lost meanwhile; times of events are wrong."
    if now < OLDEST_NOW:
        yield Finding(WRONG, "clock", f"shows {shown}: that is the past", todo)
        return
    ahead = [name for name, spool in spools.items() if _latest(spool) > now + CLOCK_SLACK]
    if ahead:
        yield Finding(WRONG, "clock", f"shows {shown}, but the last pass of {ahead[0]} is later: it went back", todo)
        return
    yield Finding(OK, "clock", f"shows {shown}")


def _latest(spool: Spool) -> float:
    journal = Journal.from_json(spool.read_journal())
    return max(journal.began, journal.ended, journal.success)


#: The variables that httpx obeys, and what each is for.
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


def network(environ: Mapping[str, str], socks: bool, handing_over: Callable[[str], str]) -> Iterator[Finding]:
    """Look at the proxies and certificates that the environment names.

    socks says whether httpx can speak SOCKS; handing_over says how a variable is handed to a service of this system.
    """
    found = False
    for name in (*_PROXIES, *map(str.lower, _PROXIES)):
        address = environ.get(name, "")
        if address:
            found = True
            yield _proxy(name, address, socks, handing_over(name))
    if not found:
        yield Finding(OK, "proxy", "none")
    for name, exists in (("SSL_CERT_FILE", os.path.isfile), ("SSL_CERT_DIR", os.path.isdir)):
        path = environ.get(name, "")
        if path and not exists(path):
            yield Finding(
                WRONG, "certificates", f"{name} names {path}, which is not there", f"Correct or unset {name}."
            )


def _proxy(name: str, address: str, socks: bool, todo: str) -> Finding:
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        shown = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return Finding(WRONG, "proxy", f"{name} is no address", f"Write it like http://proxy.example.com:3128: {name}")
    if not parts.hostname or parts.scheme not in ("http", "https", "socks5", "socks5h"):
        return Finding(WRONG, "proxy", f"{name} is no proxy's address", "Write it like http://proxy.example.com:3128")
    if parts.scheme.startswith("socks") and not socks:
        return Finding(WRONG, "proxy", f"{name} is a SOCKS proxy", "pip install 'httpx[socks]', or unset it")
    text = f"{shown} (from {name}); a user service does not see it"
    return Finding(NOTE, "proxy", text, f"If you use the service: {todo}")


def choices(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at the files of choices, ids and tokens: what cannot be read means off, and a shown token is no secret."""
    try:
        with open_config(environ) as config:
            yield from _choices(config)
    except OSError:
        return  # the folder's own finding says why
    if environ.get("DO_NOT_TRACK"):
        yield Finding(NOTE, "consent", "DO_NOT_TRACK is set: nothing is recorded in this shell")


def others() -> Iterator[Finding]:
    """Look at what the machine's administrator and the repository of the working folder say: they only lower."""
    if os.path.isdir(MACHINE):
        for name in sorted(os.listdir(MACHINE)):
            app, _, suffix = name.rpartition(".")
            path = os.path.join(MACHINE, name)
            if suffix == "mode" and consent.read_machine(app) == UNREADABLE:
                yield Finding(WRONG, "machine", f"{path} cannot be read: off for {app}", f"Write off or local: {path}")
            elif suffix == "mode":
                yield Finding(NOTE, "machine", f"{path} says {consent.read_machine(app) or 'nothing lower'}")
            elif suffix == "endpoint" and not consent.read_machine_endpoint(app):
                todo = f"chown root {path}; chmod 644 {path}"
                yield Finding(
                    WRONG, "machine", f"{path} can be written by others than root, so it does not count", todo
                )
            elif suffix == "endpoint":
                yield Finding(NOTE, "machine", f"{app} sends to {consent.read_machine_endpoint(app)}, by {path}")
    for path in consent.repository_files():
        yield Finding(NOTE, "repository", f"{path} may lower the mode in this folder")


def _choices(config: Folder) -> Iterator[Finding]:
    for name in sorted(files.names(config)):
        app, _, suffix = name.rpartition(".")
        if suffix == "mode" and consent.read_choice(config, app)[0] == UNREADABLE:
            apps, target = ("all apps", "") if app == ALL else (app, f" {app}")
            yield Finding(
                WRONG, "consent", f"{name} cannot be read: off for {apps}", f"Choose again: shipper on{target}"
            )
        elif suffix == "notice" and consent.read_notice(config, app) == UNREADABLE:
            yield _remove(config, name, f"cannot be read: off for {app}")
        elif suffix == "id" and not _readable_id(config, app):
            yield _remove(config, name, f"cannot be read: {app} records nothing")
        elif suffix == "token" and config.stat(name).st_mode & 0o077:
            path = os.path.join(config.path, name)
            yield Finding(WRONG, "token", f"{name} can be read by others, so it is not used", f"chmod 600 {path}")
        elif suffix == "token" and len(config.read(name, consent.LINE_BYTES).split()) != 2:
            todo = "Write the receiver's origin before it, in one line: https://telemetry.example.com TOKEN"
            yield Finding(WRONG, "token", f"{name} does not say whom it is for, so it is not used", todo)


def _remove(config: Folder, name: str, text: str) -> Finding:
    return Finding(WRONG, "consent", f"{name} {text}", f"Remove it: rm {os.path.join(config.path, name)}")


def _readable_id(config: Folder, app: str) -> bool:
    try:
        return valid_id(consent.read_identity(config, app))
    except OSError:
        return False


def spool(name: str, found: Spool, mode: str, why: str) -> Iterator[Finding]:
    """Say what is noteworthy in one app's spool, whose mode is decided as given."""
    app = name.partition("@")[0]
    counts = found.counts()
    yield Finding(OK, name, f"{mode}, {why}; {counts.events} pending, {counts.held} held")
    yield from _lock(name, found.folder)
    if counts.quarantined:
        todo = f"shipper show --quarantine {app} says why; shipper retry {app} sends them again, shipper drop ID removes one"
        yield Finding(NOTE, name, f"{counts.quarantined} in quarantine", todo)
    if counts.held and mode == ON:
        yield Finding(
            NOTE,
            name,
            f"{counts.held} from before your `on` stay here",
            f"To send them too: shipper on {app} --with-held",
        )
    waiting = _names(found.folder, "deletions")
    if waiting:
        yield Finding(NOTE, name, f"{waiting} requests for erasure wait", f"shipper flush {app} tries at once")
    if counts.events and mode == ON and read_due(found.folder)[1] == 0:
        yield Finding(WRONG, name, "events wait, and no time is set for a pass", f"shipper flush {app}")


def _lock(name: str, folder: Folder) -> Iterator[Finding]:
    """Nobody holds spool.lock for long, unless it was stopped: then writers go round it and passes wait in vain."""
    try:
        with Lock(folder, LONGEST_HOLD):
            return
    except Busy:
        holder = _holder(folder.stat("spool.lock").st_ino)
    except OSError as error:
        yield Finding(WRONG, name, f"spool.lock cannot be locked: {error.strerror}", "Is it on a disk of this machine?")
        return
    who = f"process {holder}" if holder else "a process"
    todo = f"See what it does: ps {holder or 'aux'}; if it is stopped: kill -CONT {holder or 'PID'}"
    yield Finding(WRONG, name, f"{who} holds spool.lock for more than {LONGEST_HOLD:.0f} s", todo)


def _holder(inode: int) -> int:
    """The process that holds a lock on a file, as Linux tells it in /proc/locks; 0 where it does not."""
    try:
        with open("/proc/locks", encoding="ascii") as table:
            rows = [line.split() for line in table]
    except OSError:
        return 0
    return next((int(row[4]) for row in rows if row[1] == "POSIX" and row[5].endswith(f":{inode}")), 0)


def _names(folder: Folder, room: str) -> int:
    try:
        with folder.folder(room) as found:
            return len(files.names(found))
    except OSError:
        return 0


def starting(environ: Mapping[str, str], daemon: bool, service: str, start: str = "") -> Iterator[Finding]:
    """Say who starts passes. service is the file of an installed service, or empty, and start how it is started."""
    if daemon:
        yield Finding(OK, "daemon", "shipper run is listening")
    elif service:
        yield Finding(WRONG, "service", f"installed at {service}, but nobody is listening", start)
    elif environ.get("SHIPPER_SPAWN") == "0":
        todo = "Unset SHIPPER_SPAWN, run shipper run, or send by hand: shipper flush"
        yield Finding(NOTE, "passes", "no daemon, and SHIPPER_SPAWN=0: nobody starts a pass by itself", todo)
    elif not sys.executable:
        yield Finding(
            WRONG,
            "passes",
            "no daemon runs, and Python's own path is unknown (sys.executable is empty): no pass can be started",
            "shipper run, or shipper flush",
        )
    else:
        yield Finding(OK, "passes", "no daemon: an app that finds a pass due starts one")
    sign = automation.in_ci(environ) or automation.one_run_home(environ)
    if sign:
        yield Finding(NOTE, "id", f"{sign}: this looks like CI or a home for one run, so events carry no id")
