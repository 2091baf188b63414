"""Work on what is stored already, beside the events that come in: deletions of people, and of what is too old."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from shipper.collector.http.group_commit import Group
from shipper.collector.stores.dimensions import FIRST_DAY, day_text
from shipper.collector.stores.store import Store, StoreUnavailable

DAY = 86_400
#: Seconds between two looks for what has become too old, and between two parts of its deletion.
LOOK_SECONDS, PAUSE = 3600.0, 0.05

T = TypeVar("T")


class InTurn(Protocol):
    """Does work in the thread that may do it."""

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        """Return what the work returned."""


class Turns:
    """Where a store is written to beside new events: in the writer's thread, or where a store allows it in another."""

    def __init__(self, store: Store, group: Group) -> None:
        self._group = group
        self._beside = None if store.one_writer else ThreadPoolExecutor(1, "beside")

    async def __call__(self, work: Callable[[], T]) -> T:
        """See InTurn."""
        if self._beside is None:
            return await self._group.call(work)
        return await asyncio.get_running_loop().run_in_executor(self._beside, work)

    def close(self) -> None:
        """End the thread."""
        if self._beside is not None:
            self._beside.shutdown()


class Retention:
    """How long events are kept: what is older is refused, and deleted. `days` says how many, 0 for ever."""

    def __init__(self, store: Store, days: Callable[[], int], clock: Callable[[], float]) -> None:
        self._store = store
        self._days = days
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self.deleted = 0
        """Events, and rows of sums, that went since the receiver started."""

    def before(self) -> int:
        """The day, since 1970, before which nothing is kept; 0 for none."""
        days = self._days()
        return max(int(self._clock()) // DAY - days if days else 0, self._store.oldest())

    def oldest(self) -> str:
        """The first day that is kept, as events say it, or "" where everything is."""
        before = self.before()
        return day_text(before) if before else ""

    def start(self, in_turn: InTurn) -> None:
        """Begin to delete what is too old, now and every hour."""
        self._task = asyncio.get_running_loop().create_task(self._run(in_turn))

    async def _run(self, in_turn: InTurn) -> None:
        while True:
            with suppress(StoreUnavailable):  # what is left goes at the next look
                await self._expire(in_turn)
            await asyncio.sleep(LOOK_SECONDS)

    async def _expire(self, in_turn: InTurn) -> None:
        before = self.before()
        while before and (gone := await in_turn(lambda: self._store.expire(before))):
            self.deleted += gone
            await asyncio.sleep(PAUSE)

    async def close(self) -> None:
        """Stop between two parts."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task


_FIRST = day_text(FIRST_DAY)


def is_older(event: Mapping[str, Any], oldest: str) -> bool:
    """Whether an event is older than what is kept from `oldest` on. One of no real day is as old as its receipt."""
    return bool(_FIRST <= event["time"][:10] < oldest)
