"""What the daemon decides, from values alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.daemon.schedule import AT_ONCE, LOOK_AGAIN, REST, REST_LONGEST, Seen, plan, rest
from shipper.recording.due import LONGEST_WAIT

NOW = 1_800_000_000


def seen(name: str = "a", next_due: int = 0, not_before: int = 0, rung: bool = False, waiting: bool = True) -> Seen:
    return Seen(name, not_before, next_due, rung, waiting)


@pytest.mark.parametrize(
    ("spool", "starts", "looks_in"),
    [
        (seen(next_due=NOW - 1), True, None),
        (seen(next_due=NOW), True, None),
        (seen(next_due=NOW + 7), False, 7),
        (seen(next_due=0), True, None),  # `due` was lost: what waits is not silenced by that
        (seen(next_due=NOW + LONGEST_WAIT + 1), True, None),  # set by a clock that has jumped back since
        (seen(next_due=NOW - 5, not_before=NOW + 30), False, 30),
        (seen(next_due=NOW - 5, not_before=NOW + LONGEST_WAIT + 1), True, None),
        (seen(next_due=NOW + 60, rung=True), True, None),  # who rang has moved it on already
        (seen(next_due=NOW + 60, not_before=NOW + 30, rung=True), False, 30),
        (seen(next_due=NOW - 1, waiting=False), False, None),  # nothing waits and nothing is to come: asleep
        (seen(next_due=NOW + 50, waiting=False), False, 50),  # what is recorded until then rings no bell
        (seen(next_due=NOW + 3600), False, LOOK_AGAIN),  # poll()'s clock stands still in a laptop's sleep
    ],
)
def test_a_spool_gets_its_pass_when_its_time_has_come(spool: Seen, starts: bool, looks_in: float | None) -> None:
    assert plan([spool], (), {}, NOW) == (["a"] if starts else [], looks_in)


def test_nothing_to_do_is_nothing_to_wake_for() -> None:
    assert plan([], (), {}, NOW) == ([], None)


def test_a_pass_under_way_is_not_doubled_and_its_end_not_waited_for_by_the_clock() -> None:
    assert plan([seen(rung=True)], {"a"}, {}, NOW) == ([], None)


def test_a_spool_at_rest_is_left_alone_until_it_has_rested() -> None:
    assert plan([seen(next_due=NOW - 9)], (), {"a": 40.0}, NOW) == ([], 40.0)
    assert plan([seen(next_due=NOW + 9)], (), {"a": 40.0}, NOW) == ([], 40.0)
    assert plan([seen(next_due=NOW - 9, waiting=False)], (), {"a": 40.0}, NOW) == ([], None)  # nothing to look for


def test_one_app_that_waits_holds_up_no_other() -> None:
    start, looks_in = plan([seen("a", NOW + 300), seen("b", NOW - 1), seen("c", NOW + 20)], (), {}, NOW)
    assert (start, looks_in) == (["b"], 20)


def test_many_that_are_due_take_turns_the_longest_due_first() -> None:
    spools = [seen(f"s{number}", NOW - number) for number in range(10)]
    start, _ = plan(spools, {"x"}, {}, NOW)
    assert start == ["s9", "s8", "s7"]
    assert len(start) == AT_ONCE - 1


def test_crashes_in_a_row_make_longer_rests_up_to_an_hour() -> None:
    rests = [rest(crashes) for crashes in range(40)]
    assert rests[:4] == [REST, 60, 120, 240]
    assert max(rests) == rests[-1] == REST_LONGEST


times = st.integers(0, NOW + 10 * LONGEST_WAIT)
spools = st.builds(Seen, st.sampled_from("abcdef"), times, times, st.booleans(), st.booleans())


@given(
    st.lists(spools, unique_by=lambda spool: spool.name), st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 3600))
)
def test_whatever_stands_on_disk_what_waits_is_started_or_looked_at_again_soon(
    found: list[Seen], rests: dict[str, float]
) -> None:
    start, looks_in = plan(found, (), rests, NOW)
    assert len(start) <= AT_ONCE
    if not start and any(spool.waiting or spool.rung for spool in found):
        assert looks_in is not None
        assert 0 < looks_in <= LOOK_AGAIN
