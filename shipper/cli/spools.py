"""Which spools a command is about: those of the named app, or all there are."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from stat import S_ISDIR

from shipper import files
from shipper.cli.parsers import meant
from shipper.errors import ShipperError
from shipper.recording import consent
from shipper.recording.folder import open_app, open_state
from shipper.spool import Spool

_APP = re.compile(r"[a-z][a-z0-9-]{0,31}")
_SPOOL = re.compile(_APP.pattern + r"(@[0-9a-f]{8})?")


def valid_app(name: str) -> bool:
    """Say whether an app can have this name."""
    return _APP.fullmatch(name) is not None


def spool_names(environ: Mapping[str, str], apps: Sequence[str] = (), must: bool = True) -> list[str]:
    """The names of the spools of `apps`, or of all apps; an app has one more for each endpoint from the environment.

    Raises ShipperError for an app that has never recorded anything here, unless it need not have (`must`).
    """
    try:
        with open_state(environ) as state, state.folder("apps") as folder:
            # A stray file is no spool, and `shipper doctor` names it.
            present = sorted(
                name for name in files.names(folder) if _SPOOL.fullmatch(name) and S_ISDIR(folder.stat(name).st_mode)
            )
    except FileNotFoundError:
        present = []
    found: list[str] = []
    for app in apps:
        own = [name for name in present if app in (name, name.partition("@")[0])]
        if not own and must:
            raise ShipperError(f"no app called {app} has recorded anything here", known_apps(app, present))
        found += [name for name in own if name not in found]
    return found if apps else present


def known_apps(app: str, present: Sequence[str]) -> str:
    """What helps whoever named an app that has no spool: the one that may be meant, those that are there, or why none is."""
    if not present:
        return (
            "Nothing has been recorded here yet. An opt-out app records nothing before its notice was shown on a terminal; "
            f"{consent.variable(app) if valid_app(app) else '<APP>_TELEMETRY'}_DEBUG=stderr says what prevents an event."
        )
    return f"{meant(app, list(present))}Known here: {', '.join(present)}."


@contextmanager
def open_spool(environ: Mapping[str, str], name: str) -> Iterator[Spool]:
    """Hold a spool's folder open for a command that looks, or that needs no flusher.lock."""
    with open_state(environ) as state, open_app(state, name) as folder:
        yield Spool(folder, environ)
