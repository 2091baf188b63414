"""A refusal is believed only where no balancer can have lined it up: the decisions of `delivery`, simulated.

`python -m tests.bench.belief` prints the whole table; here stand its worst rows. The seeds are fixed.
"""

import pytest

from shipper.delivery.policy import TRIALS
from tests.bench.belief import INTERVAL, healthy, poison


@pytest.mark.parametrize(
    ("nodes", "in_turn", "comes_and_goes", "lines", "passes"),
    [
        (2, True, False, 1, 3_000),
        (2, True, False, 20, 1_500),
        (2, False, False, 1, 2_000),
        (2, False, False, 20, 1_000),
        (2, True, True, 1, 2_000),
        (3, True, False, 1, 1_500),
        (5, False, False, 1, 1_500),
    ],
)
def test_a_healthy_event_behind_a_bad_node_is_given_up_less_than_once_in_a_million_passes(
    nodes: int, in_turn: bool, comes_and_goes: bool, lines: int, passes: int
) -> None:
    found = healthy(nodes, False, in_turn, comes_and_goes, lines, passes)
    assert found.reached[0] > 20, "too few were ever suspected for the question to be put"
    assert found.given_up == 0
    assert found.per_million < 1


@pytest.mark.parametrize("in_turn", [True, False])
def test_a_bad_node_that_keeps_a_whole_connection_makes_nothing_suspect(in_turn: bool) -> None:
    found = healthy(2, True, in_turn, True, 5, 1_000)
    assert (found.reached[0], found.given_up) == (0, 0)


@pytest.mark.parametrize("lines", [1, 2, 3, 20, 100, 1000])
def test_a_poisonous_event_costs_twenty_requests_and_is_aside_within_two_days(lines: int) -> None:
    for seed in range(3):
        found = poison(lines, seed * (lines - 1) // 2, seed=seed)
        assert found.requests == TRIALS + 1 == 20
        assert found.seconds <= 48 * 4 * INTERVAL / 2
        assert found.others_by_pass == 1


def test_with_no_trial_a_healthy_event_would_be_given_up_often() -> None:
    """That the question can be answered wrongly at all: after one trial many healthy events would be gone."""
    found = healthy(2, False, True, False, 1, 1_000)
    assert found.reached[1] > 50
