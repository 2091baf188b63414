"""The doctor's look at the disk: can what is ours be made, read, written and locked, and can nobody else?"""

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping

from shipper import files
from shipper.errors import Refused
from shipper.privacy.findings import CLOCK_SLACK, NOTE, OK, WRONG, Finding
from shipper.recording.folder import Folder, file_fault, home_path, open_config, open_state
from shipper.recording.lock import Lock

#: Bytes that the probe writes: more than a line, less than anybody misses.
PROBE = 4096
#: Bytes free below which a disk counts as full: one segment.
LEAST_FREE = 256 * 1024
#: Findings of one kind that are printed: whoever has more has one cause.
MOST = 5

_ELSEWHERE = "or put it elsewhere: SHIPPER_HOME=DIR"
_EXPLAINED = {
    errno.EROFS: ("is on a read-only file system", f"Make it writable, {_ELSEWHERE}"),
    errno.EACCES: ("may not be written by you", f"Give it to yourself (chown, chmod u+rwx), {_ELSEWHERE}"),
    errno.EPERM: ("may not be written by you", f"Give it to yourself (chown, chmod u+rwx), {_ELSEWHERE}"),
    errno.ENOSPC: ("is on a full disk", f"Free some space, {_ELSEWHERE}"),
    errno.EDQUOT: ("is past your quota", f"Free some space, {_ELSEWHERE}"),
    errno.ENOTDIR: ("is in the way: a file stands where a folder belongs", f"Move that file away, {_ELSEWHERE}"),
    errno.ENOENT: ("cannot be made: what should hold it is missing", f"Make the home folder, {_ELSEWHERE}"),
    errno.EIO: ("is on a disk that fails", f"Look into the system's log, {_ELSEWHERE}"),
}


def folders(environ: Mapping[str, str], now: float) -> Iterator[Finding]:
    """Look at both folders of ours: place, use, locks, space, and whose they are. now is Unix seconds."""
    for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        value = environ.get(variable, "")
        if value and not value.startswith("/") and not environ.get("SHIPPER_HOME"):
            yield Finding(
                NOTE, variable, f"{value} is no absolute path, so it is ignored", f"Correct or unset {variable}."
            )
    yield from _one("state", open_state, environ, now)
    if not _is_one_folder(environ):
        yield from _one("config", open_config, environ, now)


def _is_one_folder(environ: Mapping[str, str]) -> bool:
    """Say whether state and choices lie in the same folder, as on macOS and Windows."""
    try:
        return home_path(environ, "state") == home_path(environ, "config")
    except OSError:
        return False


def _one(
    purpose: str,
    opened: Callable[[Mapping[str, str]], Folder],
    environ: Mapping[str, str],
    now: float,
) -> Iterator[Finding]:
    path, subject = "", purpose + " folder"
    try:
        path = home_path(environ, purpose)
        with opened(environ) as folder:
            faults = [*_probe(subject, folder, now), *_walk(folder, subject)]
            yield from faults or [Finding(OK, subject, path)]
    except FileNotFoundError:
        yield _unmade(subject, path, environ)
    except OSError as error:
        yield _explain(subject, path, error)


def _unmade(subject: str, path: str, environ: Mapping[str, str]) -> Finding:
    """Judge a folder that is not there yet by the nearest one that is."""
    home = "" if environ.get("SHIPPER_HOME") else environ.get("HOME", "")
    if home and path.startswith(home) and not os.path.isdir(home):
        return _explain(subject, home, OSError(errno.ENOENT, ""))
    above = os.path.dirname(path)
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    if not os.path.isdir(above):
        return _explain(subject, above, OSError(errno.ENOTDIR, ""))
    if hasattr(os, "statvfs") and os.statvfs(above).f_flag & os.ST_RDONLY:
        return _explain(subject, above, OSError(errno.EROFS, ""))
    if not os.access(above, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        return _explain(subject, above, OSError(errno.EACCES, ""))
    return Finding(OK, subject, f"{path}, made when something is recorded")


def _explain(subject: str, path: str, error: OSError) -> Finding:
    where = error.filename if isinstance(error.filename, str) else path
    if isinstance(error, Refused):
        return Finding(WRONG, subject, f"{where} {error.strerror}".strip(), _refused_todo(where, str(error.strerror)))
    text, todo = _EXPLAINED.get(error.errno or 0, (f"cannot be used: {error.strerror}", f"Repair it, {_ELSEWHERE}"))
    return Finding(WRONG, subject, f"{where} {text}", todo)


def _refused_todo(path: str, fault: str) -> str:
    if "others" in fault:
        return f"chmod go-w {path}"
    if "root" in fault:
        return "Run it as yourself, not through sudo; or with sudo -H"
    if "somebody else" in fault:
        return f"Give it to yourself: sudo chown -R $(id -u) {path}"
    return f"Move it away, {_ELSEWHERE}"


def _probe(subject: str, folder: Folder, now: float) -> Iterator[Finding]:
    """Write, lock and remove a file of a random name."""
    name = f"doctor.{os.urandom(8).hex()}"
    try:
        files.write(folder, name, bytes(PROBE), sync=True)
    except OSError as error:
        yield _explain(subject, folder.path, error)
        return
    try:
        skew = folder.stat(name).st_mtime - now
        if abs(skew) > CLOCK_SLACK:
            text = f"the file system's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine's"
            yield Finding(WRONG, subject, text, "Set one of the two clocks.")
        yield from _locks(subject, folder, name)
    finally:
        files.remove(folder, name)
    if _is_full(folder.path):
        yield _explain(subject, folder.path, OSError(errno.ENOSPC, ""))


def _is_full(path: str) -> bool:
    if not hasattr(os, "statvfs"):  # Windows counts no files
        return shutil.disk_usage(path).free < LEAST_FREE
    room = os.statvfs(path)
    return room.f_bavail * room.f_frsize < LEAST_FREE or bool(room.f_files and not room.f_favail)


def _locks(subject: str, folder: Folder, name: str) -> Iterator[Finding]:
    """A lock that is held must keep others out: some network file systems grant it to everybody, some to nobody."""
    todo = "Put it on a disk of this machine: SHIPPER_HOME=DIR"
    try:
        with Lock(folder, 0.0, name):
            if _another_process_has_it(os.path.join(folder.path, name)):
                yield Finding(WRONG, subject, "locks keep nobody out on this file system", todo)
    except OSError as error:
        yield Finding(WRONG, subject, f"there are no locks on this file system: {error.strerror}", todo)


_TRY = "import os, sys; os.lockf(os.open(sys.argv[1], os.O_RDWR), os.F_TLOCK, 0)"
_TRY_WINDOWS = "import msvcrt, os, sys; msvcrt.locking(os.open(sys.argv[1], os.O_RDWR), msvcrt.LK_NBLCK, 1)"


def _another_process_has_it(path: str) -> bool:
    """Whether another process gets the lock that this one holds."""
    command = [sys.executable, "-I", "-c", _TRY_WINDOWS if sys.platform == "win32" else _TRY, path]
    return bool(sys.executable) and subprocess.run(command, capture_output=True).returncode == 0


def _walk(folder: Folder, subject: str) -> Iterator[Finding]:
    for count, finding in enumerate(_faults(folder, subject)):
        if count == MOST:
            yield Finding(NOTE, subject, "there is more of this kind", f"chmod -R go-rwx {folder.path}")
            return
        yield finding


def _open_to_others(found: os.stat_result) -> bool:
    """Say whether a mode lets others in. On Windows it says nothing of them: a person's folder has its own access list."""
    return hasattr(os, "geteuid") and bool(found.st_mode & 0o077)


def _faults(folder: Folder, subject: str) -> Iterator[Finding]:
    """Everything below a folder that is a link, somebody else's, or open to others."""
    for name in sorted(files.names(folder)):
        path = os.path.join(folder.path, name)
        try:
            found = folder.stat(name)
            if stat.S_ISDIR(found.st_mode):
                with folder.folder(name) as inner:
                    if _open_to_others(found):
                        yield Finding(WRONG, subject, f"{path} can be read by others", f"chmod 700 {path}")
                    yield from _faults(inner, subject)
            elif not stat.S_ISFIFO(found.st_mode):
                yield from _file(found, path, subject)
        except FileNotFoundError:
            continue  # delivered while we looked
        except OSError as error:
            yield _explain(subject, path, error)


def _file(found: os.stat_result, path: str, subject: str) -> Iterator[Finding]:
    fault = file_fault(found)
    if fault:
        yield Finding(WRONG, subject, f"{path} {fault}: it is not touched", f"Look what it is and remove it: rm {path}")
    elif _open_to_others(found) and not path.endswith(".token"):
        yield Finding(WRONG, subject, f"{path} can be read by others", f"chmod 600 {path}")
