"""How ClickHouse's sums are kept: when an insert dies half way, when very much is different, and when time passes."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from shipper.collector.answers.answer import ask
from shipper.collector.stores.clickhouse import answers, features, rebuild
from shipper.collector.stores.clickhouse.embedded import Embedded
from shipper.collector.stores.clickhouse.schema import PERSONAL, VIEWS
from shipper.collector.stores.clickhouse.store import ClickHouseStore
from shipper.collector.stores.store import Row, Window, person_of
from shipper.errors import ShipperError
from tests.collector.model import Model
from tests.collector.test_stores import WINDOWS, assert_says, fill
from tests.fixtures.cut_engine import Cut, Died
from tests.fixtures.event_world import NOW, world

pytest.importorskip("chdb", reason="the extra chdb is not installed")

EVERYTHING = WINDOWS[0]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Embedded]:
    """The modern engine, empty."""
    with closing(Embedded(str(tmp_path / "chdb"))) as engine:
        yield engine


def test_events_whose_insert_died_before_its_views_count_when_they_come_again(engine: Embedded) -> None:
    store = ClickHouseStore(engine)
    rows = [row for row, _ in world(600)]
    arrived = [(row, NOW // 60) for row in rows]
    for view in VIEWS:
        engine.do(f"DROP TABLE {view}")  # what a server that dies between the table and a view leaves
    store.add([rows], NOW)
    store = ClickHouseStore(engine)
    assert engine.query("SELECT count() FROM events FINAL") == [["600"]]
    assert not store.view(EVERYTHING).values()
    store.add([rows], NOW)
    assert_says(store.view(EVERYTHING), Model(arrived, EVERYTHING))


def test_a_month_that_is_rebuilt_has_the_sums_of_events_that_died_and_never_came_again(engine: Embedded) -> None:
    store = ClickHouseStore(engine)
    rows = [row for row, _ in world(600, days=20)]
    store.add([rows[:500]], NOW)
    assert_says(store.view(EVERYTHING), Model([(row, NOW // 60) for row in rows[:500]], EVERYTHING))
    for view in VIEWS:
        engine.do(f"DROP TABLE {view}")
    store.add([rows[500:]], NOW)
    store = ClickHouseStore(engine)
    arrived = [(row, NOW // 60) for row in rows]
    for _ in range(2):
        for month in (202611, 202610, 197001):
            store.rebuild(month)
        assert_says(store.view(EVERYTHING), Model(arrived, EVERYTHING))


def test_whole_months_are_read_as_one_row_each_and_say_the_same(engine: Embedded) -> None:
    store = ClickHouseStore(engine)
    arrived = fill(store, 3000)
    store.refresh()
    assert int(engine.query("SELECT count() FROM monthly FINAL WHERE app = 'wunderctl'")[0][0]) >= 11
    for window in WINDOWS:
        assert_says(store.view(window), Model(arrived, window))
    engine.do("INSERT INTO monthly (app, month, state) SELECT app, month, state + 1 FROM monthly FINAL")
    assert_says(store.view(EVERYTHING), Model(arrived, EVERYTHING))  # months that stand for other days are not believed


def test_an_app_of_very_many_versions_and_shapes_gets_every_answer(
    engine: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = next(row for row, _ in world(100) if row.person)._replace(app="wunderctl", name="editor")
    rows = [
        base._replace(
            id=number.to_bytes(16, "big"),
            version=f"1.{number % 40}.0",
            person=person_of(str(number % 60)),
            time=base.time + number % 90 * 86_400_000,
            fields={"lsp": number % 3 == 0, "operations": number**2, "file": f"kind{number % 700}"},
        )
        for number in range(3000)
    ]
    arrived = [(row, NOW // 60) for row in rows]
    store = ClickHouseStore(engine)
    store.add([rows], NOW)
    window = Window("wunderctl", 0, 40_000)
    model = Model(arrived, window)
    assert len(model.installations("editor", None)) > features.MAX_BITS
    assert_says(store.view(window), model)
    singly = store.view(window).installations("", None)
    monkeypatch.setattr(features, "MAX_BITS", 2)
    assert store.view(window).installations("", None) == singly == model.installations("", None)
    store.refresh()
    assert_says(store.view(window), model)


def test_an_answer_does_not_wait_for_very_many_rows_and_says_of_when_it_is(
    engine: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ClickHouseStore(engine)
    rows = [row for row, _ in world(600)]
    store.add([rows[:300]], NOW)
    before = [(row, NOW // 60) for row in rows[:300]]
    assert store.view(EVERYTHING).as_of() is None
    monkeypatch.setattr(answers, "WAITED_FOR", 10)
    store.add([rows[300:]], NOW)
    view = store.view(EVERYTHING)
    assert dict(view.values()) == dict(Model(before, EVERYTHING).values())
    as_of = view.as_of()
    assert as_of is not None
    assert as_of > NOW // 2  # when the last refresh was, by this machine's clock
    assert ask(store, EVERYTHING, NOW // 86_400).as_of == as_of
    assert store.refresh() > 0
    assert store.view(EVERYTHING).as_of() is None
    assert_says(store.view(EVERYTHING), Model([(row, NOW // 60) for row in rows], EVERYTHING))


def test_a_day_of_very_many_deletions_is_worked_out_again_without_those_people(
    engine: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shipper.collector.stores.clickhouse import counts

    store = ClickHouseStore(engine)
    arrived = fill(store, 600)
    monkeypatch.setattr(counts, "MAX_SHARES", 1)
    for number in range(3):
        store.refresh()
        store.forget([person_of(str(number))])
        left = [
            (row, minute) for row, minute in arrived if row.person not in {person_of(str(n)) for n in range(number + 1)}
        ]
        assert_says(store.view(EVERYTHING), Model(left, EVERYTHING))
    assert int(engine.query("SELECT count() FROM daily FINAL WHERE notEmpty(gone)")[0][0]) > 0


def test_a_refresh_that_reads_while_a_person_is_deleted_is_thrown_away(engine: Embedded) -> None:
    cut = Cut(engine)
    one, two = ClickHouseStore(cut), ClickHouseStore(engine)
    rows = [row for row, _ in world(600, days=40) if row.app == "wunderctl"]
    whom = person_of("1")
    one.add([rows], NOW)
    cut.written, cut.due, cut.act = 0, 0, lambda: two.forget([whom])  # type: ignore[assignment]
    one.refresh()
    assert cut.due == -1  # the person was deleted after the refresh had looked who is gone, and before it read
    left = [(row, NOW // 60) for row in rows if row.person != whom]
    assert len(left) < len(rows)
    for _ in range(2):
        assert_says(two.view(EVERYTHING), Model(left, EVERYTHING))
        one.refresh()


def test_a_deletion_that_died_half_way_through_the_events_takes_the_whole_share_away(engine: Embedded) -> None:
    cut = Cut(engine)
    store = ClickHouseStore(cut)
    rows = [row for row, _ in world(600, days=40)]
    whom = person_of("1")
    store.add([rows], NOW)
    store.refresh()
    cut.written, cut.due, cut.act = 0, 2, cut.die  # who is forgotten, and the shares, are written; nothing is deleted
    with pytest.raises(Died):
        store.forget([whom])
    half = f"person = '{whom}' AND cityHash64(toString(id)) % 2 = 0"
    assert engine.query("SELECT count() FROM withdrawn") != [["0"]]
    assert engine.query(f"SELECT count() FROM events WHERE {half}") != [["0"]]
    engine.delete("events", half)
    assert 0 < store.forget([whom])[0] < sum(row.person == whom for row in rows)
    left = [(row, NOW // 60) for row in rows if row.person != whom]
    assert_says(store.view(EVERYTHING), Model(left, EVERYTHING))


def test_a_day_that_is_refreshed_between_the_share_and_the_deletion_leaves_the_person_out(engine: Embedded) -> None:
    cut = Cut(engine)
    one, two = ClickHouseStore(cut), ClickHouseStore(engine)
    rows = [row for row, _ in world(600, days=40)]
    whom = person_of("1")
    others = [row for row in rows if row.person != whom]
    one.add([rows], NOW)
    one.refresh()

    def meanwhile() -> None:
        two.add([others], NOW)
        two.refresh()

    cut.written, cut.due, cut.act = 0, 2, meanwhile
    one.forget([whom])
    left = [(row, NOW // 60) for row in others]
    assert_says(two.view(EVERYTHING), Model(left, EVERYTHING))


def test_months_that_are_too_old_go_with_their_sums(engine: Embedded) -> None:
    store = ClickHouseStore(engine)
    arrived = fill(store, 3000)
    store.refresh()
    first = (date(2026, 9, 1) - date(1970, 1, 1)).days
    assert store.expire(first + 20) == 10
    while store.expire(first + 20):
        continue
    for table in ("events", "touched", "daily"):
        assert engine.query(f"SELECT count() FROM {table} WHERE toYYYYMM(day) BETWEEN 202001 AND 202608") == [["0"]]
    window = Window("wunderctl", first, 40_000)
    kept = [(row, minute) for row, minute in arrived if row.time // 86_400_000 >= first]
    view, model = store.view(window), Model(kept, window)
    assert dict(view.values()) == dict(model.values())
    assert dict(view.installations("", None)) == dict(model.installations("", None))
    lived = {who for (who,) in engine.query("SELECT DISTINCT hex(who) FROM lives")}
    assert {who for (who,) in engine.query("SELECT DISTINCT hex(who) FROM firsts")} <= lived


def test_what_is_only_marked_as_deleted_leaves_the_disk(engine: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    from shipper.collector.stores.clickhouse import maintenance

    store = ClickHouseStore(engine)
    fill(store, 600)
    store.forget([person_of("1")])
    marked = "SELECT count() FROM system.parts WHERE active AND has_lightweight_delete AND database = 'shipper'"
    assert engine.query(marked) != [["0"]]
    store.refresh()
    assert engine.query(marked) != [["0"]]  # not yet
    monkeypatch.setattr(maintenance, "MARKED_FOR", -60)
    engine.do("SET mutations_sync = 1")
    store.refresh()
    assert engine.query(marked) == [["0"]]


def test_shares_and_names_that_only_a_deleted_person_had_leave_the_store(
    engine: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shipper.collector.stores.clickhouse import erasure
    from shipper.collector.stores.clickhouse import store as writing

    store = ClickHouseStore(engine)
    rows = [row for row, _ in world(600, days=60)]
    whom = person_of("1")
    mine = [row._replace(fields={"command": "only-mine"}) if row.person == whom else row for row in rows]
    store.add([mine], NOW)
    store.refresh()
    store.forget([whom])
    left = Model([(row, NOW // 60) for row in mine if row.person != whom], EVERYTHING)
    named = "SELECT count() FROM {} WHERE arrayExists(x -> x LIKE '%only-mine%', shapes)"
    tables = ("daily", "monthly", "withdrawn")
    assert engine.query(named.format("withdrawn")) != [["0"]]
    assert_says(store.view(EVERYTHING), left)
    monkeypatch.setattr(writing, "SWEPT", -60)
    monkeypatch.setattr(erasure, "BATCH_ROWS", 0)
    store.refresh()
    assert engine.query(named.format("withdrawn")) != [["0"]]  # not yet: it would work out too much
    monkeypatch.setattr(erasure, "SHARES_FOR", -60)
    store.refresh()
    assert [engine.query(named.format(table)) for table in tables] == [[["0"]]] * 3
    assert engine.query("SELECT count() FROM withdrawn") == [["0"]]
    assert_says(store.view(EVERYTHING), left)
    store.add([mine], NOW)  # comes again
    store.refresh()
    assert_says(store.view(EVERYTHING), left)


def test_rows_of_a_deleted_person_that_another_receiver_was_just_writing_are_swept(engine: Embedded) -> None:
    rows = [row for row, _ in world(600)]
    whom = person_of("1")
    theirs = [row for row in rows if row.person == whom]
    one, two = ClickHouseStore(engine), LateStore(engine)
    one.add([[row for row in rows if row.person != whom], theirs[5:]], NOW)
    one.forget([whom])
    two.add([theirs[:5]], NOW)
    one.refresh()
    for table, column in PERSONAL.items():
        value = f"'{whom}'" if column == "person" else f"toFixedString(unhex('{whom}'), 16)"
        assert engine.query(f"SELECT count() FROM {table} WHERE {column} = {value}") == [["0"]]
    left = [(row, NOW // 60) for row in rows if row.person != whom]
    assert_says(one.view(EVERYTHING), Model(left, EVERYTHING))


class LateStore(ClickHouseStore):
    """A receiver that looked among the forgotten before the person was."""

    def _forgotten(self, people: Iterable[str]) -> set[str]:
        return set() & set(people)


@pytest.mark.parametrize(
    "table", ["events (app String, name String, day Date, id UUID)", "daily (app String, day Date)"]
)
def test_tables_of_another_shape_are_refused_with_a_sentence(engine: Embedded, table: str) -> None:
    engine.do(f"CREATE TABLE {table} ENGINE = MergeTree ORDER BY app")
    with pytest.raises(ShipperError, match=f"the table {table.split()[0]} was made by another version of shipper"):
        ClickHouseStore(engine)


def test_rows_are_read_as_they_were_given(engine: Embedded) -> None:
    row = next(row for row, _ in world(10))
    odd: Row = row._replace(fields={"path": "a\\b", "word": "it's", "tab": "x\ty", "flag": True, "number": -5})
    ClickHouseStore(engine).add([[odd]], NOW)
    ((keys, labels, numbers),) = engine.query("SELECT toString(keys), toString(labels), toString(numbers) FROM events")
    assert keys == "['path','word','tab','flag','number']"
    assert labels == r"['a\\b','it\'s','x\ty','true','below 0']"
    assert numbers == "[0,0,0,0,-5]"


def test_the_command_rebuilds_a_month_and_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"chdb:{tmp_path / 'other'}"
    assert rebuild.main([address, "2026-11"]) == 0
    for wrong in ([address], [address, "2026-13"], [f"sqlite:{tmp_path}", "2026-11"]):
        assert rebuild.main(wrong) > 0
        assert capsys.readouterr().err.startswith("rebuild: ")
