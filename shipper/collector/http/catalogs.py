"""The catalogs that a receiver takes events by, read again when one of their files changes.

Every release of a CLI is newer than its receiver's catalog for a while. So what a catalog does not declare is rejected
only from a version that the catalog knows; from a newer one it is deferred, and its sender keeps it and tries again.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from shipper.catalog.schema import check, events_from, read_document
from shipper.collector.http.receive import ACCEPTED, DEFER, REJECT, Verdict, check_names
from shipper.errors import DeclarationError, ShipperError
from shipper.recording.event import LOSSES, Event
from shipper.recording.settings import LONGEST_RETENTION
from shipper.recording.value_names import version_order

#: Seconds between two looks at the files: a new catalog is in force a moment after it was put there.
LOOK_SECONDS = 2.0


class Catalog(NamedTuple):
    """What one app declares, and as of which version ("" where the file names none)."""

    app: str
    version: str
    events: Mapping[str, Event]
    retention_days: int = 0
    """How long the app promises that its events are kept, 0 where it does not say."""


def read_catalog(path: str) -> Catalog:
    """Read a declaration or a manifest. Raises DeclarationError, naming the file."""
    document = read_document(path)
    app, version, days = document.get("app"), document.get("version", ""), document.get("retention_days", 0)
    if not isinstance(app, str) or not isinstance(version, str):
        raise DeclarationError(f"{path} names no app", 'write app = "<name>" in its first line')
    if type(days) is not int or not 0 <= days <= LONGEST_RETENTION:
        raise DeclarationError(f"{path}: retention_days is a whole number of days, not {days!r}")
    return Catalog(app, version, events_from(document.get("events")), days)


def verdict_on(event: Mapping[str, Any], catalogs: Mapping[str, Catalog]) -> Verdict:
    """Decide about a well-formed event by the catalogs, by app; without any, everything is declared. Pure."""
    named = check_names(event)
    if not catalogs or named is not ACCEPTED or event["name"] == LOSSES:
        return named
    catalog = catalogs.get(event["app"])
    if catalog is None:
        return Verdict(REJECT, "undeclared app")
    reason = check(event, {catalog.app: catalog.events})
    if not reason:
        return ACCEPTED
    if catalog.version and version_order(event["version"]) > version_order(catalog.version):
        return Verdict(DEFER, f"newer than the catalog's {catalog.version}: {reason}")
    return Verdict(REJECT, reason)


class Catalogs:
    """The catalogs in some files, as they are now. `say` is told in a sentence what became of a change."""

    def __init__(self, paths: Sequence[str], say: Callable[[str], object] = lambda _: None) -> None:
        """Read the files. Raises DeclarationError."""
        self._paths = paths
        self._say = say
        self._states = self._look()
        self._looked = time.monotonic()
        self._catalogs = {catalog.app: catalog for catalog in map(read_catalog, paths)}

    def check(self, event: Mapping[str, Any]) -> Verdict:
        """See EventCheck. Any thread may call it."""
        return verdict_on(event, self._catalogs)

    def versions(self) -> Mapping[str, str]:
        """The version of each app's catalog."""
        return {app: catalog.version for app, catalog in self._catalogs.items()}

    def promises(self) -> Mapping[str, int]:
        """How many days each app promises that its events are kept; apps that do not say are left out."""
        return {app: catalog.retention_days for app, catalog in self._catalogs.items() if catalog.retention_days}

    def refresh(self, at_once: bool = False) -> None:
        """Take what has changed, if it is time to look. A file that is wrong changes nothing, and is told."""
        if not at_once and time.monotonic() < self._looked + LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        states = self._look()
        if states == self._states:
            return
        self._states = states
        try:
            self._catalogs = {catalog.app: catalog for catalog in map(read_catalog, self._paths)}
        except ShipperError as error:
            self._say(f"the catalogs stay as they were: {error}")
        else:
            known = ", ".join(f"{app} {version}".strip() for app, version in self.versions().items())
            self._say(f"new catalogs: {known}")

    def _look(self) -> list[tuple[int, int, int]]:
        return [_state(path) for path in self._paths]


def _state(path: str) -> tuple[int, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)
