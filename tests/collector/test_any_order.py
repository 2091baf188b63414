"""Whatever comes in whatever order, every store says what the rows say.

Duplicates, late events and deletions come, receivers die in the middle of a deletion, and act while another one deletes.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from shipper.collector.stores.addresses import open_store
from shipper.collector.stores.clickhouse.cluster import Cluster
from shipper.collector.stores.clickhouse.embedded import Embedded
from shipper.collector.stores.clickhouse.store import ClickHouseStore
from shipper.collector.stores.store import Row, Store, Window, person_of
from tests.collector.model import Model
from tests.collector.test_stores import assert_says
from tests.fixtures.clickhouse_servers import ClickHouse, needs_clickhouse
from tests.fixtures.cut_engine import Cut, Died
from tests.fixtures.event_world import NOW, world

#: Some 30 people over four months, two apps.
ROWS = [
    row._replace(app="gadget" if number % 9 == 8 else "wunderctl")
    for number, (row, _) in enumerate(world(600, days=110, per_person=20))
]
PEOPLE = [person_of(str(number)) for number in range(30)]
TODAY = NOW // 86_400
WINDOWS = (
    Window("wunderctl", 0, 40_000),
    Window("wunderctl", TODAY - 110, TODAY, ("0.149.0", "0.150.0"), "without"),
    Window("wunderctl", TODAY - 60, TODAY - 10),
    Window("gadget", TODAY - 40, TODAY),
)
slices = some.tuples(some.integers(0, 599), some.integers(1, 300))
people = some.sampled_from(PEOPLE)
happenings = some.sampled_from(["dies", "forgets", "refreshes", "takes", "nothing"])

Opens = Callable[[], tuple[Store, Cut | None]]


@pytest.fixture(params=["sqlite", "chdb", pytest.param("clickhouse", marks=[pytest.mark.clickhouse, needs_clickhouse])])
def opens(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opens]:
    """Opens another empty store each time."""
    numbers = itertools.count()
    if request.param == "sqlite":
        yield lambda: (open_store(f"sqlite:{tmp_path / str(next(numbers))}"), None)
    elif request.param == "chdb":
        pytest.importorskip("chdb", reason="the extra chdb is not installed")
        yield lambda: _cut(Cut(Embedded(str(tmp_path / str(next(numbers))))))
    else:
        server = ClickHouse(tmp_path / "server")
        server.up()
        try:
            yield lambda: _cut(Cut(Cluster(f"clickhouse://127.0.0.1:{server.http}/store{next(numbers)}")))
        finally:
            server.kill()


def _cut(cut: Cut) -> tuple[Store, Cut]:
    return ClickHouseStore(cut), cut


class AnyOrder(RuleBasedStateMachine):
    """A store and what it was given."""

    opens: Opens

    @initialize()
    def open(self) -> None:
        self.store, self.cut = self.opens()
        self.minute = NOW // 60
        self.arrived: list[tuple[Row, int]] = []
        self.forgotten: set[str] = set()

    def give(self, rows: list[Row], size: int = 70) -> None:
        self.minute += 1
        self.store.add([rows[start : start + size] for start in range(0, len(rows), size)], self.minute * 60)
        self.arrived += [(row, self.minute) for row in rows if row.person not in self.forgotten]

    @rule(where=slices, backwards=some.booleans())
    def some_come_in(self, where: tuple[int, int], backwards: bool) -> None:
        rows = ROWS[where[0] : sum(where)]
        self.give(rows[::-1] if backwards else rows)

    @rule(where=slices, days=some.integers(1, 70))
    def some_come_late(self, where: tuple[int, int], days: int) -> None:
        mark = bytes([100 + days])  # another id, which no other row has
        self.give(
            [
                row._replace(id=mark + row.id[1:], time=row.time - days * 86_400_000)
                for row in ROWS[where[0] : sum(where)]
            ]
        )

    @rule()
    def everything_comes_again(self) -> None:
        self.give([row for row, _ in reversed(self.arrived)])

    @rule()
    def sums_are_refreshed(self) -> None:
        if isinstance(self.store, ClickHouseStore):
            self.store.refresh()

    @rule(month=some.sampled_from([202608, 202609, 202610, 202611]))
    def a_month_is_rebuilt(self, month: int) -> None:
        if isinstance(self.store, ClickHouseStore):
            self.store.rebuild(month)

    @rule(
        person=people,
        due=some.integers(0, 9),
        what=some.sampled_from(["dies", "forgets", "refreshes", "takes", "nothing"]),
    )
    def somebody_is_deleted(self, person: str, due: int, what: str) -> None:
        """Another receiver does something before one of the statements, or this one dies there and is asked again."""
        cut, self.forgotten = self.cut, self.forgotten | {person}
        if cut and isinstance(self.store, ClickHouseStore):
            other = ClickHouseStore(cut.engine)
            others = [row for row in ROWS if row.person != person][:200]

            def refreshes() -> None:
                self.give(others)
                other.refresh()

            acts: dict[str, Callable[[], object]] = {
                "dies": cut.die,
                "forgets": lambda: other.forget([person]),
                "refreshes": refreshes,
                "takes": lambda: self.give(others),
                "nothing": lambda: None,
            }
            cut.written, cut.due, cut.act = 0, due, acts[what]  # type: ignore[assignment]
            with suppress(Died):
                self.store.forget([person])
            cut.due = -1
        self.arrived = [(row, minute) for row, minute in self.arrived if row.person != person]
        self.store.forget([person])

    @rule(due=some.integers(0, 7), person=people, where=slices)
    def somebody_is_deleted_during_a_refresh(self, due: int, person: str, where: tuple[int, int]) -> None:
        self.give(ROWS[where[0] : sum(where)])
        if self.cut and isinstance(self.store, ClickHouseStore):
            self.forgotten |= {person}
            other = ClickHouseStore(self.cut.engine)
            self.cut.written, self.cut.due, self.cut.act = 0, due, lambda: other.forget([person])  # type: ignore[assignment]
            self.store.refresh()
            self.cut.due = -1
            other.forget([person])
            self.arrived = [(row, minute) for row, minute in self.arrived if row.person != person]

    @invariant()
    def it_says_what_the_rows_say(self) -> None:
        for window in WINDOWS:
            assert_says(self.store.view(window), Model(self.arrived, window))

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()


def test_every_answer_is_what_the_rows_say_whatever_came_in_whatever_order(opens: Opens) -> None:
    AnyOrder.opens = staticmethod(opens)
    run_state_machine_as_test(
        AnyOrder,
        settings=settings(
            max_examples=6,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )
