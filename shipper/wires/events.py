"""Event lines as the wires read them that do not send them as they stand."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shipper.errors import DamagedLine
from shipper.reader import DAY_LENGTH, decode
from shipper.wires.message import Batch


def events(batch: Batch) -> list[Mapping[str, Any]]:
    """Read a batch's lines. Raises DamagedLine where `readable` was not asked first."""
    return [decode(line) for line in batch.lines]


def readable(raw: bytes) -> str:
    """Say why a line cannot be read as an event; empty when it can. A checksum alone does not make an event."""
    try:
        decode(raw)
    except DamagedLine as wrong:
        return f"{wrong.reason}: {wrong}"
    return ""


def nanoseconds(time: str) -> int:
    """An event's time (`2026-11-23T10:00:00.123Z`, or a day) in Unix nanoseconds; 0, "unknown", for what is no time."""
    if len(time) == DAY_LENGTH:
        time += "T00:00:00.000Z"
    try:
        then = datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return 0
    return round(then.timestamp() * 1000) * 1_000_000
