"""One suite for every store: what is kept, counted once, answered and forgotten."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from shipper.collector.answers.question import Asked, Once
from shipper.collector.answers.questions import questions_of
from shipper.collector.stores.addresses import open_store, read_store
from shipper.collector.stores.dimensions import LATE, LOSSES, ORIGIN, day_of
from shipper.collector.stores.store import Answers, Receipt, Row, Store, StoreUnavailable, View, Window, person_of
from shipper.errors import ShipperError
from tests.collector.model import Model
from tests.fixtures.clickhouse_servers import ClickHouse, needs_clickhouse
from tests.fixtures.event_world import NOW, world
from tests.fixtures.modern_server import ModernServer
from tests.fixtures.world_catalog import WORLD

EVENTS = 6_000
ALWAYS = (0, 40_000)
WINDOWS = (
    Window("wunderctl", *ALWAYS),
    Window("wunderctl", 20_600, 20_643, ("0.149.0",)),
    Window("wunderctl", 20_500, 20_599, ("0.148.2", "0.149.0"), "without"),
    Window("wunderctl", 20_604, 20_633),  # June 2026
    Window("wunderctl", 20_440, 20_480, ("0.148.2",)),  # from December into January
    Window("wunderctl", *ALWAYS, ci="only"),
    Window("gadget", *ALWAYS),
    Window("wunderctl", 20_700, 20_779, ("0.150.0",)),
    Window("unheard-of", *ALWAYS),
)
CROSSINGS = (
    ("command", "command", "outcome"),
    ("command", "error", "command", "@version"),
    ("command", "command", "duration_ms"),
    (LATE, "late"),
    (LOSSES, "reason"),
    (ORIGIN, "event", "ci", "agent", "id"),
    (ORIGIN, "id", "@version"),
)
PAIRS = (("init", "up"), ("up", "test"), ("up", "up"), ("up", "init"))
FUNNELS = (("init", "up"), ("init", "up", "generate", "publish"), ("test",), ("publish", "init"))
USERS = (
    ("command", "command", "publish"),
    ("command", "", ""),
    ("command", "duration_ms", "1000-1999"),
    ("editor", "operations", "100-199"),
    ("editor", "lsp", "true"),
    ("datasource", "kind", "nothing"),
)

FEATURES = (
    ("", None),
    ("", ""),
    ("", "version"),
    ("", "runtime"),
    ("", "platform"),
    ("command", None),
    ("command", "command"),
    ("datasource", None),
    ("editor", "lsp"),
    ("nothing", None),
)

Opens = Callable[[], Store]


SERVERS = {"clickhouse": ClickHouse, "modern server": ModernServer}
#: Every store: SQLite, the modern engine in this process, a server of 2018, and the modern engine over the network.
STORES = (
    "sqlite",
    "chdb",
    pytest.param("clickhouse", marks=[pytest.mark.clickhouse, needs_clickhouse]),
    "modern server",
)


@pytest.fixture(params=STORES)
def opens(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opens]:
    """Opens the same store again and again."""
    if request.param in ("chdb", "modern server"):
        pytest.importorskip("chdb", reason="the extra chdb is not installed")
    if request.param not in SERVERS:
        yield lambda: open_store(f"{request.param}:{tmp_path / 'store'}")
        return
    server = SERVERS[request.param](tmp_path / "server")
    server.up()
    try:
        yield lambda: open_store(f"clickhouse://127.0.0.1:{server.http}/telemetry")
    finally:
        server.kill()


@contextmanager
def opened(opens: Opens) -> Iterator[Store]:
    store = opens()
    try:
        yield store
    finally:
        store.close()


def fill(store: Store, events: int = EVENTS) -> list[tuple[Row, int]]:
    """Add a world in groups of requests; return its rows with the minute in which they arrived."""
    arrived = []
    everything = list(world(events))
    for start in range(0, events, 1500):
        some = everything[start : start + 1500]
        at = some[-1][1]
        receipts = store.add(
            [[row for row, _ in some[request : request + 100]] for request in range(0, len(some), 100)], at
        )
        assert receipts == [Receipt(100, 0)] * len(receipts)
        arrived += [(row, at // 60) for row, _ in some]
    return arrived


def assert_says(view: View, model: Model) -> None:
    """Whatever the view says is what the rows say, to the last number."""
    said, right = Once(view), Once(model)
    assert dict(said.values()) == dict(right.values())
    for asked in FEATURES:
        assert dict(said.installations(*asked)) == dict(right.installations(*asked)), asked
    assert dict(said.active()) == dict(right.active())
    for pair in PAIRS:
        assert sorted(said.elapsed(*pair)) == sorted(right.elapsed(*pair)), pair
    for steps in FUNNELS:
        assert list(said.funnel(steps)) == list(right.funnel(steps)), steps
    assert dict(said.newcomers()) == dict(right.newcomers())
    assert dict(said.cohorts()) == dict(right.cohorts())
    for feature in USERS:
        assert dict(said.users(*feature)) == dict(right.users(*feature)), feature
    for event, *keys in CROSSINGS:
        assert dict(said.crossed(event, *keys)) == dict(right.crossed(event, *keys)), event
    sides = [Asked(view, view, model.window, NOW // 86_400, WORLD) for view in (said, right)]
    for question in questions_of(WORLD, ("datasource", "kind", "rest")):
        found, wanted = map(question.rows, sides)
        assert found == wanted, question.key


Filled = tuple[Answers, list[tuple[Row, int]]]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """An embedded store to ask, and what it holds."""
    with opened(lambda: open_store(f"sqlite:{tmp_path_factory.mktemp('filled')}")) as store:
        yield store, fill(store, 3000)


def test_every_answer_is_what_the_rows_say_and_stays_when_they_come_again_and_after_a_restart(opens: Opens) -> None:
    with opened(opens) as store:
        arrived = fill(store)
        models = [Model(arrived, window) for window in WINDOWS]
        for window, model in zip(WINDOWS, models, strict=True):
            assert_says(store.view(window), model)
        assert len(models[0].rows) > EVENTS / 2  # the comparison is about something
        assert len(models[0].elapsed("init", "up")) > 1
        assert len(models[1].newcomers()) > 1
        assert len(models[1].cohorts()) > 1
        # Days later, in another order and in other requests, everything comes again.
        again = [row for row, _ in reversed(arrived)]
        store.add([again[:2000], again[1000:]], NOW + 9 * 86_400)
        assert_says(store.view(WINDOWS[0]), models[0])
    with opened(opens) as store:
        assert_says(store.view(WINDOWS[1]), models[1])
        assert store.apps() == ["gadget", "wunderctl"]
        assert sorted(store.versions("wunderctl")) == ["0.148.2", "0.149.0", "0.150.0"]
        days = [day_of(row.time) for row, _ in arrived if row.app == "wunderctl" and day_of(row.time)]
        assert store.days("wunderctl") == (min(days), max(days))
        assert store.days("unheard-of") is None


def test_a_forgotten_person_is_gone_from_every_answer_and_stays_away(opens: Opens) -> None:
    with opened(opens) as store:
        arrived = fill(store, 3000)
        whom = person_of("1")
        theirs = [row for row, _ in arrived if row.person == whom]
        assert len(theirs) > 20
        assert store.forget([whom]) == [len(theirs)]
        left = [(row, minute) for row, minute in arrived if row.person != whom]
        for window in (WINDOWS[0], WINDOWS[1]):
            assert_says(store.view(window), Model(left, window))
        late = theirs[0]._replace(id=b"\1" * 16)
        assert store.add([[late], theirs], NOW)[0] == Receipt(1, 0)
        assert_says(store.view(WINDOWS[0]), Model(left, WINDOWS[0]))
        assert store.forget([whom]) == [0]
        assert store.forget([person_of("nobody")]) == [0]
    with opened(opens) as store:
        store.add([[late]], NOW)
        assert_says(store.view(WINDOWS[0]), Model(left, WINDOWS[0]))


def test_the_order_in_which_events_arrive_changes_no_answer(opens: Opens) -> None:
    with opened(opens) as store:
        rows = [row for row, _ in world(1000)]
        for row in reversed(rows[:100]):
            store.add([[row]], NOW)
        store.add([rows[500:], rows[100:600]], NOW)
        for window in WINDOWS[:3]:
            assert_says(store.view(window), Model([(row, NOW // 60) for row in rows], window))


def test_an_installation_whose_ends_are_at_one_time_ended_with_the_smaller_version(opens: Opens) -> None:
    row = next(row for row, _ in world(100) if row.person)._replace(app="wunderctl", name="command", ci=False)
    begins = row._replace(id=b"\1" * 16, fields={"command": "init"})
    ends = {"command": "up", "outcome": "ok"}
    newer = row._replace(id=b"\2" * 16, fields=ends, version="0.150.0", time=row.time + 90_999)
    older = row._replace(id=b"\3" * 16, fields=ends, version="0.149.0", time=row.time + 90_999)
    with opened(opens) as store:
        for each in (newer, begins, older):
            store.add([[each]], NOW)
        assert [tuple(end) for end in store.view(WINDOWS[0]).elapsed("init", "up")] == [("", (90,)), ("0.149.0", (90,))]


def test_nothing_of_a_failed_group_is_kept_and_the_store_goes_on(tmp_path: Path) -> None:
    rows = [row for row, _ in world(100)]
    with opened(lambda: open_store(f"sqlite:{tmp_path}")) as store:
        broken = rows[50]._replace(session=None)  # type: ignore[arg-type]  # a column that must not be empty
        with pytest.raises(StoreUnavailable):
            store.add([rows[:50], [broken]], NOW)
        assert store.view(WINDOWS[0]).values() == {}
        assert {row.app for row in rows} == {"wunderctl"}
        assert store.add([rows], NOW) == [Receipt(100, 0)]
        assert_says(store.view(WINDOWS[0]), Model([(row, NOW // 60) for row in rows], WINDOWS[0]))


def day(text: str) -> int:
    """A date in days since 1970."""
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ("2026-06-01", "2026-06-30"),  # one whole month
        ("2026-06-02", "2026-06-30"),  # all of it but a day
        ("2026-06-01", "2026-06-29"),
        ("2026-06-10", "2026-06-10"),
        ("2026-06-10", "2026-07-20"),  # no whole month
        ("2026-06-10", "2026-08-20"),  # one, and days on both of its sides
        ("2026-05-31", "2026-07-01"),
        ("2025-12-31", "2026-01-01"),  # two years
        ("2025-12-02", "2026-02-01"),
    ],
)
def test_sums_of_days_and_of_whole_months_make_up_every_window(filled: Filled, begins: str, ends: str) -> None:
    store, arrived = filled
    window = Window("wunderctl", day(begins), day(ends))
    assert_says(store.view(window), Model(arrived, window))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "sqlite:",
        "chdb:",
        "mysql:x",
        "clickhouse://",
        "clickhouse://h:1",
        "clickhouse://h:1/a;b",
        "clickhouse://h/a?x=1",
        "clickhouse://h/a?cluster=a,b",
    ],
)
def test_an_address_that_is_no_store_is_refused_in_words(address: str) -> None:
    with pytest.raises(ShipperError, match="is no store"):
        open_store(address)


def test_a_password_in_an_address_is_in_no_message() -> None:
    with pytest.raises(ShipperError) as refused:
        open_store("clickhouse://reporter:secret@127.0.0.1:1")
    assert "secret" not in str(refused.value) + refused.value.hint


def test_a_store_that_was_never_written_is_not_made_by_asking_it(tmp_path: Path) -> None:
    with pytest.raises(ShipperError, match="holds no store"):
        read_store(f"sqlite:{tmp_path}")
    assert list(tmp_path.iterdir()) == [tmp_path / "person"]
