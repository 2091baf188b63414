"""What requests may hold in memory, from the first byte of a body until its events are committed.

A body that comes in is charged for what has come in, and has to come in at a least rate. When all bodies together hold
too much, the one goes that has held the most for the longest, so that a newcomer is not refused for its sake. A body
that has come in waits, still packed, until what reading its lines takes is free; that charge ends with its commit.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from operator import itemgetter
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

from shipper.collector.http.body import MAX_BODY, RequestRefused

#: Bytes of all bodies that come in or wait to be read: thirty times a sender's largest batch.
MAX_READING = 8 * 1024 * 1024
#: Bytes that all batches may hold from when they are unpacked to their commit.
MAX_MEMORY = 32 * 1024 * 1024
#: What a batch may hold for each of its unpacked bytes; `tests/collector/test_memory.py` measures the worst shape.
MEMORY_PER_BYTE = 8
#: Seconds that every body has, and the bytes a second with which it must have come in afterwards: a modem's.
FIRST_SECONDS, LEAST_RATE = 10.0, 2048
#: Seconds that a body waits for its turn to be read; then its sender is asked to come again.
TURN_SECONDS = 10.0
#: Threads that unpack and read lines. Reading holds the interpreter, so more of them would gain nothing.
READERS = 2

T = TypeVar("T")


class Overloaded(Exception):
    """More is held than the receiver allows itself. Nothing of the request was taken; it may be sent again."""


class _Incoming:
    """One body while it comes in."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.held = bytearray()
        self.size = 0
        self.patience = asyncio.timeout(FIRST_SECONDS)
        self.evicted = False

    def cost(self, now: float) -> float:
        """Byte seconds: how much it has held, for how long."""
        return self.size * (now - self.begun)

    def evict(self) -> None:
        """End the wait for its next piece, and let go what it holds."""
        self.evicted = True
        with suppress(RuntimeError):  # it has just run out of time by itself
            self.patience.reschedule(0)
        self.held, self.size = bytearray(), 0

    def take(self, piece: bytes) -> None:
        """Hold the next piece; a body that comes in fast enough has all the time it needs."""
        self.held += piece
        self.size += len(piece)
        gone = time.monotonic() - self.begun
        left = FIRST_SECONDS + self.size / LEAST_RATE - gone
        self.patience.reschedule(asyncio.get_running_loop().time() + left)


class Intake:
    """The bounds over all requests that are being taken. Only the loop's thread may use it."""

    def __init__(self) -> None:
        self.reading = 0
        """Bytes of bodies that come in or wait to be read."""
        self.memory = 0
        """Bytes charged for batches that are being read or wait for their commit."""
        self._incoming: set[_Incoming] = set()
        self._turns: list[tuple[int, asyncio.Future[None]]] = []
        self._readers = ThreadPoolExecutor(READERS, "reader")

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """Hold a request's whole body, as it came in, within the block. Raises RequestRefused and Overloaded."""
        incoming = _Incoming()
        self._incoming.add(incoming)
        try:
            await self._read(request, incoming)
            self._incoming.discard(incoming)
            body, incoming.held = bytes(incoming.held), bytearray()
            yield body
        finally:
            self._incoming.discard(incoming)
            self.reading -= incoming.size

    async def _read(self, request: Request, incoming: _Incoming) -> None:
        try:
            async with incoming.patience:
                async for piece in request.stream():
                    self._take(incoming, piece)
        except TimeoutError:
            if incoming.evicted:
                raise Overloaded from None
            raise RequestRefused(408, f"the body comes in with less than {LEAST_RATE} bytes a second") from None
        except ClientDisconnect:
            raise RequestRefused(400, "the body ended before its end") from None

    def _take(self, incoming: _Incoming, piece: bytes) -> None:
        if incoming.evicted:
            raise Overloaded
        if incoming.size + len(piece) > MAX_BODY:
            raise RequestRefused(413, f"the body is larger than {MAX_BODY} bytes")
        self._make_room(len(piece), incoming)
        incoming.take(piece)
        self.reading += len(piece)

    def _make_room(self, size: int, newcomer: _Incoming) -> None:
        """Let go what has held the most for the longest. Raises Overloaded when that is the newcomer itself."""
        now = time.monotonic()
        while self.reading + size > MAX_READING:
            costly = max(self._incoming, key=lambda each: each.cost(now))
            if costly is newcomer:
                raise Overloaded
            self._incoming.discard(costly)
            self.reading -= costly.size
            costly.evict()

    @asynccontextmanager
    async def charge(self, size: int) -> AsyncIterator[None]:
        """Hold a charge of so many bytes within the block, after waiting for one's turn. Raises Overloaded."""
        if self.memory + size > MAX_MEMORY:
            await self._turn(size)
        else:
            self.memory += size
        try:
            yield
        finally:
            self.memory -= size
            self._give_turns()

    async def _turn(self, size: int) -> None:
        """Wait until so many bytes are charged. Raises Overloaded when that takes too long."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns.append((size, turn))
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await turn
        except BaseException as ending:
            if turn.done() and not turn.cancelled():  # its turn came in the same moment
                self.memory -= size
            self._give_turns()
            if isinstance(ending, TimeoutError):
                raise Overloaded from None
            raise

    def _give_turns(self) -> None:
        """Let in what fits, the smallest first: an honest batch does not wait for what is meant to be costly."""
        self._turns = [(size, turn) for size, turn in self._turns if not turn.done()]  # else whoever waited gave up
        self._turns.sort(key=itemgetter(0))
        while self._turns and self.memory + self._turns[0][0] <= MAX_MEMORY:
            size, turn = self._turns.pop(0)
            self.memory += size
            turn.set_result(None)

    async def work(self, reading: Callable[[], T]) -> T:
        """Do the work of reading a body in one of the threads that do nothing else."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, reading)

    def close(self) -> None:
        """End the threads."""
        self._readers.shutdown(cancel_futures=True)
