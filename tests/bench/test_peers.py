"""The comparison with peers can be trusted: it sees shipper's events arrive, and sees a client that loses one."""

import sys
from pathlib import Path

import pytest

from tests.bench.peer_programs import CLIENTS, Client
from tests.bench.peers import ROOT, Stage, living, measure

SHIPPER, STARTING = (client for client in CLIENTS if "event-shipper" in client.packages)
FORGETFUL = Client(
    "forgetful",
    (),
    """
from os import environ
from urllib.request import urlopen
urlopen(environ["URL"], data=environ["WORD"].encode()).read()
""",
)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, sys.executable, library=ROOT)


def test_what_shipper_recorded_arrives_survives_a_closed_port_and_survives_a_portal(stage: Stage) -> None:
    assert stage.survives(SHIPPER, portal=False)
    assert stage.survives(SHIPPER, portal=True)
    assert not living(stage.folder)


def test_a_client_that_loses_its_event_is_seen_to_lose_it(stage: Stage) -> None:
    assert stage.arrives(FORGETFUL)
    assert not stage.survives(FORGETFUL, portal=False)
    assert not stage.survives(FORGETFUL, portal=True)


def test_a_command_that_starts_a_flusher_ends_well_whatever_the_receiver_does_and_nobody_is_left(stage: Stage) -> None:
    found = measure(stage, [STARTING], rounds=1)
    assert {at: [each.well for each in ended] for (_, at), ended in found.items()} == {
        "up": [True, True],
        "refused": [True, True],
        "black hole": [True, True],
    }
    assert not living(stage.folder)
