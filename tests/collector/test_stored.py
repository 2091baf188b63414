"""Nothing that is stored can break an answer: not what a stranger sends, and not what an older receiver kept."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from shipper.collector.answers.answer import ask
from shipper.collector.answers.question import UNKNOWN
from shipper.collector.http.receive import row_of
from shipper.collector.page.cards import FAILED
from shipper.collector.stores.addresses import open_store, read_store
from shipper.collector.stores.dimensions import LAST_DAY, LOSSES, MAX_LOST, ORIGIN, bounded_losses
from shipper.collector.stores.sqlite import FILE
from shipper.collector.stores.sqlite_repair import UNBOUNDED_LOSSES
from shipper.collector.stores.store import Window
from shipper.reader import decode
from tests.fixtures.receiver_process import running
from tests.fixtures.wire_events import NOON, line

DAY = {"since": "2026-11-23", "until": "2026-11-23"}
FLOOD = f'"full":{2**63 - 1},"no-reason":{2**63 - 1},"old":-5,"damaged":"x"'


CATALOG = """
app = "wunderctl"
version = "1"
endpoint = "https://telemetry.example.com"
[events.command]
reason = "Which commands people use."
"""


def test_losses_of_any_size_and_name_are_taken_and_every_answer_still_comes(tmp_path: Path) -> None:
    catalog = tmp_path / "app.toml"
    catalog.write_text(
        'app = "wunderctl"\nversion = "1"\nendpoint = "https://t.example"\n[events.command]\nreason = "Use."\n'
    )
    for options in ((), ("--catalog", str(catalog))):
        with running(tmp_path / f"data{len(options)}", *options) as receiver:
            for number in range(3):
                lost = line(number, name=LOSSES, fields=FLOOD, user=None)
                assert receiver.post(lost, line(10 + number, name=LOSSES, app="unheard", fields=FLOOD)).json()[
                    "accepted"
                ] == 2  # fmt: skip
            assert receiver.client.get("/", params=DAY).status_code == 200
            said = receiver.client.get("/answers.json", params=DAY | {"app": "wunderctl"}).json()
        assert said["figures"]["Events lost"] == 6 * MAX_LOST
        (losses,) = [each for each in said["answers"] if each["key"] == "losses"]
        assert losses["rows"] == [["full", 3 * MAX_LOST], ["other", 3 * MAX_LOST]]


def test_a_losses_event_says_six_reasons_and_bounded_counts_whatever_was_sent() -> None:
    assert bounded_losses({"full": 1 << 62, "a": 5, "b": 6, "old": 0, "damaged": True, "rejected": "x"}) == {
        "full": MAX_LOST,
        "other": 11,
    }


values = some.one_of(
    some.booleans(), some.integers(-(1 << 63), (1 << 63) - 1), some.from_regex(r"[A-Za-z0-9_.:+/<>-]{1,64}", fullmatch=True)
)  # fmt: skip
names = some.sampled_from(["command", "datasource", "integration", "editor", LOSSES])
keys = some.sampled_from(["command", "outcome", "duration_ms", "error", "lsp", "full", "event", "label", "0"])


@settings(deadline=None, max_examples=60)
@given(
    some.lists(some.tuples(names, some.dictionaries(keys, values, max_size=6), some.integers(0, 1 << 43)), max_size=20)
)
def test_whatever_may_be_stored_every_answer_comes(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, dict[str, object], int]]
) -> None:
    store = open_store(f"sqlite:{tmp_path_factory.mktemp('any')}")
    rows = []
    for number, (name, fields, time) in enumerate(events):
        text = json.dumps(fields, separators=(",", ":"))[1:-1]
        rows.append(row_of(decode(line(number, name=name, fields=text, time=min(time, 253402300799999)))))
    with closing(store):
        store.add([rows], NOON // 1000)
        for window in (
            Window("wunderctl", 18_262, 29_219),
            Window("wunderctl", 18_262, 29_219, ("0.150.0",), "without"),
        ):
            report = ask(store, window, LAST_DAY)
            assert [each.question.key for each in report.answers if each.failed] == []


def came(data: Path) -> list[object]:
    """When installations came, and what came without an id."""
    view = read_store(f"sqlite:{data}").view(Window("wunderctl", 18_262, 29_219))
    return [*view.newcomers().items(), *view.crossed(ORIGIN, "event", "ci", "id").items()]


def test_what_an_older_receiver_kept_is_repaired_when_the_store_is_opened(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as receiver:
        receiver.post(line(1), *(line(number, name=LOSSES, fields='"full":7,"old":2') for number in (2, 3)))
        receiver.post(line(4, user=""), line(5, ci=True))
        before = receiver.client.get("/answers.json", params=DAY).json()
    known = came(data)
    assert len(known) == 3
    with closing(sqlite3.connect(data / FILE, isolation_level=None)) as db:  # as the receiver of 2f607bb left it
        db.execute(
            "UPDATE events SET fields = json_set(fields, '$.full', 9223372036854775807) WHERE fields LIKE '%full%'"
        )
        for table in ("daily", "monthly"):
            db.execute(
                f"UPDATE {table} SET total = 9223372036854775807 WHERE shape IN (SELECT id FROM shapes WHERE name = ?)",
                (LOSSES,),
            )
        db.execute("ALTER TABLE events DROP COLUMN agent")
        db.execute("DROP TABLE arrivals")
        db.execute("DELETE FROM daily WHERE shape IN (SELECT id FROM shapes WHERE name = 'shipper.origin')")
        db.execute(f"PRAGMA user_version = {UNBOUNDED_LOSSES}")
    with running(data) as receiver:
        assert came(data) == known
        said = receiver.client.get("/answers.json", params=DAY).json()
        assert said["figures"] == before["figures"] | {"Events lost": 2 * MAX_LOST + 4}
        assert receiver.post(line(2, name=LOSSES, fields='"full":7')).json()["duplicate"] == 1


def test_an_answer_that_fails_costs_its_card_and_never_the_page(tmp_path: Path) -> None:
    with running(tmp_path / "data") as receiver:
        receiver.post(line(1))
        with closing(sqlite3.connect(tmp_path / "data" / FILE, isolation_level=None)) as db:
            db.execute("DROP TABLE active")  # what installations a day are answered from
            page = receiver.client.get("/", params=DAY)
            said = receiver.client.get("/answers.json", params=DAY).json()
        assert (page.status_code, page.text.count(FAILED)) == (200, 3)
        assert [each["key"] for each in said["answers"] if each.get("failed")] == ["active", "uptake", "versions"]
        assert said["figures"]["Commands run"] == 1


def test_a_figure_that_fails_is_unknown_and_costs_no_other(tmp_path: Path) -> None:
    with running(tmp_path / "data") as receiver:
        receiver.post(line(1))
        with closing(sqlite3.connect(tmp_path / "data" / FILE, isolation_level=None)) as db:
            db.execute("DROP TABLE uses")
        figures = receiver.client.get("/answers.json", params=DAY).json()["figures"]
    assert (figures["Installations"], figures["Commands run"]) == (UNKNOWN, 1)


def test_every_question_that_fails_is_a_503(tmp_path: Path) -> None:
    with running(tmp_path / "data") as receiver:
        receiver.post(line(1))
        with closing(sqlite3.connect(tmp_path / "data" / FILE, isolation_level=None)) as db:
            for table in ("daily", "monthly", "firsts", "uses", "active", "arrivals"):
                db.execute(f"DROP TABLE {table}")
        assert receiver.client.get("/", params=DAY).status_code == 503
