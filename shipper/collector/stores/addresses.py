"""Stores by their addresses."""

import os

from shipper.collector.stores.store import Answers, Store
from shipper.errors import BadCall, ShipperError

EXAMPLES = "sqlite:DIR, chdb:DIR or clickhouse://HOST:PORT/DATABASE"


def open_store(address: str) -> Store:
    """Open a store to write to, and make it where it is not there yet. Raises ShipperError: BadCall for no address."""
    scheme, _, rest = address.partition(":")
    if scheme == "sqlite" and rest:
        from shipper.collector.stores.sqlite import SqliteStore

        return SqliteStore(os.path.abspath(rest))
    return _clickhouse(address, upkeep=True)


def _clickhouse(address: str, *, upkeep: bool) -> Store:
    from shipper.collector.stores.clickhouse.cluster import Cluster, redacted
    from shipper.collector.stores.clickhouse.embedded import Embedded
    from shipper.collector.stores.clickhouse.store import ClickHouseStore

    scheme, _, rest = address.partition(":")
    if scheme == "chdb" and rest:
        return ClickHouseStore(Embedded(os.path.abspath(rest)), upkeep=upkeep)
    if scheme == "clickhouse":
        return ClickHouseStore(Cluster(address), upkeep=upkeep)
    raise BadCall(f"{redacted(address)!r} is no store", f"A store is {EXAMPLES}.")


def read_store(address: str) -> Answers:
    """Open a store to ask it, while a receiver writes to it or when none does. Raises ShipperError."""
    scheme, _, rest = address.partition(":")
    if scheme != "sqlite" or not rest:
        return _clickhouse(address, upkeep=False)
    from shipper.collector.stores.sqlite import FILE
    from shipper.collector.stores.sqlite_answers import SqliteAnswers

    answers = SqliteAnswers(os.path.join(rest, FILE))
    if not os.path.exists(answers.path):
        raise ShipperError(f"{rest} holds no store", "Start `shipper collect --data DIR` first, or name its folder.")
    return answers
