"""The level "none" on its way: what a request holds, which day a pass sends, and what an upgrade of the level does."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shipper.choices.saving import save_choice
from shipper.delivery.days import SPREAD, is_over, next_pass, postponed
from shipper.recording.consent import read_choice
from shipper.recording.due import read_due
from shipper.recording.folder import Folder, open_config
from shipper.recording.unlinked import unlinked_line
from shipper.spool import Spool
from tests.fixtures.faults import Faults
from tests.fixtures.passes import NOW, flush, sending_to, waiting
from tests.fixtures.sample_app import sample, spool_of
from tests.fixtures.spools import line, record

DAY = 24 * 3600
DAYS = ("2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23")
TODAY = DAYS[-1]


def none_line(day: str, number: int = 0, app: str = "demo") -> bytes:
    return unlinked_line(os.urandom(16), day, app, "1.0", "command", False, "", f'"n":{number}')


@pytest.fixture
def receiver() -> Iterator[Faults]:
    with Faults("acknowledge") as found:
        yield found


@contextmanager
def spool_of_none(receiver: Faults) -> Iterator[Spool]:
    with sending_to(receiver.endpoint, identity="none") as spool:
        yield spool


def bodies(receiver: Faults) -> list[list[dict[str, object]]]:
    return [[json.loads(each) for each in request.body.splitlines()] for request in receiver.requests]


def days_of(receiver: Faults) -> list[set[object]]:
    return [{event["time"] for event in body} for body in bodies(receiver)]


def test_by_hand_each_day_goes_in_a_request_of_its_own_in_no_order_of_time(receiver: Faults) -> None:
    with spool_of_none(receiver) as spool:
        lines = [none_line(day, number) for day in DAYS for number in range(20)]
        record(spool, lines)
        result = flush()

    assert result.delivered == 80
    assert days_of(receiver) == [{day} for day in DAYS]
    for body in bodies(receiver):
        ids = [str(event["id"]) for event in body]
        assert ids == sorted(ids)
        assert [event["fields"] for event in body] != [{"n": number} for number in range(20)]


def test_the_name_of_a_batch_tells_its_day_and_nothing_of_its_segment(receiver: Faults) -> None:
    with spool_of_none(receiver) as spool:
        record(spool, [none_line(day) for day in DAYS])
        flush()

    keys = [request.key for request in receiver.requests]
    assert all(re.fullmatch(rf"{day}-[0-9a-f]{{16}}", key) for day, key in zip(DAYS, keys, strict=True))
    assert len({key[11:] for key in keys}) == len(keys)


def test_a_pass_that_nobody_asked_for_sends_one_day_that_is_over(receiver: Faults) -> None:
    with spool_of_none(receiver) as spool:
        record(spool, [none_line(day) for day in DAYS])
        sent = []
        for number in range(5):
            flush(now=NOW + number, by_hand=False)
            sent.append(len(receiver.requests))
        (left,) = (json.loads(each) for each in spool.pending())

    assert days_of(receiver) == [{day} for day in DAYS[:3]]
    assert sent == [1, 2, 3, 3, 3]
    assert left["time"] == TODAY


def test_today_is_sent_tomorrow_and_no_segment_is_made_of_it_before(receiver: Faults) -> None:
    with spool_of_none(receiver) as spool:
        record(spool, [none_line(TODAY, number) for number in range(3)])
        flush(by_hand=False)
        assert (len(receiver.requests), waiting(spool)) == (0, [])
        due = read_due(spool.folder)[1]
        flush(now=NOW + DAY, by_hand=False)

    midnight = (NOW // DAY + 1) * DAY
    assert midnight <= due <= midnight + SPREAD
    assert days_of(receiver) == [{TODAY}]


def test_what_waits_for_another_pass_is_neither_lost_nor_sent_twice(receiver: Faults) -> None:
    with spool_of_none(receiver) as spool:
        lines = [none_line(DAYS[number % 4], number) for number in range(40)]
        record(spool, lines)
        for number in range(4):
            flush(now=NOW + number * DAY, by_hand=False)
        assert list(spool.pending()) == []

    ids = [str(event["id"]) for body in bodies(receiver) for event in body]
    assert len(ids) == len(set(ids)) == 40


def test_events_of_both_levels_never_share_a_request(receiver: Faults) -> None:
    with spool_of_none(receiver) as spool:
        record(spool, [line(1), none_line(TODAY), line(2), none_line(TODAY), none_line(DAYS[0])])
        flush()

    for body in bodies(receiver):
        assert len({"session" in event for event in body}) == 1
    assert sum(map(len, bodies(receiver))) == 5


def test_a_day_of_a_wrong_clock_is_not_waited_for() -> None:
    assert is_over("2026-11-22", NOW)
    assert not is_over("2026-11-23", NOW)
    assert not is_over("2026-11-24", NOW)
    assert is_over("2099-01-01", NOW)
    assert postponed({1: "2026-11-21", 2: "2026-11-22", 3: "", 4: "2026-11-23"}, frozenset(), NOW) == {2, 4}
    assert postponed({1: "2026-11-21", 2: "2026-11-22"}, frozenset({"2026-11-22"}), NOW) == {1}
    assert postponed({1: "2026-11-21", 2: "2026-11-22", 3: "2026-11-23"}, frozenset(), NOW, most=2) == {3}


@pytest.mark.parametrize("random", [0.0, 0.5, 0.999])
def test_the_next_pass_comes_at_a_random_time_within_a_day(random: float) -> None:
    assert NOW + 900 <= next_pass(NOW, 900, True, random) <= NOW + 900 + SPREAD
    assert NOW < next_pass(NOW, 900, False, random) <= NOW + DAY


def test_the_losses_of_this_level_are_an_event_of_this_level(receiver: Faults) -> None:
    with spool_of_none(receiver) as spool:
        record(spool, [b"damage\n", none_line(DAYS[0])])
        flush()
        flush()

    told = [event for body in bodies(receiver) for event in body if event["name"] == "shipper.losses"]
    assert [(event["fields"], "session" in event, "cpus" in event) for event in told] == [
        ({"damaged": 1}, False, False)
    ]


def test_a_version_that_wants_an_id_asks_again() -> None:
    with open_config(os.environ, create=True) as config:
        save_choice(config, "wunderctl", "on", "test", 0)
    assert sample(version="1.0", identity="none").record("datasource", kind="mysql")
    assert not sample(version="2.0").record("datasource", kind="mysql")
    with open_config(os.environ) as config:
        assert read_choice(config, "wunderctl")[0] == ""
    with spool_of(dict(os.environ)) as spool:
        assert_held(spool)
    assert sample(version="3.0", identity="none").record("datasource", kind="mysql")


def assert_held(spool: Folder) -> None:
    with spool.folder("held") as held:
        assert held.read("because", 256).endswith(b"the app sends under an id now\n")
