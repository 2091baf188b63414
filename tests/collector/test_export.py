"""What is kept of a person is told to who shows the secret of the id, and to nobody else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shipper.choices.identity import identity_of
from shipper.collector.stores.store import Row, person_of
from tests.collector.test_stores import Opens, fill, opened, opens
from tests.fixtures.command_line import Receiver, record, shipper
from tests.fixtures.receiver_process import Running, running
from tests.fixtures.wire_events import event_id, line

__all__ = ["opens"]
APP = "counter"
SECRET = "0123456789abcdef0123456789abcdef"
ME = identity_of(SECRET)


def test_every_store_gives_a_persons_events_back_as_they_came_in(opens: Opens) -> None:
    with opened(opens) as store:
        arrived = fill(store, 3000)
        whom = person_of("1")
        theirs = sorted((row, minute) for row, minute in arrived if row.person == whom)
        assert len(theirs) > 20
        told: list[tuple[Row, int]] = []
        while some := store.events_of(whom, told[-1][0].id if told else b"", 7):
            assert len(some) <= 7
            told += some
        assert told == theirs
        assert store.events_of(person_of("nobody"), b"", 7) == []


def pages(receiver: Running, user: str, **headers: str) -> Iterator[dict[str, Any]]:
    after = ""
    while True:
        reply = receiver.client.get(f"/v1/users/{user}", params={"after": after} if after else {}, headers=headers)
        assert reply.status_code == 200, reply.text
        assert reply.headers["cache-control"] == "no-store"
        assert len(reply.content) < 1 << 20
        yield reply.json()
        after = reply.json()["after"]
        if not after:
            return


def test_a_person_reads_all_of_theirs_in_bounded_replies_and_nobody_elses(tmp_path: Path) -> None:
    with running(tmp_path / "data") as receiver:
        wide = ",".join(f'"f{field}":"{"v" * 60}"' for field in range(60))
        for start in range(0, 1200, 100):
            receiver.post(*(line(n, user=ME, fields=wide if n % 4 else "") for n in range(start, start + 100)))
        receiver.post(line(5000, user="somebody"))
        told = [event for page in pages(receiver, ME, **{"Person-Secret": SECRET}) for event in page["events"]]
    assert sorted(event["id"] for event in told) == sorted(map(event_id, range(1200)))
    assert told[0].keys() == {
        "id", "time", "received", "app", "version", "name", "session", "ci", "os", "arch", "cpus", "runtime", "fields",
        "agent",
    }  # fmt: skip


def test_knowing_an_id_is_not_enough_and_what_is_no_id_is_refused(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("send s\nread r\ndelete d\n")
    tokens.chmod(0o600)
    with running(tmp_path / "data", "--token-file", str(tokens)) as receiver:
        receiver.post(line(1, user=ME), authorization="Bearer s")

        def status(token: str, path: str = f"/v1/users/{ME}", **headers: str) -> int:
            named = {"Authorization": f"Bearer {token}"} | {
                key.replace("_", "-"): said for key, said in headers.items()
            }
            return receiver.client.get(path, headers=named).status_code

        assert [status("s"), status("s", person_secret="0" * 32), status("r", person_secret=SECRET)] == [403, 403, 401]
        assert [status("s", person_secret=SECRET), status("d")] == [200, 200]
        assert status("s", f"/v1/users/{ME}?after=x", person_secret=SECRET) == 400
        receiver.process.terminate()
        assert receiver.process.stderr is not None
        told = receiver.process.stderr.read()
    assert "delete GET /v1/users/*" in told
    assert ME not in told


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """A receiver that is not up yet, and a person who agreed to send there."""
    found = Receiver(tmp_path)
    monkeypatch.setenv("COUNTER_RECEIVER", found.url)
    assert shipper("on", APP).returncode == 0
    return found


def test_export_prints_what_is_here_and_what_the_receiver_keeps(receiver: Receiver) -> None:
    record(0, 5)
    with receiver.up():
        assert shipper("flush", APP).returncode == 0
        record(5, 2)
        done = shipper("export", APP)
        (spool,) = json.loads(done.stdout)["spools"]
        assert done.returncode == 0, done.stderr
        assert "2 events here, 5 events at the receiver" in done.stderr
        assert [len(spool["pending"]), len(spool["receiver"]["events"]), len(spool["sent"])] == [2, 5, 1]
        assert {event["app"] for event in spool["receiver"]["events"]} == {APP}
        shipper("forget", APP)
        (spool,) = json.loads(shipper("export", APP).stdout)["spools"]
        assert (spool["pending"], spool["receiver"]["events"]) == ([], [])
    record(7, 1)
    done = shipper("export", APP)
    (spool,) = json.loads(done.stdout)["spools"]
    assert (done.returncode, len(spool["pending"]), "did not say" in done.stderr) == (3, 1, True)
