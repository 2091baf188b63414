"""The tables as an interface for SQL: every example of docs/sql.md runs on both stores, and both say the same."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shipper.collector.stores.addresses import open_store
from shipper.collector.stores.clickhouse.embedded import Embedded
from shipper.collector.stores.clickhouse.store import ClickHouseStore
from shipper.collector.stores.sqlite import FILE
from tests.collector.test_stores import fill

PAGE = Path(__file__).parents[2] / "docs" / "sql.md"
EXAMPLE = re.compile(
    r"^### (.+?)\n\n```sql\n-- SQLite\n(.+?)```\n\n```sql\n-- ClickHouse\n(.+?)```", re.MULTILINE | re.DOTALL
)


def test_each_of_ten_examples_says_the_same_of_both_stores(tmp_path: Path) -> None:
    pytest.importorskip("chdb", reason="the extra chdb is not installed")
    examples = EXAMPLE.findall(PAGE.read_text())
    assert len(examples) == 10
    with closing(open_store(f"sqlite:{tmp_path}")) as store:
        arrived = fill(store, 6000)
    engine = Embedded(str(tmp_path / "chdb"))
    with closing(ClickHouseStore(engine)) as store, closing(sqlite3.connect(tmp_path / FILE)) as db:
        fill(store, 6000)
        store.add([[row for row, _ in arrived[:100]]], arrived[-1][1] * 60)  # some come again
        for title, ours, theirs in examples:
            rows = [[str(cell) for cell in row] for row in db.execute(ours)]
            assert rows, title
            assert any(cell not in ("0", "0.0") for cell in rows[0]), title
            assert engine.query(theirs) == rows, title
