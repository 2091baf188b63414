"""The ground that delivery tests stand on: a spool whose app sends to a misbehaving receiver, and the consent to do so."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from shipper import files
from shipper.choices.saving import save_choice
from shipper.delivery.journal import Journal
from shipper.flusher import PassResult, run_pass
from shipper.recording.folder import open_app, open_config, open_state
from shipper.spool import Spool
from tests.spool.ground import NOW, id_of, line, sealed
from tests.wires.faults import Faults

__all__ = ["NOW", "choose", "flush", "id_of", "journal", "line", "sealed", "sending_to", "waiting"]


@contextmanager
def sending_to(endpoint: str, app: str = "demo", **declared: object) -> Iterator[Spool]:
    """The spool of an app whose person said `on`."""
    choose("on", app)
    manifest = {"shipper": 1, "version": "1.0", "app": app, "endpoint": endpoint, **declared}
    with open_state(os.environ, create=True) as state, open_app(state, app, create=True) as folder:
        if "app.json" in files.names(folder):
            files.remove(folder, "app.json")
        files.write(folder, "app.json", json.dumps(manifest).encode())
        yield Spool(folder, os.environ)


def choose(mode: str, app: str = "demo") -> None:
    with open_config(os.environ, create=True) as config:
        save_choice(config, app, mode, "test", int(NOW * 1000))


def flush(now: float = NOW, by_hand: bool = True, random: float = 0.5) -> PassResult:
    return run_pass("demo", environ=os.environ, by_hand=by_hand, clock=lambda: now, randomness=lambda: random)


def journal(spool: Spool) -> Journal:
    return Journal.from_json(spool.read_journal())


def waiting(spool: Spool) -> list[str]:
    return [each.name for each in spool.waiting()]


def sent(receiver: Faults) -> list[str]:
    """The keys in the order in which they came in."""
    return [request.key for request in receiver.requests]
