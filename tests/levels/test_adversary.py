"""The adversary: it has every byte that a receiver ever got from 200 installations in twelve weeks, in order, with sizes and
minutes, and tries to tell which belong together. Up to what the documentation admits it does no better than chance.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import sqrt
from pathlib import Path

import pytest

from shipper.collector.answers.census import weekly
from shipper.collector.http.receive import check_names, read_batch
from shipper.collector.stores.dimensions import week_of
from shipper.collector.stores.sqlite import SqliteStore
from shipper.collector.stores.store import Window
from shipper.recording.automation import SIGNS
from tests.levels.world import BEGIN, DAY, WEEKS, Arrived, World, live

INSTALLATIONS = 200
#: Standard deviations above chance that an attack may reach: of so many attacks none does by luck.
SIGMAS = 3.5
TRICKS: dict[str, Callable[[Arrived, Arrived], float]] = {
    "the minute of the day": lambda one, other: -abs(one.minute % 1440 - other.minute % 1440),
    "one right after the other": lambda one, other: -abs(one.minute - other.minute),
    "the size": lambda one, other: -abs(len(one.body) - len(other.body)),
    "the batch's name": lambda one, other: -abs(int(_digits(one), 16) - int(_digits(other), 16)),
    "the ids": lambda one, other: -abs(one.first_id - other.first_id),
    "how late it is": lambda one, other: -abs(_late(one) - _late(other)),
}


def _digits(one: Arrived) -> str:
    return one.name.removesuffix(".ndjson").rpartition("-")[2]


def _late(one: Arrived) -> int:
    return one.minute // 1440 - one.day


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        for name in SIGNS:  # a machine of CI is no installation: this world is not one, wherever it is simulated
            patch.delenv(name, raising=False)
        patch.setenv("SHIPPER_SPAWN", "0")
        yield live(tmp_path_factory.mktemp("world"), patch, INSTALLATIONS)


def attack(
    pairs: Sequence[tuple[Arrived, Sequence[Arrived]]], trick: Callable[[Arrived, Arrived], float]
) -> tuple[int, float, float]:
    """Guess for each request which of its candidates is of the same machine: hits, what chance would hit, and sigma."""
    chance, hits, expected, variance = random.Random(1), 0, 0.0, 0.0
    for one, candidates in pairs:
        best = max(candidates, key=lambda other: (trick(one, other), chance.random()))
        likely = sum(other.sender == one.sender for other in candidates) / len(candidates)
        hits += best.sender == one.sender
        expected += likely
        variance += likely * (1 - likely)
    return hits, expected, sqrt(variance)


def candidates_of(world: World, census: bool) -> list[tuple[Arrived, list[Arrived]]]:
    """Each request of a day with the requests of the seven days before that say nothing which would tell them apart."""
    by_day: dict[int, list[Arrived]] = defaultdict(list)
    for one in world.arrived:
        if not census or any(event["name"] == "shipper.census" for event in one.events):
            by_day[one.day].append(one)
    found = []
    for day, requests in by_day.items():
        earlier = [other for before in range(day - 7, day) for other in by_day.get(before, ())]
        for one in requests:
            same = [other for other in earlier if other.admitted == one.admitted]
            if any(other.sender == one.sender for other in same):
                found.append((one, same))
    return found


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("census", [False, True], ids=["days", "censuses"])
def test_the_adversary_does_no_better_than_chance(world: World, trick: str, census: bool) -> None:
    pairs = candidates_of(world, census)
    hits, expected, sigma = attack(pairs, TRICKS[trick])
    print(f"{len(pairs)} requests, by {trick}: {hits} right, by chance {expected:.1f} +- {sigma:.1f}")
    assert len(pairs) > 300
    assert hits <= expected + SIGMAS * sigma


def test_the_adversary_would_find_a_machine_that_runs_at_the_same_minute_of_each_day(world: World) -> None:
    """What the documentation admits, and a proof that the attack works where there is something to find."""
    regular = World(
        [Arrived(one.minute // 1440 * 1440 + one.sender * 7, one.name, one.body, one.sender) for one in world.arrived]
    )
    hits, expected, sigma = attack(candidates_of(regular, False), TRICKS["the minute of the day"])
    assert hits > expected + 50 * sigma


def test_a_request_holds_one_day_and_no_pass_sends_two_in_a_row(world: World) -> None:
    assert all(len({event["time"] for event in one.events}) == 1 for one in world.arrived)
    by_sender: dict[int, list[Arrived]] = defaultdict(list)
    for one in world.arrived:
        by_sender[one.sender].append(one)
    together = sum(
        one.minute == other.minute and one.day != other.day
        for sent in by_sender.values()
        for one, other in pairwise(sent)
    )
    print(f"{together} of {len(world.arrived)} requests came with another day of the same machine")
    assert together == 0


def test_each_event_arrived_once(world: World) -> None:
    ids = [event["id"] for one in world.arrived for event in one.events]
    names = [event["name"] for one in world.arrived for event in one.events]
    assert len(ids) == len(set(ids))
    assert len(ids) - names.count("shipper.census") == world.recorded
    assert "shipper.losses" not in names


def test_weekly_installations_are_exactly_those_that_ran(world: World, tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path))
    try:
        for one in world.arrived:
            batch = read_batch(one.name, one.body, check_names)
            assert not batch.rejected
            store.add([batch.rows], one.minute * 60)
        whole_window = Window("demo", BEGIN // DAY, BEGIN // DAY + WEEKS * 7 + 7)
        weeks = weekly(store.view(whole_window))
        counted = {week: weeks.get(week_of(BEGIN // DAY) + week, 0) for week in range(WEEKS)}
        whole = store.view(whole_window).values()
        setups = {label: many for (event, key, label), many in whole.items() if (event, key) == ("command", "setup")}
    finally:
        store.close()
    print("counted", counted)
    print("set-ups", setups)
    assert counted == {week: len(world.ran[week]) for week in range(WEEKS)}
    assert setups == {span: world.setups.count(span) for span in set(world.setups)}
