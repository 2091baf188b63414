"""Forgetting a person: a new id at once, nothing left in the spools, and a request to the receiver that outlives us.

Each step may be the last before a kill, and the whole may be run again at any time:

1. The id is put aside by one rename: whoever records now is somebody new.
2. Every id ever put aside gets a file in `deletions/` of each spool that may have sent under it, synced. No bound, no
   `off` and no restart removes it: only the receiver's reply does, in a pass.
3. `<app>.forgotten` says that this was done, so that no id is adopted again from an earlier telemetry.
4. The ids that were put aside are removed, and the spools are emptied.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from shipper import files
from shipper.choices import identity
from shipper.choices.remembered import clear_app
from shipper.recording.folder import Folder, open_app, open_config, open_state
from shipper.recording.line import format_time
from shipper.spool import Spool
from shipper.spool.segments import names_in


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What forgetting came to: spools with requests that now wait, events erased here, whether any was ever sent."""

    asking: tuple[str, ...]
    erased: int
    sent: bool


def forget(environ: Mapping[str, str], app: str, spools: Sequence[str], now: int) -> Forgotten:
    """Forget this person for an app, and queue the requests to the receivers. now is Unix milliseconds.

    Raises Busy when a spool's lock is not had, and OSError where the folders cannot be used; run it again then.
    """
    asking, sent = [], False
    with open_config(environ, create=True) as config:
        known = identity.identities(config, app)
        for name in known:
            with suppress(FileNotFoundError):
                identity.retire(config, name)
        done: list[str] = []
        for name in dict.fromkeys((*spools, *known)):
            former = identity.former_identities(config, name)
            secrets = {person: identity.secret_of(config, name, person) for person in former.values()}
            done += [*former, *(name + identity.SECRET + person for person, secret in secrets.items() if secret)]
            if name not in spools:
                continue
            with _spool(environ, name) as spool:
                tried = ever_tried(spool)
                sent = sent or tried
                if tried and former:
                    _ask(spool.folder, secrets, now)
                if names_in(spool.folder, "deletions"):
                    asking.append(name)
        clear_app(config, app)
        files.replace(config, app + identity.FORGOTTEN, f"{format_time(now)}\n".encode("ascii"), config, sync=True)
        for file in done:
            files.remove(config, file)
    return Forgotten(tuple(asking), sum(_empty(environ, name) for name in spools), sent)


def ever_tried(spool: Spool) -> bool:
    """Say whether anything of this spool may have reached a receiver: a send was begun or has ended, however it ended."""
    journal = spool.read_journal()
    return bool(journal.get("began") or journal.get("ended") or spool.history())


def _ask(folder: Folder, secrets: Mapping[str, str], now: int) -> None:
    """Leave a request for each id with its secret, on the disk before this returns. To ask twice is to ask once."""
    with folder.folder("deletions", create=True) as waiting, folder.folder("tmp", create=True) as tmp:
        for person, secret in secrets.items():
            files.replace(
                waiting, person, f"{format_time(now)} {secret}".strip().encode("ascii") + b"\n", tmp, sync=True
            )
    files.sync_entries(folder)


def _empty(environ: Mapping[str, str], name: str) -> int:
    with _spool(environ, name) as spool:
        counts = spool.counts()
        spool.purge()
        return counts.events + counts.held + counts.quarantined


@contextmanager
def _spool(environ: Mapping[str, str], name: str) -> Iterator[Spool]:
    with open_state(environ) as state, open_app(state, name) as folder:
        yield Spool(folder, environ)
