"""Group commit on a real store: what is one request's fault is not the others'."""

import asyncio
from pathlib import Path

from shipper.collector.http.group_commit import Group
from shipper.collector.stores.sqlite import SqliteStore
from shipper.collector.stores.store import Receipt, StoreUnavailable
from tests.fixtures.event_world import NOW, world


def test_a_request_that_the_store_cannot_take_fails_alone_of_its_group(tmp_path: Path) -> None:
    rows = [row for row, _ in world(30)]
    broken = rows[15]._replace(session=None)  # type: ignore[arg-type]  # a column that must not be empty
    tried: list[tuple[str, int]] = []

    async def together() -> list[Receipt | BaseException]:
        store = SqliteStore(str(tmp_path))
        group = Group(store, lambda: NOW, lambda result, size, _: tried.append((result, size)))
        try:
            requests = (rows[:10], [broken], [*rows[:5], *rows[20:]])
            return await asyncio.gather(*map(group.add, requests), return_exceptions=True)
        finally:
            await group.close()
            store.close()

    first, second, third = asyncio.run(together())
    assert (first, third) == (Receipt(10, 0), Receipt(10, 5))
    assert isinstance(second, StoreUnavailable)
    assert tried == [("failed", 0), ("done", 10), ("failed", 0), ("done", 15)]
