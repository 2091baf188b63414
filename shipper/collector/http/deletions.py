"""Deletions of people: only for who shows the secret of an id, and gathered beside the writer.

Whoever is not known costs a look-up and leaves nothing. The others wait for each other for a moment and are deleted
together. Where a store has one writer that is between two groups of events, and else beside the writer: a cluster may
take minutes for it, and events come in meanwhile.
"""

import asyncio
import hmac
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from shipper.choices.identity import identity_of
from shipper.collector.http.body import RequestRefused
from shipper.collector.http.upkeep import InTurn
from shipper.collector.stores.store import Store, StoreUnavailable

#: People that wait for their deletion at a time.
MAX_PENDING = 1_000
#: People that are deleted at once, and seconds between two such turns.
AT_ONCE, PAUSE = 20, 0.2
#: Seconds that a request waits for its deletion. A sender waits 25; then it is told that it goes on, and asks again.
WAIT_SECONDS = 15.0
RETRY_DELETION = 60


def proves(user: str, secret: str) -> bool:
    """Say whether a secret is that of an id, in constant time."""
    return bool(secret) and hmac.compare_digest(identity_of(secret).encode(), user.encode())


class Deletions:
    """The queue. `in_turn` does work where the store can be written to; see `Upkeep`."""

    def __init__(self, store: Store, in_turn: InTurn) -> None:
        self._store = store
        self._in_turn = in_turn
        self._pending: dict[str, asyncio.Future[int]] = {}
        self._looking = ThreadPoolExecutor(1, "deletions")
        self._task: asyncio.Task[None] | None = None

    async def delete(self, person: str) -> int | None:
        """Delete a person, by hash, and return how many events went; None while that goes on.

        Raises RequestRefused, a 429, when too many wait, and StoreUnavailable.
        """
        loop = asyncio.get_running_loop()
        if person not in self._pending:
            if len(self._pending) >= MAX_PENDING:
                raise RequestRefused(429, "too many deletions wait; try again", RETRY_DELETION)
            if not await loop.run_in_executor(self._looking, self._store.knows, person):
                return 0
        ending = self._pending.setdefault(person, loop.create_future())
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._work())
        done, _ = await asyncio.wait([ending], timeout=WAIT_SECONDS)
        return ending.result() if done else None

    async def _work(self) -> None:
        while self._pending:
            people = list(self._pending)[:AT_ONCE]
            ended = await self._in_turn(lambda people=people: self._forget(people))  # type: ignore[misc]
            for person, result in zip(people, ended, strict=True):
                ending = self._pending.pop(person)
                if isinstance(result, int):
                    ending.set_result(result)
                else:
                    ending.set_exception(result)
                    ending.exception()  # whoever waited may be gone
            await asyncio.sleep(PAUSE)

    def _forget(self, people: Sequence[str]) -> Sequence[int | StoreUnavailable]:
        """Delete some people at once; when that fails, each alone, so that one cannot fail the others."""
        try:
            return self._store.forget(people)
        except StoreUnavailable as away:
            return [away] * len(people)
        except Exception as error:
            if len(people) > 1:
                return [ended for person in people for ended in self._forget([person])]
            return [StoreUnavailable(f"not deleted: {error!r}")]

    async def close(self) -> None:
        """Finish what is in hand; what waits is asked for again by its senders."""
        if self._task is not None:
            for person in list(self._pending)[AT_ONCE:]:
                self._pending.pop(person).cancel()
            await self._task
        self._looking.shutdown()
