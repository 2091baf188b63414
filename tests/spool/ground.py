"""The ground that spool tests stand on: an app's spool on the real disk, and events to put into it."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shipper import files
from shipper.reader import checksum_holds
from shipper.recording.active import append_line
from shipper.recording.folder import Folder, open_app, open_state
from shipper.recording.line import format_time, new_id, seal_line, surroundings
from shipper.recording.lock import Lock
from shipper.spool.spool import Spool

DAY = 24 * 3600
#: 2026-11-23T10:00:00Z: the tests' present.
NOW = 1795428000.0


def milliseconds(seconds: float = NOW) -> int:
    return round(seconds * 1000)


def line(number: int = 0, *, name: str = "command", now: float = NOW) -> bytes:
    """One event line, with its newline."""
    return seal_line(
        f'{{"v":1,"id":"{new_id(milliseconds(now), os.urandom(10))}",'
        f'"time":"{format_time(milliseconds(now))}",'
        f'"app":"demo","version":"1.0","name":"{name}","session":"{os.urandom(8).hex()}","ci":false,'
        f'{surroundings()},"fields":{{"n":{number}}}'
    )


def id_of(raw: bytes) -> str:
    return str(json.loads(raw)["id"])


@contextmanager
def a_spool(app: str = "demo", **limits: int) -> Iterator[Spool]:
    """The spool of an app in this test's home, with a manifest."""
    with open_state(os.environ, create=True) as state, open_app(state, app, create=True) as folder:
        write_manifest(folder, app, **limits)
        yield Spool(folder, os.environ)


def write_manifest(folder: Folder, app: str = "demo", **limits: int) -> None:
    manifest = {"shipper": 1, "version": "1.0", "app": app, "endpoint": "http://127.0.0.1:9", "limits": limits}
    manifest |= {"events": []}
    if "app.json" in files.names(folder):
        files.remove(folder, "app.json")
    files.write(folder, "app.json", json.dumps(manifest, separators=(",", ":")).encode() + b"\n")


def record(spool: Spool, lines: Sequence[bytes], held: bool = False) -> None:
    """Append lines as a writer does."""
    with Lock(spool.folder, 1.0):
        folder = spool.folder.folder("held", create=True) if held else spool.folder.folder(".")
        with folder:
            for one in lines:
                append_line(folder, one)


def sealed(spool: Spool, lines: Sequence[bytes], now: float = NOW) -> str:
    """Record lines and seal them: one segment, by name."""
    record(spool, lines)
    name = spool.seal(now)
    assert name
    return name


def tree(spool: Spool) -> dict[str, bytes]:
    """Every file of the spool that holds or counts an event, by path."""
    found = {}
    for base, _, names in os.walk(spool.folder.path):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, spool.folder.path)] = file.read()
    for own in ("app.json", "spool.lock", "flusher.lock", "due", "journal.json", "history.ndjson"):
        found.pop(own, None)
    return found


def told(spool: Spool) -> dict[str, int]:
    """All losses of a spool: those that still wait to be told and those that losses segments tell."""
    sums = dict(spool.counts().lost)
    for raw in spool.pending():
        if b'"name":"shipper.losses"' in raw and checksum_holds(raw):
            for reason, count in json.loads(raw)["fields"].items():
                sums[reason] = sums.get(reason, 0) + count
    return sums
