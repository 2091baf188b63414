"""A small app as an author would declare it, for the tests of the recording path."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from shipper import App, Event, error_class, integer, milliseconds, one_of
from shipper.reader import decode
from shipper.recording.folder import Folder, open_app, open_state
from shipper.recording.lock import Lock


def sample(name: str = "wunderctl", version: str = "0.150.0", **options: object) -> App:
    """An app with two events; `options` are App's own."""
    events = [
        Event(
            "command",
            "Which commands people use, how long they take, how they end.",
            command=one_of("init", "up"),
            duration_ms=milliseconds(),
            outcome=one_of("ok", "error", "usage", "interrupted"),
            error=error_class(),
        ),
        Event(
            "datasource", "Which data sources people connect.", kind=one_of("postgres", "mysql"), tables=integer(0, 99)
        ),
    ]
    return App(name, **{"version": version, "endpoint": "http://127.0.0.1:9", "events": events} | options)  # type: ignore[arg-type]


def spool_of(environ: dict[str, str], name: str = "wunderctl") -> Folder:
    """The app's spool folder, open."""
    with open_state(environ) as state:
        return open_app(state, name)


def lines(folder: Folder, name: str = "active.ndjson") -> list[dict[str, object]]:
    """Every event of a file, decoded."""
    return [decode(line) for line in folder.read(name, 1 << 20).splitlines()]


@contextmanager
def locked_elsewhere(folder: Folder, name: str = "spool.lock") -> Iterator[None]:
    """Another process holds the spool's lock, or another one of a folder."""
    (told, tell), (wait, release) = os.pipe(), os.pipe()
    holder = os.fork()
    if holder == 0:
        try:
            with Lock(folder, 1, name):
                os.write(tell, b"!")
                os.close(release)
                os.read(wait, 1)
        finally:
            os._exit(0)
    try:
        assert os.read(told, 1) == b"!"
        yield
    finally:
        for descriptor in (told, tell, wait, release):
            os.close(descriptor)
        os.waitpid(holder, 0)


sample_app = sample()
