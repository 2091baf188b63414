"""The reading side: what may be asked, and the sums that are refreshed before an answer is given."""

import time
from collections.abc import Sequence

from shipper.collector.stores.clickhouse.counts import days_to_refresh, refresh_days
from shipper.collector.stores.clickhouse.dialect import date_literal, people_literal, text
from shipper.collector.stores.clickhouse.engine import Engine, Shard
from shipper.collector.stores.clickhouse.rows import row_of, select_events
from shipper.collector.stores.clickhouse.view import ClickHouseView
from shipper.collector.stores.dimensions import FIRST_DAY
from shipper.collector.stores.store import Row, StoreUnavailable, Window

#: Rows that an answer waits for until their days are worked out again: about two seconds of one core. Where more came in,
#: the answer is of the last refresh, and `View.as_of` says when that was.
WAITED_FOR = 3_000_000


class ClickHouseAnswers:
    """See Answers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def view(self, window: Window) -> ClickHouseView:
        """See Answers.view."""
        shards = self._engine.shards()
        return ClickHouseView(shards, window, self._freshen(shards, window))

    def _freshen(self, shards: Sequence[Shard], window: Window) -> int | None:
        """Refresh the days of a window if that is quickly done; return the time before which all is counted, or None."""
        where = (
            f"app = {text(window.app)} AND day BETWEEN {date_literal(window.since)} AND {date_literal(window.until)}"
        )
        stale = False
        for shard in shards:
            days = days_to_refresh(shard, where)
            if sum(day.rows for day in days) > WAITED_FOR:
                stale = True
                continue
            try:
                refresh_days(shard, days, int(time.time()))
            except StoreUnavailable:
                stale = True  # a replica that lacks events, or that cannot write now
        if not stale:
            return None
        return max(int(at) for shard in shards for (at,) in shard.query(f"SELECT max(at) FROM daily WHERE {where}"))

    def knows(self, person: str) -> bool:
        """See Answers.knows."""
        where = f"who IN ({people_literal([person])})"
        return any(shard.query(f"SELECT 1 FROM lives WHERE {where} LIMIT 1") for shard in self._engine.shards())

    def ready(self) -> None:
        """See Answers.ready."""
        self._engine.query("SELECT 1")

    def apps(self) -> list[str]:
        """See Answers.apps."""
        return sorted({app for (app,) in self._ask("SELECT DISTINCT app FROM touched")})

    def versions(self, app: str) -> list[str]:
        """See Answers.versions."""
        of_people = f"SELECT DISTINCT toString(version) FROM lives WHERE app = {text(app)}"
        of_all = f"SELECT DISTINCT arrayJoin(versions) FROM daily WHERE app = {text(app)}"
        return list({version for statement in (of_people, of_all) for (version,) in self._ask(statement)})

    def days(self, app: str) -> tuple[int, int] | None:
        """See Answers.days."""
        rows = self._ask(
            "SELECT count(), toUInt32(min(day)), toUInt32(max(day)) FROM touched"
            f" WHERE app = {text(app)} AND day >= {date_literal(FIRST_DAY)}"
        )
        found = [(int(first), int(last)) for count, first, last in rows if int(count)]
        return (min(first for first, _ in found), max(last for _, last in found)) if found else None

    def events_of(self, person: str, after: bytes, most: int) -> list[tuple[Row, int]]:
        """See Answers.events_of."""
        found = self._ask(select_events(person, after, most))
        return sorted(map(row_of, found), key=lambda each: each[0].id)[:most]

    def _ask(self, statement: str) -> list[list[str]]:
        return [row for shard in self._engine.shards() for row in shard.query(statement)]
