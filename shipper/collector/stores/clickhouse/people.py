"""What the store says about installations: from `lives`, `uses` and `firsts`, which hold each installation on one shard."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from shipper.collector.stores.clickhouse.days import (
    day_at,
    days_inside,
    first_place,
    last_day,
    month_number,
    months_inside,
    place_of,
    seen_inside,
)
from shipper.collector.stores.clickhouse.dialect import AGE, text, texts
from shipper.collector.stores.clickhouse.features import Asks, Shown, count_installations
from shipper.collector.stores.dimensions import (
    DAY,
    FIRST_DAY,
    Feature,
    cohort_weeks,
    monday_of,
    week_of,
)
from shipper.collector.stores.store import Elapsed, Window, elapsed_of

_COLUMNS = {"version": "version", "runtime": "series", "platform": "platform"}


class People:
    """The installations of one window."""

    def __init__(self, ask: Asks, window: Window) -> None:
        self._ask = ask
        self._window = window
        self._app = f"app = {text(window.app)}"

    def installations(self, event: str, field: str | None) -> Mapping[Feature, int]:
        """See View.installations."""
        if self._window.ci == "only":
            return {}
        if event:
            return self._used(event, field)
        if field == "" and "_lived" not in self.__dict__:
            return self._living
        return {feature: people for feature, people in self._lived.items() if field in (None, feature[1])}

    @cached_property
    def _living(self) -> dict[Feature, int]:
        """How many installations lived at all, which is all that is asked about the period before."""
        where = f"{self._app} AND {self._inside}{self._among('version')}"
        rows = self._ask(f"SELECT count() FROM (SELECT who FROM lives WHERE {where} GROUP BY who)")
        living = sum(int(people) for (people,) in rows)
        return {("", "", ""): living} if living else {}

    @cached_property
    def _lived(self) -> dict[Feature, int]:
        """How many installations lived at all, and in each version, on each runtime and platform: read once for all."""
        where = f"{self._app} AND {self._inside}{self._among('version')}"
        # No version, runtime or platform has a line's end.
        asked = ", ".join(
            f"arrayStringConcat(groupUniqArray(toString({column})), '\\n')" for column in _COLUMNS.values()
        )
        said = zip(*self._ask(f"SELECT {asked} FROM lives WHERE {self._app} AND {self._months}"), strict=True)
        shown: dict[str, dict[str, list[Feature]]] = {
            column: {word: [("", field, word)] for word in sorted(set("\n".join(words).split("\n")) - {""})}
            for (field, column), words in zip(_COLUMNS.items(), said, strict=True)
        }
        return count_installations(self._ask, Shown("lives", where, shown, ("", "", "")))

    def _used(self, event: str, field: str | None) -> dict[Feature, int]:
        where = f"{self._app} AND name = {text(event)} AND {self._inside}{self._among('version')}"
        shown: dict[str, list[Feature]] = {}
        # Words of the months are enough to ask about: one that is not of these days is counted for nobody.
        met = f"SELECT DISTINCT used FROM uses WHERE {self._app} AND name = {text(event)} AND {self._months}"
        for used in sorted({used for (used,) in self._ask(met)}):
            labels = [label.partition("=") for label in used.split(",") if label]
            shown[used] = [(event, key, label) for key, _, label in labels if field in (None, key)]
        return count_installations(
            self._ask, Shown("uses", where, {"used": shown}, (event, "", "") if not field else None)
        )

    def elapsed(self, begin: str, end: str) -> Sequence[Elapsed]:
        """See View.elapsed."""
        since, until = self._span
        took: dict[str, list[int]] = defaultdict(list)
        statement = (
            f"SELECT version, intDiv(done1 - begun0, 1000) FROM ({self._steps((begin, end))})"
            f" WHERE ran0 > 0 AND well1 AND done1 >= begun0 AND done1 BETWEEN {since} AND {until}"
        )
        for version, seconds in self._ask(statement) if self._window.ci != "only" else ():
            if not self._window.versions or version in self._window.versions:
                took[version].append(int(seconds))
        return elapsed_of(took)

    def funnel(self, steps: Sequence[str]) -> Sequence[int]:
        """See View.funnel."""
        reached = [0] * len(steps)
        if self._window.ci == "only":
            return reached
        since, until = self._span
        conditions = [f"ran0 > 0 AND begun0 BETWEEN {since} AND {until}"]
        for number in range(1, len(steps)):
            before = f"done{number - 1}" if number > 1 else "begun0"
            conditions.append(f"{conditions[-1]} AND well{number} AND done{number} >= {before}")
        counts = ", ".join(f"countIf({condition})" for condition in conditions)
        for row in self._ask(f"SELECT {counts} FROM ({self._steps(steps)})"):
            reached = [count + int(more) for count, more in zip(reached, row, strict=True)]
        return reached

    def _steps(self, steps: Sequence[str]) -> str:
        """Select, for each installation, when it first ran each of some commands and when that first ended well.

        `version` is the one with which the last of them ended.
        """
        columns = []
        for number, step in enumerate(steps):
            command = f"command = {text(step)}"
            columns += [
                f"countIf({command}) AS ran{number}",
                f"minIf(finalizeAggregation(begun), {command}) AS begun{number}",
                f"minIf(finalizeAggregation(done), {command}) AS end{number}",
                f"(ran{number} > 0 AND end{number} != '~') AS well{number}",
                f"toInt64OrZero(substring(end{number}, 1, 16)) - {AGE} AS done{number}",
            ]
        columns.append(f"substring(end{len(steps) - 1}, 17) AS version")
        return f"SELECT who, {', '.join(columns)} FROM firsts WHERE {self._app} AND command IN ({texts(steps)}) GROUP BY who"

    def newcomers(self) -> Mapping[int, int]:
        """See View.newcomers."""
        if self._window.ci == "only":
            return {}
        people = (
            f"SELECT who, min({first_place()}) AS first, max({self._inside}{self._among('version')}) AS seen FROM lives"
            f" WHERE {self._app} AND month <= {month_number(self._window.until)} GROUP BY who"
        )
        found: Counter[int] = Counter()
        span = f"{place_of(max(self._window.since, FIRST_DAY))} AND {place_of(self._window.until)}"
        for first, count in self._ask(
            f"SELECT first, count() FROM ({people}) WHERE seen AND first BETWEEN {span} GROUP BY first"
        ):
            found[day_at(int(first))] += int(count)
        return found

    def cohorts(self) -> Mapping[tuple[int, int], int]:
        """See View.cohorts."""
        weeks = cohort_weeks(self._window.since, self._window.until)
        if self._window.ci == "only" or not weeks:
            return {}
        seen = []
        for week in weeks:
            sunday = min(monday_of(week + 1) - 1, self._window.until)
            seen.append(f"max({seen_inside(monday_of(week), sunday)}{self._among('version')}) AS w{week}")
        people = (
            f"SELECT who, min({first_place()}) AS first, {', '.join(seen)} FROM lives"
            f" WHERE {self._app} AND month <= {month_number(self._window.until)} GROUP BY who"
        )
        sums = ", ".join(f"sum(w{week})" for week in weeks)
        found: Counter[tuple[int, int]] = Counter()
        span = f"{place_of(max(monday_of(weeks[0]), FIRST_DAY))} AND {place_of(self._window.until)}"
        for first, *counts in self._ask(
            f"SELECT first, {sums} FROM ({people}) WHERE first BETWEEN {span} GROUP BY first"
        ):
            for week, count in zip(weeks, counts, strict=True):
                found[week_of(day_at(int(first))), week] += int(count)
        return {key: count for key, count in found.items() if count}

    def users(self, event: str, field: str, label: str) -> Mapping[str, tuple[int, int]]:
        """See View.users."""
        if self._window.ci == "only":
            return {}
        where = f"{self._app} AND name = {text(event)} AND {self._inside}{self._among('version')}"
        if field:
            where += f" AND has(splitByChar(',', toString(used)), {text(f'{field}={label}')})"
        # Of numbers with a bit for each day, the largest has the last day of all.
        days = days_inside(self._window.since, self._window.until)
        last: dict[str, int] = {}
        for version, month, bits in self._ask(
            f"SELECT version, month, max({days}) FROM uses WHERE {where} GROUP BY version, month"
        ):
            last[version] = max(last.get(version, 0), last_day(int(month), int(bits)))
        people: Counter[str] = Counter()
        for version, found in self._ask(f"SELECT version, uniqExact(who) FROM uses WHERE {where} GROUP BY version"):
            people[version] += int(found)
        return {version: (count, last[version]) for version, count in people.items()}

    @property
    def _span(self) -> tuple[int, int]:
        """The real days of the window in Unix milliseconds, both ends included."""
        return max(self._window.since, FIRST_DAY) * DAY, (self._window.until + 1) * DAY - 1

    @property
    def _inside(self) -> str:
        return seen_inside(self._window.since, self._window.until)

    @property
    def _months(self) -> str:
        return months_inside(self._window.since, self._window.until)

    def _among(self, column: str) -> str:
        return f" AND {column} IN ({texts(self._window.versions)})" if self._window.versions else ""
