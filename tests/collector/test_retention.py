"""Retention is enforced: what is too old is refused, and leaves events, sums and disk; what is kept answers as before."""

import json
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shipper.collector.http.access import TokenFile
from shipper.collector.http.catalogs import Catalogs
from shipper.collector.http.server import ReceiverRoutes
from shipper.collector.stores import sqlite_expiry
from shipper.collector.stores.addresses import open_store
from shipper.collector.stores.dimensions import DAY, LATE, LOSSES, NO_DAY, ORIGIN, date_of, day_of
from shipper.collector.stores.sqlite import FILE
from shipper.collector.stores.store import Row, Store, Window, person_of
from tests.collector.model import Model
from tests.collector.test_stores import SERVERS, STORES, Opens, fill, opened, opens
from tests.fixtures.event_world import NOW, world
from tests.fixtures.receiver_process import Running, running
from tests.fixtures.waiting import until
from tests.fixtures.wire_events import NOON, event_id, line

__all__ = ["opens"]
TODAY = NOW // 86_400
#: A day in the middle of a month, so that a month is cut.
BEFORE = TODAY - 100
assert SERVERS
assert STORES

#: Every sum, in words instead of numbers.
SUMS = {
    "daily": "SELECT a.word, day, v.word, ci, name, labels, total FROM daily JOIN words a ON a.id = app"
    " JOIN words v ON v.id = version JOIN shapes ON shapes.id = shape",
    "monthly": "SELECT a.word, month, v.word, ci, name, labels, total FROM monthly JOIN words a ON a.id = app"
    " JOIN words v ON v.id = version JOIN shapes ON shapes.id = shape",
    "active": "SELECT a.word, day, v.word, total FROM active JOIN words a ON a.id = app JOIN words v ON v.id = version",
    "uses": "SELECT event, field, label, hex(hash), v.word, year, months, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12"
    " FROM uses JOIN features f ON f.id = feature JOIN people ON people.id = person JOIN words v ON v.id = version",
    "events": "SELECT hex(id) FROM events",
    "people": "SELECT hex(hash) FROM people",
    "shapes": "SELECT name, labels FROM shapes",
    "features": "SELECT event, field, label FROM features",
}  # fmt: skip


def sums(folder: Path, *without: str) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(folder / FILE)) as db:
        return {name: sorted(db.execute(query).fetchall()) for name, query in SUMS.items() if name not in without}


def expire(store: Store, before: int) -> int:
    deleted = 0
    while gone := store.expire(before):
        deleted += gone
    return deleted


def is_kept(row: Row, minute: int, before: int = BEFORE) -> bool:
    day = day_of(row.time)
    return day >= before if day != NO_DAY else minute >= before * 1440


def test_after_a_retention_the_embedded_store_is_that_of_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_expiry, "STEP", 50)
    with (
        closing(open_store(f"sqlite:{tmp_path / 'one'}")) as store,
        closing(open_store(f"sqlite:{tmp_path / 'two'}")) as two,
    ):
        arrived = fill(store)
        for row, minute in arrived:
            if is_kept(row, minute):
                two.add([[row]], minute * 60)
        steps = 0
        while store.expire(BEFORE):
            steps += 1
        assert steps > 50
        # First runs stay for who is still seen: an installation does not become a new one by getting older.
        assert sums(tmp_path / "one", "features") == sums(tmp_path / "two", "features")
        with closing(sqlite3.connect(tmp_path / "one" / FILE)) as db:
            living = {person for (person,) in db.execute("SELECT id FROM people")}
            for table in ("firsts", "arrivals"):
                assert {person for (person,) in db.execute(f"SELECT person FROM {table}")} <= living
            assert db.execute("SELECT min(day) FROM arrivals").fetchone()[0] < BEFORE
        assert (tmp_path / "one" / (FILE + "-wal")).stat().st_size == 0
        assert store.oldest() == BEFORE


@pytest.mark.parametrize("steps", [1, 7, 40, 100])
def test_a_deletion_in_the_middle_of_a_retention_and_a_restart_leave_what_they_should(
    steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_expiry, "STEP", 50)
    whom = person_of("1")
    store, two = open_store(f"sqlite:{tmp_path / 'one'}"), open_store(f"sqlite:{tmp_path / 'two'}")
    arrived = fill(store, 3000)
    for row, minute in arrived:
        if is_kept(row, minute) and row.person != whom:
            two.add([[row]], minute * 60)
    for _ in range(steps):
        store.expire(BEFORE)
    store.close()
    store = open_store(f"sqlite:{tmp_path / 'one'}")
    store.forget([whom])
    old = next(row for row, minute in arrived if not is_kept(row, minute) and row.person != whom)
    store.add([[old._replace(id=old.id[:6] + b"\1" * 10)]], NOW)  # one that was in hand when the day changed
    expire(store, BEFORE)
    assert sums(tmp_path / "one", "features") == sums(tmp_path / "two", "features")
    store.close()
    two.close()


def test_what_is_kept_answers_as_before_in_every_store(opens: Opens) -> None:
    with opened(opens) as store:
        arrived = fill(store, 3000)
        first = (date_of(BEFORE).replace(day=1) - date_of(0)).days  # ClickHouse deletes whole months
        whole = Window("wunderctl", first, TODAY)
        assert expire(store, first) > 0
        kept = [(row, minute) for row, minute in arrived if is_kept(row, minute, first)]
        assert len(kept) < len(arrived)
        if hasattr(store, "refresh"):
            store.refresh()
        for window in (whole, Window("wunderctl", first, TODAY, ("0.150.0",), "without")):
            said, model, ever = store.view(window), Model(kept, window), Model(arrived, window)
            assert dict(said.values()) == dict(model.values())
            for event, *keys in (("command", "command", "outcome"), (LATE, "late"), (LOSSES, "reason"), (ORIGIN, "id")):
                assert dict(said.crossed(event, *keys)) == dict(model.crossed(event, *keys))
            assert dict(said.active()) == dict(model.active())
            assert dict(said.installations("", None)) == dict(model.installations("", None))
            assert set(said.newcomers().items()) >= set(ever.newcomers().items())
        whom = next(row.person for row, minute in kept if row.person and day_of(row.time) > first)
        theirs = [row for row, _ in kept if row.person == whom]
        assert store.forget([whom]) == [len(theirs)]
        left = [(row, minute) for row, minute in kept if row.person != whom]
        assert dict(store.view(whole).values()) == dict(Model(left, whole).values())
        assert not store.knows(whom)


def test_events_of_broken_clocks_go_by_their_receipt(opens: Opens) -> None:
    rows = [row for row, _ in world(30) if row.person and row.name == "command"][:4]
    broken = [
        row._replace(time=time, id=(time & (1 << 48) - 1).to_bytes(6, "big") + bytes([number]) * 10, app="wunderctl")
        for number, (row, time) in enumerate(zip(rows, (0, 5_000, 4_000_000_000_000, 4_000_000_000_000), strict=True))
    ]
    window = Window("wunderctl", NO_DAY, NO_DAY)
    with opened(opens) as store:
        store.add([broken[:1], broken[2:3]], (BEFORE - 1) * 86_400)
        store.add([broken[1:2], broken[3:]], NOW)
        expire(store, BEFORE)
        if hasattr(store, "refresh"):
            store.refresh()
        assert store.view(window).values()["command", "", ""] == 2


def test_a_receiver_refuses_what_is_older_and_deletes_it(tmp_path: Path) -> None:
    import time

    now = int(time.time()) // 86_400 * 86_400_000
    catalog = tmp_path / "app.json"
    catalog.write_text(
        json.dumps(
            {
                "app": "wunderctl",
                "version": "0.150.0",
                "retention_days": 50,
                "events": [{"name": "command", "reason": "Use."}],
            }
        )
    )
    old = [line(number, time=now - number * DAY, fields="", user=f"p{number}") for number in range(100)]
    with running(tmp_path / "data") as receiver:
        assert receiver.post(*old).json()["accepted"] == 100
    for options, days in ((("--catalog", str(catalog)), 50), (("--retention", "20"), 20)):
        with running(tmp_path / "data", *options) as receiver:
            until(partial(has, receiver, days + 1), what="the old ones are gone")
            reply = receiver.post(old[days], old[days + 1]).json()
            assert (reply["duplicate"], reply["rejected"][0]["id"]) == (1, event_id(days + 1, now - (days + 1) * DAY))
            assert "older than" in reply["rejected"][0]["reason"]
            broken = receiver.post(line(900, time=5)).json()
            assert broken["accepted"] == (1 if days == 20 else 0)
            until(partial(holds, tmp_path / "data", days + 1 + broken["accepted"]), what="the events are off the disk")


def has(receiver: Running, events: int) -> bool:
    """Whether the answers tell of so many events."""
    said = receiver.client.get("/answers.json", params={"days": "400"}).json()
    return bool(said["figures"]["Events"] == events)


def holds(folder: Path, events: int) -> bool:
    """Whether so many events lie in a store, and no one's that are not there."""
    kept = sums(folder)
    return len(kept["events"]) == events and len(kept["people"]) <= events


def test_what_an_app_promises_is_what_is_kept(tmp_path: Path) -> None:
    for name, days in (("one", 30), ("two", 90), ("three", 0)):
        said = f"retention_days = {days}\n" if days else ""
        (tmp_path / f"{name}.toml").write_text(f'app = "{name}"\n{said}[events.command]\nreason = "Use."\n')
    catalogs = Catalogs([str(tmp_path / f"{name}.toml") for name in ("one", "two", "three")])
    assert dict(catalogs.promises()) == {"one": 30, "two": 90}
    store = open_store(f"sqlite:{tmp_path / 'data'}")
    receiver = ReceiverRoutes(store, catalogs, TokenFile(None), clock=lambda: 100 * 86_400.0, retention_days=lambda: 30)
    assert receiver.retention.oldest() == "1970-03-12"
    store.close()


def test_an_id_that_is_not_of_its_events_time_is_refused(tmp_path: Path) -> None:
    from shipper.recording.line import format_time, new_id, seal_line

    when = format_time(NOON)
    lines = []
    for number, time in enumerate((NOON, NOON + 2 * DAY, NOON - 2 * DAY, 0)):
        identity = new_id(time, bytes([number]) * 10)
        lines.append(
            seal_line(
                f'{{"v":1,"id":"{identity}","time":"{when}","app":"wunderctl","version":"1","name":"command","session":"s",'
                '"ci":false,"os":"linux","arch":"arm64","cpus":2,"runtime":"cpython 3.12.1","fields":{}'
            )
        )
    with running(tmp_path / "data") as receiver:
        reply = receiver.post(*lines).json()
    assert reply["accepted"] == 1
    assert {each["reason"] for each in reply["rejected"]} == {"the id does not begin with the event's time"}
