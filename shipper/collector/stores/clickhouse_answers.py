"""What ClickHouse answers. Statements that a server of 2018 and an engine of 2026 both understand."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Protocol

from shipper.collector.stores.dimensions import (
    DAY,
    FIRST_DAY,
    LATE,
    LOSS_REASONS,
    LOSSES,
    MAX_LOST,
    ORIGIN,
    cohort_weeks,
    day_text,
    monday_of,
)
from shipper.collector.stores.label_counts import Shape, crossed_of, values_of
from shipper.collector.stores.store import Elapsed, Window

#: Added to a time so that its text has always as many digits, and the earliest text is the earliest time.
_AGE = 10**15
#: What an installation lives on, by the features' field; see dimensions.features_of.
_LIVED_ON = {
    "": "''",
    "version": "version",
    "runtime": "arrayStringConcat(arraySlice(splitByChar('.', runtime), 1, 2), '.')",
    "platform": "concat(os, ' ', arch)",
}
#: The reason that a losses event's key stands for; what an older receiver kept may have any key and any count.
_REASON = f"if(key IN ({','.join(repr(reason) for reason in LOSS_REASONS)}), key, 'other')"
_QUOTED = str.maketrans({"\\": "\\\\", "'": "\\'", "\t": "\\t", "\n": "\\n", "\0": "\\0"})


def plain(value: str) -> str:
    """Escape a string as tab-separated rows and literals want it."""
    return value.translate(_QUOTED)


def text(value: str) -> str:
    """Write a string literal."""
    return f"'{value.translate(_QUOTED)}'"


class Asks(Protocol):
    """The reading side of an engine."""

    def query(self, statement: str) -> list[list[str]]:
        """See Engine.query."""

    def table(self, name: str) -> str:
        """See Engine.table."""


class ClickHouseAnswers:
    """The reading side of the store; see Store."""

    def __init__(self, engine: Asks) -> None:
        self._asks = engine
        self._events = engine.table("events")

    def view(self, window: Window) -> "ClickHouseView":
        """See Store.view."""
        return ClickHouseView(self._asks, window)

    def ready(self) -> None:
        """See Store.ready."""
        self._asks.query("SELECT 1")

    def apps(self) -> list[str]:
        """See Store.apps."""
        return [app for (app,) in self._asks.query(f"SELECT DISTINCT app FROM {self._events} ORDER BY app")]

    def versions(self, app: str) -> list[str]:
        """See Store.versions."""
        where = f"app = {text(app)} AND person != '' AND name != {text(LOSSES)}"
        return [
            version for (version,) in self._asks.query(f"SELECT DISTINCT version FROM {self._events} WHERE {where}")
        ]

    def days(self, app: str) -> tuple[int, int] | None:
        """See Store.days."""
        statement = (
            f"SELECT count(), toUInt32(min(day)), toUInt32(max(day)) FROM {self._events}"
            f" WHERE app = {text(app)} AND day >= toDate({text(day_text(FIRST_DAY))})"
        )
        ((events, first, last),) = self._asks.query(statement)
        return (int(first), int(last)) if int(events) else None


class ClickHouseView:
    """One window of the store; see View."""

    def __init__(self, engine: Asks, window: Window) -> None:
        self._asks = engine
        self._events = engine.table("events")
        self._window = window
        since, until = text(day_text(window.since)), text(day_text(window.until))
        self._where = f"app = {text(window.app)} AND day BETWEEN toDate({since}) AND toDate({until})"
        if window.versions:
            self._where += f" AND version IN ({','.join(map(text, window.versions))})"
        if window.ci != "all":
            self._where += f" AND ci = {int(window.ci == 'only')}"
        # What is asked of installations as a whole: everything of theirs that happened on a real day.
        self._people = (
            f"app = {text(window.app)} AND person != '' AND name != {text(LOSSES)}"
            f" AND day >= toDate({text(day_text(FIRST_DAY))})"
        )
        self._span = max(window.since, FIRST_DAY) * DAY, (window.until + 1) * DAY - 1

    def values(self) -> Mapping[tuple[str, str, str], int]:
        """See View.values."""
        return values_of(self._shapes)

    def crossed(self, event: str, *keys: str) -> Mapping[tuple[str, ...], int]:
        """See View.crossed."""
        return crossed_of(self._shapes, event, keys)

    def installations(self, event: str, field: str | None) -> Mapping[tuple[str, str, str], int]:
        """See View.installations."""
        if not event:
            return {feature: people for feature, people in self._lived_on.items() if field in (None, feature[1])}
        people = f"{self._where} AND person != '' AND name != {text(LOSSES)}"
        where = f"{people} AND name = {text(event)}"
        only = "" if field is None else f" AND key = {text(field)}"
        statements = [
            f"SELECT name, key, label, uniqExact(person) FROM {self._events} FINAL"
            " ARRAY JOIN keys AS key, labels AS label, kinds AS kind"
            f" WHERE {where}{only} AND (kind < 2 OR name != 'command') GROUP BY name, key, label"
        ]
        if not field:
            statements.append(
                f"SELECT name, '', '', uniqExact(person) FROM {self._events} FINAL WHERE {where} GROUP BY name"
            )
        return self._features(*statements)

    def active(self) -> Mapping[tuple[int, str], int]:
        """See View.active."""
        statement = (
            f"SELECT toUInt32(day) AS d, version, uniqExact(person) FROM {self._events} FINAL"
            f" WHERE {self._where} AND person != '' AND name != {text(LOSSES)} GROUP BY d, version"
        )
        return {(int(day), version): int(people) for day, version, people in self._asks.query(statement)}

    def elapsed(self, begin: str, end: str) -> Sequence[Elapsed]:
        """See View.elapsed."""
        since, until = self._span
        begins, ends = ran(begin), ended_well(end)
        # The version goes with the earliest time; where two times are equal, the smaller version.
        people = (
            f"SELECT person, minIf(time, {begins}) AS begun, countIf({begins}) AS begins, countIf({ends}) AS ends,"
            f" minIf(concat(toString({_AGE} + time), version), {ends}) AS end,"
            f" toInt64OrZero(substring(end, 1, 16)) - {_AGE} AS done FROM {self._events} FINAL"
            f" WHERE {self._people} AND name = 'command' AND ({begins} OR {ends}) GROUP BY person"
        )
        statement = (
            f"SELECT substring(end, 17), intDiv(done - begun, 1000) FROM ({people})"
            f" WHERE begins > 0 AND ends > 0 AND done >= begun AND done BETWEEN {since} AND {until}"
        )
        took: dict[str, list[int]] = defaultdict(list)
        for version, seconds in self._asks.query(statement) if self._window.ci != "only" else ():
            if not self._window.versions or version in self._window.versions:
                took[version].append(int(seconds))
        return elapsed_of(took)

    def funnel(self, steps: Sequence[str]) -> Sequence[int]:
        """See View.funnel."""
        if self._window.ci == "only":
            return [0] * len(steps)
        since, until = self._span
        met = [ran(steps[0]), *map(ended_well, steps[1:])]
        columns = [f"minIf(time, {step}) AS t{n}, countIf({step}) AS n{n}" for n, step in enumerate(met)]
        people = (
            f"SELECT person, {', '.join(columns)} FROM {self._events} FINAL"
            f" WHERE {self._people} AND name = 'command' AND ({' OR '.join(met)}) GROUP BY person"
        )
        reached = [f"n0 > 0 AND t0 BETWEEN {since} AND {until}"]
        for n in range(1, len(steps)):
            reached.append(f"{reached[-1]} AND n{n} > 0 AND t{n} >= t{n - 1}")
        counts = ", ".join(f"countIf({condition})" for condition in reached)
        (row,) = self._asks.query(f"SELECT {counts} FROM ({people})")
        return list(map(int, row))

    def newcomers(self) -> Mapping[int, int]:
        """See View.newcomers."""
        people = (
            f"SELECT person, toUInt32(min(day)) AS first, countIf({self._where}) AS seen"
            f" FROM {self._events} FINAL WHERE {self._people} GROUP BY person"
        )
        statement = (
            f"SELECT first, count() FROM ({people}) WHERE seen > 0 AND first >= {self._window.since} GROUP BY first"
        )
        rows = self._asks.query(statement)
        return {int(day): int(count) for day, count in rows}

    def cohorts(self) -> Mapping[tuple[int, int], int]:
        """See View.cohorts."""
        weeks = cohort_weeks(self._window.since, self._window.until)
        if not weeks:
            return {}
        first = monday_of(weeks[0])
        people = (
            f"SELECT person, toUInt32(min(day)) AS first,"
            f" groupUniqArrayIf(intDiv(toUInt32(day) + 3, 7), {self._where} AND toUInt32(day) >= {first}) AS weeks"
            f" FROM {self._events} FINAL WHERE {self._people} GROUP BY person"
        )
        statement = (
            f"SELECT intDiv(first + 3, 7) AS born, week, count() FROM ({people}) ARRAY JOIN weeks AS week"
            f" WHERE first BETWEEN {first} AND {self._window.until} GROUP BY born, week"
        )
        return {(int(born), int(week)): int(count) for born, week, count in self._asks.query(statement)}

    def users(self, event: str, field: str, label: str) -> Mapping[str, tuple[int, int]]:
        """See View.users."""
        where = f"{self._where} AND person != '' AND name = {text(event)}"
        if field:
            where += f" AND has(keys, {text(field)}) AND labels[indexOf(keys, {text(field)})] = {text(label)}"
            where += f" AND (name != 'command' OR kinds[indexOf(keys, {text(field)})] < 2)"
        statement = (
            f"SELECT version, uniqExact(person), toUInt32(max(day)) FROM {self._events} FINAL WHERE {where}"
            " GROUP BY version"
        )
        return {version: (int(people), int(last)) for version, people, last in self._asks.query(statement)}

    @cached_property
    def _lived_on(self) -> dict[tuple[str, str, str], int]:
        """How many installations lived at all, and in each version, on each runtime and platform: read once for all."""
        fields, labels = ",".join(map(text, _LIVED_ON)), ",".join(_LIVED_ON.values())
        return self._features(
            f"SELECT '', field, label, uniqExact(person) FROM {self._events} FINAL"
            f" ARRAY JOIN [{fields}] AS field, [{labels}] AS label"
            f" WHERE {self._where} AND person != '' AND name != {text(LOSSES)} GROUP BY field, label"
        )

    @cached_property
    def _shapes(self) -> list[Shape]:
        """How often each shape occurred in each version: read once, and most answers follow from it."""
        # No name and no label has a comma.
        events = (
            "SELECT name, arrayStringConcat(keys, ',') AS k, arrayStringConcat(labels, ',') AS l, version, count()"
            f" FROM {self._events} FINAL WHERE {self._where} AND name != {text(LOSSES)} GROUP BY name, k, l, version"
        )
        late = (
            f"SELECT {text(LATE)}, 'late', late, '', count()"
            f" FROM {self._events} FINAL WHERE {self._where} AND late != '' GROUP BY late"
        )
        losses = (
            f"SELECT {text(LOSSES)}, 'reason', {_REASON} AS reason, '', sum(least(number, {MAX_LOST}))"
            f" FROM {self._events} FINAL"
            " ARRAY JOIN keys AS key, kinds AS kind, numbers AS number"
            f" WHERE {self._where} AND name = {text(LOSSES)} AND kind = 2 AND number > 0 GROUP BY reason"
        )
        usual = "person != '' AND ci = 0 AND agent = ''"
        origin = (
            f"SELECT {text(ORIGIN)}, 'event,ci,agent,id', concat(name, ',', if(ci = 1, 'true', 'false'), ',', agent, ',',"
            f" if(person = '', 'false', 'true')) AS l, version, count() FROM {self._events} FINAL"
            f" WHERE {self._where} AND name != {text(LOSSES)} AND NOT ({usual}) GROUP BY l, version"
        )
        return [
            Shape(name, dict(zip(keys.split(","), labels.split(","), strict=True)) if keys else {}, version, int(times))
            for statement in (events, late, losses, origin)
            for name, keys, labels, version, times in self._asks.query(statement)
        ]

    def _features(self, *statements: str) -> dict[tuple[str, str, str], int]:
        rows = (row for statement in statements for row in self._asks.query(statement))
        return {(event, field, label): int(count) for event, field, label, count in rows if int(count)}


def ran(command: str) -> str:
    """The condition that an event is a run of a command."""
    return f"labels[indexOf(keys, 'command')] = {text(command)}"


def ended_well(command: str) -> str:
    """The condition that an event is a run of a command that ended well."""
    return f"({ran(command)} AND labels[indexOf(keys, 'outcome')] = 'ok')"


def elapsed_of(took: Mapping[str, Iterable[int]]) -> list[Elapsed]:
    """Sort the seconds of each version's installations, with those of all versions first."""
    everybody = [seconds for some in took.values() for seconds in some]
    return [Elapsed(version, tuple(sorted(some))) for version, some in (("", everybody), *took.items()) if everybody]
