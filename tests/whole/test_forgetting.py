"""A person who wants to be forgotten, on real processes: with the receiver down, killed in between, and up again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.command_line import PATIENCE, Receiver, record, shipper

APP = "counter"

DIES_WHEN_CONFIRMED = """
import os, signal
from shipper.cli import main
from shipper import files

def die(folder, name):
    if folder.path.endswith("deletions"):
        os.kill(os.getpid(), signal.SIGKILL)  # the receiver has erased everything, and nobody has noted it
    remove(folder, name)

remove, files.remove = files.remove, die
main(["flush", "counter"])
"""


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """A receiver that is not up yet, and a person who agreed to send there."""
    found = Receiver(tmp_path)
    monkeypatch.setenv("COUNTER_RECEIVER", found.url)
    assert shipper("on", APP).returncode == 0
    return found


def requests(home: Path) -> list[str]:
    folder = home / f"state/shipper/apps/{APP}/deletions"
    return os.listdir(folder) if folder.exists() else []


def receipts() -> list[dict[str, object]]:
    lines = map(json.loads, shipper("show", "--sent", APP).stdout.splitlines())
    return [line for line in lines if "deleted" in line]


def test_a_request_survives_a_receiver_that_is_down_opting_out_and_a_kill(receiver: Receiver, home: Path) -> None:
    record(0, 5)
    person = (home / f"config/shipper/{APP}.id").read_text().strip()
    with receiver.up():
        assert shipper("flush", APP).returncode == 0
        assert receiver.numbers() == [0, 1, 2, 3, 4]

    record(5, 2)
    late = (home / f"state/shipper/apps/{APP}/active.ndjson").read_bytes()
    down = shipper("forget", APP)
    assert (down.returncode, "2 events erased here" in down.stderr) == (3, True), down.stderr
    assert requests(home) == [person]
    assert shipper("show", APP).stdout == ""
    assert shipper("off", APP).returncode == 0
    assert requests(home) == [person]
    assert "1 request not confirmed yet" in shipper("status", APP).stdout

    with receiver.up():
        killed = subprocess.run([sys.executable, "-c", DIES_WHEN_CONFIRMED], timeout=PATIENCE, check=False)
        assert killed.returncode == -signal.SIGKILL
        assert receiver.numbers() == []
        assert requests(home) == [person], "not noted, so it is asked again"
        shipper("flush", APP)
        assert requests(home) == []
        kept = receipts()
        assert {receipt["deleted"] for receipt in kept} == {person}
        assert '"events":5' in str(kept[0]["receipt"]).replace(" ", "")

        # Somebody new, whom the receiver takes; a line of the old id that turns up late it does not keep.
        assert shipper("on", APP).returncode == 0
        assert record(7, 1) == [7]
        active = home / f"state/shipper/apps/{APP}/active.ndjson"
        active.write_bytes(late + active.read_bytes())
        assert shipper("flush", APP).returncode == 0
        assert receiver.numbers() == [7]


def test_what_another_person_sent_stays(receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver.up():
        for number, name in enumerate(("jane", "joe")):
            monkeypatch.setenv("SHIPPER_HOME", str(tmp_path / name))
            shipper("on", APP)
            record(number, 1)
            assert shipper("flush", APP).returncode == 0
        assert shipper("forget", APP).returncode == 0
        assert receiver.numbers() == [0]


def test_what_was_sent_without_an_id_is_not_called_never_sent(receiver: Receiver) -> None:
    in_ci = {"GITHUB_ACTIONS": "true", "COUNTER_TELEMETRY": "on", "COUNTER_RECEIVER": receiver.url}
    with receiver.up():
        record(0, 1, **in_ci)
        assert shipper("flush", APP, **in_ci).returncode == 0
        said = shipper("forget", APP).stderr
    assert "what was sent from here carried no id" in said
