"""A fleet of clients after an outage: the constants of the policy hold what they were chosen for."""

from tests.bench.fleet import CHOSEN, Fleet, constants

CLIENTS = 400


def test_a_fleet_comes_back_spread_out_and_completely() -> None:
    fleet = Fleet(CLIENTS)
    with constants(CHOSEN.cap, CHOSEN.pace):
        fleet.run()
    found = fleet.report()
    assert found["peak"] <= 8  # 0.4 requests a second when all is well; without jitter, all clients in one second
    assert found["wasted"] < 12
    assert found["p99"] <= 3600
    assert found["drained"] <= 3700
    assert len(fleet.firsts) == CLIENTS


def test_a_segment_more_with_each_try_would_bury_the_receiver() -> None:
    peaks = []
    for each_try in (False, True):
        fleet = Fleet(CLIENTS)
        with constants(CHOSEN.cap, 0.0, each_try):
            fleet.run()
        peaks.append(fleet.report()["peak"])
    assert peaks[1] > 3 * peaks[0]


def test_a_receiver_that_takes_three_times_the_steady_rate_is_drained_all_the_same() -> None:
    fleet = Fleet(CLIENTS, capacity=max(3 * CLIENTS // 900, 1))
    with constants(CHOSEN.cap, CHOSEN.pace):
        fleet.run()
    assert fleet.report()["drained"] < 3 * 3600
