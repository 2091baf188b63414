"""Group commit: what waits is committed together, and every request learns its own receipt.

A commit costs a sync of the disk (or a round trip to a cluster) whatever its size; so while one is under way the
next requests gather, and the more come in, the larger the groups become.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

from shipper.collector.stores.store import Receipt, Row, StoreAway, StoreUnavailable

#: Rows of a group: what ClickHouse likes in one block, and a tenth of a second of SQLite's work.
MAX_ROWS = 10_000

T = TypeVar("T")


class Writes(Protocol):
    """The writing side of a store."""

    def add(self, groups: Sequence[Sequence[Row]], received_at: int) -> list[Receipt]:
        """See Store.add."""


@dataclass(slots=True)
class _Request:
    rows: Sequence[Row]
    receipt: "asyncio.Future[Receipt]"


class Group:
    """The one writer before a store.

    `clock` gives Unix seconds; `note` is told of every commit that was tried: "done" or "failed", rows, seconds.
    """

    def __init__(
        self, store: Writes, clock: Callable[[], float], note: Callable[[str, int, float], None] = lambda *_: None
    ) -> None:
        self._note = note
        self._store = store
        self._clock = clock
        self._waiting: list[_Request] = []
        self._rows = 0
        self._work = asyncio.Event()
        # One thread, so that a store is never written to twice at a time, and the loop never waits for a disk.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run())
        self._closing = False

    @property
    def waiting(self) -> int:
        """Rows that wait for their commit."""
        return self._rows

    async def add(self, rows: Sequence[Row]) -> Receipt:
        """Return once the rows are committed. Raises StoreUnavailable, and then nothing was taken.

        How much may wait is bounded where requests come in (`intake`).
        """
        request = _Request(rows, self._loop.create_future())
        self._waiting.append(request)
        self._rows += len(rows)
        self._work.set()
        return await request.receipt

    async def call(self, work: Callable[[], T]) -> T:
        """Do other writing work in the writer's thread, between two groups."""
        return await self._loop.run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Commit what waits, then stop."""
        self._closing = True
        self._work.set()
        await self._task
        self._thread.shutdown()

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            if not self._waiting:
                self._work.clear()
                await self._work.wait()
                continue
            group = self._next()
            await self._commit(group)

    def _next(self) -> list[_Request]:
        size = taken = 0
        for request in self._waiting:
            if taken and size + len(request.rows) > MAX_ROWS:
                break
            size += len(request.rows)
            taken += 1
        group, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return group

    async def _commit(self, group: list[_Request]) -> None:
        """Commit a group; when it fails, each of its requests alone, so that one cannot fail the others."""
        rows, started = sum(len(request.rows) for request in group), time.monotonic()
        try:
            receipts = await self._add([request.rows for request in group])
        except Exception as error:
            self._note("failed", 0, time.monotonic() - started)
            if len(group) > 1 and not isinstance(error, StoreAway):
                for request in group:
                    await self._commit([request])
                return
            for request in group:
                self._done(request, error)
        else:
            self._note("done", rows, time.monotonic() - started)
            for request, receipt in zip(group, receipts, strict=True):
                self._done(request, receipt)

    async def _add(self, groups: Sequence[Sequence[Row]]) -> list[Receipt]:
        return await self.call(lambda: self._store.add(groups, int(self._clock())))

    def _done(self, request: _Request, result: Receipt | Exception) -> None:
        self._rows -= len(request.rows)
        if request.receipt.done():  # whoever waited for it is gone
            return
        if isinstance(result, Receipt):
            request.receipt.set_result(result)
        elif isinstance(result, StoreUnavailable):
            request.receipt.set_exception(result)
        else:
            request.receipt.set_exception(StoreUnavailable(f"the store failed: {type(result).__name__}: {result}"))
