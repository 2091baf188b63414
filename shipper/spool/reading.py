"""One app's spool for whoever looks: none of this takes a lock or changes anything, while writers and passes go on."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shipper import files
from shipper.recording.folder import Folder, file_fault
from shipper.spool import losses, manifest, quarantine, records
from shipper.spool.manifest import Manifest
from shipper.spool.names import SUFFIX, segments
from shipper.spool.pending import deferred_lines, pending_lines
from shipper.spool.quarantine import Quarantined


@dataclass(frozen=True, slots=True)
class Waiting:
    """A segment that waits in sealed/, by name, with its size in bytes."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What a spool holds: events that wait to be sent in so many sealed segments, their bytes, events held back,
    deferred by the receiver (of those that wait) or in quarantine, and the losses that no segment tells yet, by reason.
    """

    events: int
    segments: int
    bytes: int
    held: int
    deferred: int
    quarantined: int
    lost: Mapping[str, int]


class ReadableSpool:
    """The spool in `folder`, to look at. The caller keeps the folder open for as long as it uses the spool."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._manifest: Manifest | None = None

    @property
    def manifest(self) -> Manifest:
        """What the app declared. Raises DamagedManifest."""
        if self._manifest is None:
            self._manifest = manifest.read(self.folder)
        return self._manifest

    def waiting(self) -> list[Waiting]:
        """The segments that wait in sealed/, oldest first. What is no file of ours alone (S10) is none."""
        try:
            with self.folder.folder("sealed") as sealed:
                found = [(name, seen) for name in segments(files.names(sealed)) if (seen := _look(sealed, name))]
        except FileNotFoundError:
            return []
        return [Waiting(name, seen.st_size) for name, seen in found if not file_fault(seen)]

    def counts(self) -> Counts:
        """Count what the spool holds, from the disk."""
        waiting, events = self.waiting(), sum(1 for _ in self.pending())
        return Counts(
            events=events,
            segments=len(waiting),
            bytes=sum(one.bytes for one in waiting),
            held=max(0, sum(1 for _ in self.everything()) - events),
            deferred=sum(1 for _ in deferred_lines(self.folder)),
            quarantined=sum(1 for _ in self.quarantined()),
            lost=losses.counted(self.folder),
        )

    def pending(self) -> Iterator[bytes]:
        """The lines that wait to be sent, oldest first, as they stand in the files, without their newlines."""
        return pending_lines(self.folder, held=False)

    def everything(self) -> Iterator[bytes]:
        """The same with what is held back here."""
        return pending_lines(self.folder, held=True)

    def quarantined(self) -> Iterator[Quarantined]:
        """What is in quarantine, oldest first."""
        return quarantine.entries(self.folder)

    def read_journal(self) -> dict[str, Any]:
        """What the last pass noted; empty when there is nothing, or nothing that can be read."""
        return records.read_journal(self.folder)

    def history(self) -> list[dict[str, Any]]:
        """The history of delivered batches, oldest first."""
        return records.history(self.folder)


def _look(room: Folder, name: str) -> os.stat_result | None:
    try:
        return room.stat(name + SUFFIX)
    except FileNotFoundError:
        return None  # evicted, or emptied by `off`, since the folder was listed
