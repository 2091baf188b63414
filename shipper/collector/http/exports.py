"""What is kept of a person, for who shows the secret of their id: some events at a time, in order of their ids."""

import asyncio
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shipper.collector.http.body import RequestRefused
from shipper.collector.stores.store import Row, Store, person_of
from shipper.recording.line import format_time

#: Events of one reply, and the bytes of their fields after which it ends: a client reads replies of up to 1 MiB.
EVENTS, FIELD_BYTES = 500, 256 * 1024
#: Exports that are worked out at a time: a cluster may read many rows for one.
AT_ONCE = 2
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Exports:
    """The route's work. Nothing is held between two replies."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def export(self, user: str, after: str) -> dict[str, Any]:
        """Some events of a person after the event of an id, "" for the first; `after` is what to ask with next, or "".

        Raises RequestRefused and StoreUnavailable.
        """
        if after and not _ID.fullmatch(after):
            raise RequestRefused(400, "after is no id of an event")
        identity = UUID(after).bytes if after else b""
        async with self._turns:
            found = await asyncio.to_thread(self._store.events_of, person_of(user), identity, EVENTS)
        told = list(_that_fit(found))
        more = len(told) < len(found) or len(found) == EVENTS
        return {"user": user, "events": told, "after": told[-1]["id"] if more else ""}


def _that_fit(found: Iterable[tuple[Row, int]]) -> Iterable[dict[str, Any]]:
    size = 0
    for row, minute in found:
        size += sum(len(key) + len(str(value)) + 8 for key, value in row.fields.items())
        if size > FIELD_BYTES:
            return
        yield told_of(row, minute)


def told_of(row: Row, minute: int) -> dict[str, Any]:
    """An event as it is kept, in the words of its line; instead of the id its hash is kept, which is left out."""
    received = datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%MZ")
    said = {"id": str(UUID(bytes=row.id)), "time": format_time(row.time), "received": received}
    whole = row._asdict()
    return said | {key: whole[key] for key in whole if key not in ("id", "time", "person")}
