"""What passes remember: the journal, and the history of what was delivered. Losing either harms nothing."""

import json
import os
from collections.abc import Mapping
from typing import Any

from shipper import files
from shipper.recording.folder import Folder

JOURNAL, HISTORY = "journal.json", "history.ndjson"
#: Bytes of a journal: what delivery notes is a few hundred.
JOURNAL_BYTES = 64 * 1024
#: Bytes of history. A line is some 150, so a year of one batch every three hours; past it the older half goes.
HISTORY_BYTES = 256 * 1024
#: It is never more than this share of the spool: an app that allows itself 100 KB would else have no room for events.
HISTORY_SHARE = 16


def read_journal(folder: Folder) -> dict[str, Any]:
    """Read what the last pass noted; empty when there is nothing, or nothing that can be read."""
    try:
        found = json.loads(folder.read(JOURNAL, JOURNAL_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def write_journal(folder: Folder, journal: Mapping[str, Any]) -> bool:
    """Replace the journal, and say whether that was possible: a full disk never stops a delivery.

    It is not synced: the journal that a power cut brings back is an older one, which costs a try too many.
    """
    try:
        with folder.folder("tmp", create=True) as tmp:
            files.replace(folder, JOURNAL, json.dumps(journal, separators=(",", ":")).encode("ascii"), tmp)
    except OSError:
        return False
    return True


def add_history(folder: Folder, entry: Mapping[str, Any], spool_bytes: int) -> bool:
    """Append a line to the history of a spool of at most so many bytes, and say whether that was possible."""
    line = json.dumps(entry, separators=(",", ":")).encode("ascii") + b"\n"
    try:
        _make_room(folder, len(line), min(HISTORY_BYTES, spool_bytes // HISTORY_SHARE))
        fd = folder.open(HISTORY, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            size = os.fstat(fd).st_size
            if os.write(fd, line) != len(line):
                os.ftruncate(fd, size)
                return False
        finally:
            os.close(fd)
    except OSError:
        return False
    return True


def _make_room(folder: Folder, length: int, most: int) -> None:
    try:
        if folder.stat(HISTORY).st_size + length <= most:
            return
    except FileNotFoundError:
        return
    lines = folder.read(HISTORY, HISTORY_BYTES).splitlines(keepends=True)
    with folder.folder("tmp", create=True) as tmp:
        files.replace(folder, HISTORY, b"".join(lines[len(lines) // 2 :]), tmp)


def history(folder: Folder) -> list[dict[str, Any]]:
    """Read the history, oldest first; lines that cannot be read are left out."""
    try:
        lines = folder.read(HISTORY, HISTORY_BYTES).splitlines()
    except OSError:
        return []
    return [entry for line in lines if (entry := _entry(line)) is not None]


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
