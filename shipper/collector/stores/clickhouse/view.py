"""What the store says about one window: counts from `daily` and `monthly`, people from `lives`, `uses` and `firsts`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

from shipper.collector.stores.clickhouse.days import month_number
from shipper.collector.stores.clickhouse.dialect import date_literal, text
from shipper.collector.stores.clickhouse.engine import Shard
from shipper.collector.stores.clickhouse.people import People
from shipper.collector.stores.dimensions import CENSUS, FIRST_DAY, first_of, month_of, week_of
from shipper.collector.stores.label_counts import Shape, crossed_of, values_of
from shipper.collector.stores.store import Window


class ClickHouseView(People):
    """See View; `as_of` is the time up to which all is counted, or None when nothing is left to count.

    Every shard is asked for itself, and what they say is added up: an installation's rows are all on one shard, and so
    are an event and its duplicates.
    """

    def __init__(self, shards: Sequence[Shard], window: Window, as_of: int | None) -> None:
        super().__init__(self._ask_all, window)
        self._shards = shards
        self._as_of = as_of
        self._days = (
            f"app = {text(window.app)} AND day BETWEEN {date_literal(window.since)} AND {date_literal(window.until)}"
        )

    def _ask_all(self, statement: str) -> list[list[str]]:
        return [row for rows in self._ask_each(statement) for row in rows]

    def _ask_each(self, statement: str) -> list[list[list[str]]]:
        if len(self._shards) == 1:
            return [self._shards[0].query(statement)]
        with ThreadPoolExecutor(len(self._shards)) as threads:
            return list(threads.map(lambda shard: shard.query(statement), self._shards))

    def as_of(self) -> int | None:
        """See View.as_of."""
        return self._as_of

    def values(self) -> Mapping[tuple[str, str, str], int]:
        """See View.values."""
        return values_of(self._shapes)

    def crossed(self, event: str, *keys: str) -> Mapping[tuple[str, ...], int]:
        """See View.crossed."""
        return crossed_of(self._shapes, event, keys)

    def active(self) -> Mapping[tuple[int, str], int]:
        """See View.active."""
        if self._window.ci == "only":
            return {}
        found: Counter[tuple[int, str]] = Counter()
        seen = (
            f"SELECT toUInt32(day), version, sum(n) FROM daily FINAL"
            f" ARRAY JOIN seen_versions AS version, seen AS n WHERE {self._days}{self._among('version')}"
            " GROUP BY day, version"
        )
        gone = (
            f"SELECT toUInt32(day), version, count() FROM withdrawn FINAL"
            f" ARRAY JOIN seen_versions AS version WHERE {self._days}{self._among('version')} AND {self._counted}"
            " GROUP BY day, version"
        )
        for sign, statement in ((1, seen), (-1, gone)):
            for day, version, people in self._ask(statement):
                found[int(day), version] += sign * int(people)
        return {key: people for key, people in found.items() if people > 0}

    def census(self) -> Mapping[tuple[int, str, str, str], int]:
        """See View.census. It is of nobody, so that no deletion has a share in it."""
        if self._window.ci == "only":
            return {}
        statement = (
            "SELECT toUInt32(day), version, shape, sum(n) FROM daily FINAL"
            " ARRAY JOIN versions AS version, cis AS ci, shapes AS shape, times AS n"
            f" WHERE {self._days}{self._among('version')} AND ci = 0 AND day >= {date_literal(FIRST_DAY)}"
            f" AND startsWith(shape, '{CENSUS}') GROUP BY day, version, shape"
        )
        found: Counter[tuple[int, str, str, str]] = Counter()
        for day, version, shape, people in self._ask(statement):
            field, _, label = shape.removeprefix(CENSUS).lstrip(",").partition("=")
            found[week_of(int(day)), version, field, label] += int(people)
        return found

    @cached_property
    def _shapes(self) -> list[Shape]:
        """How often each shape occurred in each version: read once, and most answers follow from it."""
        counted: Counter[tuple[str, str]] = Counter()
        for shard in self._shards:
            for sign, table, where in self._rows_of(shard):
                statement = (
                    f"SELECT shape, version, sum(n) FROM {table} FINAL"
                    " ARRAY JOIN versions AS version, cis AS ci, shapes AS shape, times AS n"
                    f" WHERE {where}{self._among('version')}{self._of_ci} GROUP BY shape, version"
                )
                for shape, version, times in shard.query(statement):
                    counted[shape, version] += sign * int(times)
        return [_shape(shape, version, times) for (shape, version), times in counted.items() if times > 0]

    def _rows_of(self, shard: Shard) -> list[tuple[int, str, str]]:
        """The rows that make up the window: whole months, the days beside them, and the shares to take away."""
        months = self._whole_months(shard)
        beside = f"{self._days} AND toYYYYMM(day) NOT IN ({','.join(months)})" if months else self._days
        rows = [(1, "daily", beside), (-1, "withdrawn", f"{self._days} AND {self._counted}")]
        if months:
            rows.append((1, "monthly", f"{self._app} AND month IN ({','.join(months)})"))
        return rows

    def _whole_months(self, shard: Shard) -> list[str]:
        """The months within the window whose row stands for exactly their days."""
        start, end = month_of(self._window.since - 1) + 1, month_of(self._window.until + 1)
        if start >= end:
            return []
        months = f"BETWEEN {month_number(first_of(start))} AND {month_number(first_of(end - 1))}"
        zero = "toUInt64(0)"
        statement = (
            "SELECT m FROM ("
            f"SELECT toYYYYMM(day) AS m, sum(state) AS days, {zero} AS months FROM daily FINAL"
            f" WHERE {self._days} GROUP BY m UNION ALL"
            f" SELECT month AS m, {zero} AS days, sum(state) AS months FROM monthly FINAL"
            f" WHERE {self._app} AND month {months} GROUP BY m"
            f") WHERE m {months} GROUP BY m HAVING sum(days) = sum(months)"
        )
        return [month for (month,) in shard.query(statement)]

    @property
    def _counted(self) -> str:
        """The condition that a share is of somebody who is counted in the row of the day: who is not gone from it."""
        return f"(day, person) NOT IN (SELECT day, arrayJoin(gone) AS person FROM daily FINAL WHERE {self._days})"

    @property
    def _of_ci(self) -> str:
        return "" if self._window.ci == "all" else f" AND ci = {int(self._window.ci == 'only')}"


def _shape(shape: str, version: str, times: int) -> Shape:
    """Read a shape: an event's name and its labels, with commas between them, which no name and no label has."""
    name, *labels = shape.split(",")
    return Shape(name, dict(label.split("=", 1) for label in labels), version, times)
