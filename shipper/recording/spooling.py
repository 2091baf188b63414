"""How a finished line gets into the spool: the lock, consent once more, the manifest, the active file, `due`.

Whoever finds a pass due rings the doorbell or starts a flusher, after the lock is released.
"""

import os

from shipper.recording.active import append_line
from shipper.recording.consent import read_machine_endpoint
from shipper.recording.due import advance_due
from shipper.recording.folder import open_app, open_state, spool_name
from shipper.recording.foreign import is_foreign
from shipper.recording.lock import Lock, has_locks, patience, set_patience
from shipper.recording.manifest import MANIFEST_BYTES
from shipper.recording.modes import LOCAL, OFF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.recording.app import App
    from shipper.recording.consent import Others
    from shipper.recording.folder import Folder


def endpoint_here(app: "App", environ: "Mapping[str, str]") -> "str":
    """Return the endpoint that takes the place of the declared one: the machine's, else the environment's, else "".

    The environment's counts only if it was there when the process began (where the system tells), or leads to this very
    machine: a file of the folder in which somebody works may have named it.
    """
    machine = read_machine_endpoint(app.name)
    found = environ.get(app.variable + "_ENDPOINT", "")
    if machine or not found:
        return machine
    from shipper.wakeup.isolation import begun

    first = begun()
    if first is None or first.get(app.variable + "_ENDPOINT") == found:
        return found
    return found if found.startswith(("http://127.", "http://localhost", "http://[::1]")) else ""


def spool_line(
    app: "App",
    environ: "Mapping[str, str]",
    config: "Folder | None",
    others: "Others",
    now: "int",
    line: "bytes",
    endpoint: "str",
) -> "bool":
    """Bring a line into the spool, and a due pass under way. Returns True when the line is promised (S1).

    `others` is what machine and repository said when the event was decided on, `now` is in Unix milliseconds. Raises
    OSError where the spool cannot be written.
    """
    if not endpoint.isprintable():  # no pass could read the manifest that names it
        return False
    name = spool_name(app.name, endpoint)
    with open_state(environ, create=True) as state, open_app(state, name, create=True) as folder:
        lock = Lock(folder, patience())
        try:
            if not has_locks():
                lock.give_up()
            with lock:
                kept, news = _append(app, environ, config, others, folder, now, line, endpoint)
        except OSError as error:
            if not lock.busy or is_foreign(error):
                raise
            from shipper.spool.limits import Limits
            from shipper.spool.without_lock import write_overflow

            mode = app.decide(environ, config, others)[0]
            kept, news = write_overflow(folder, mode, line, Limits(*app.limits), now, os.urandom(4), app.sync), ""
        finally:
            set_patience(patience() - lock.waited)
        if kept and app.sync:
            from shipper.files import sync_chain

            sync_chain(folder)
    if news:
        from shipper.wakeup import request_pass

        request_pass(os.environ, name, app.variable, news)
    return kept


def _append(
    app: "App",
    environ: "Mapping[str, str]",
    config: "Folder | None",
    others: "Others",
    folder: "Folder",
    now: "int",
    line: "bytes",
    endpoint: "str",
) -> "tuple[bool, str]":
    """Append under the lock. Returns (the line is in the spool, DUE, SET or "")."""
    mode = app.decide(environ, config, others)[0]  # S6: a choice that was made while we waited holds
    if mode == OFF:
        return False, ""
    asks = _update_manifest(folder, app.manifest(endpoint), app.version, app.sync)
    if asks and config and not endpoint:
        from shipper.spool.moving import start_anew

        start_anew(config, folder, app.name, now, asks)
        return False, ""  # the line bears the id that the receiver before knew
    if mode == LOCAL:
        with folder.folder("held", create=True) as held:
            _put(app, folder, held, now, line)
        return True, ""
    before = _put(app, folder, folder, now, line)
    return True, advance_due(folder, now // 1000, app.flush_interval, before)


def _update_manifest(folder: "Folder", manifest: "bytes", version: "str", sync: "bool") -> "str":
    """Keep `app.json` what the newest version of the app declares. The caller holds the spool's lock.

    Returns what a new version asks for that nobody has agreed to, or "".
    """
    try:
        there = folder.read("app.json", MANIFEST_BYTES)
    except FileNotFoundError as error:
        if is_foreign(error):
            raise
        there = b""
    if there != manifest:
        from shipper.spool.manifest_upgrade import replace_manifest

        return replace_manifest(folder, there, manifest, version, sync)
    return ""


def _put(app: "App", folder: "Folder", into: "Folder", now: "int", line: "bytes") -> "int":
    """Append to the active file of `into`, sealing a full one first (S3). Returns its size before, -1 if full."""
    before = append_line(into, line, app.sync)
    if before < 0:
        from shipper.spool.limits import Limits, evict
        from shipper.spool.segments import seal

        seal(folder, now, os.urandom(4), into is not folder, app.sync)
        evict(folder, Limits(*app.limits), app.sync)
        append_line(into, line, app.sync)
    if app.sync and into is not folder:
        from shipper import files

        files.sync_entries(into)
    return before
