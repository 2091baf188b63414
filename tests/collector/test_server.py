"""The receiver's other routes, its tokens and its catalog, on a real process."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from shipper.choices.identity import identity_of
from shipper.collector.http.access import KINDS, READ, Access, read_tokens
from shipper.errors import BadCall
from tests.collector.test_limits import held, send
from tests.fixtures.receiver_inside import receiving
from tests.fixtures.receiver_process import running
from tests.fixtures.waiting import until
from tests.fixtures.wire_events import HEADERS, event_id, line, packed

CATALOG = """
app = "wunderctl"
version = "1.0.0"
endpoint = "https://telemetry.example.com"

[events.command]
reason = "Which commands people use."
[events.command.fields]
command = { type = "one_of", members = ["up", "init"] }
duration_ms = { type = "milliseconds" }
outcome = { type = "one_of", members = ["ok", "error"] }
"""


def test_health_is_ok_and_metrics_count_what_happened(tmp_path: Path) -> None:
    with running(tmp_path / "data") as receiver:
        assert receiver.client.get("/healthz").json() == {"status": "ok"}
        receiver.post(line(1), line(2), line(2), line(3).replace(b"up", b"uq"))
        receiver.client.post("/v1/events", content=b"x", headers=HEADERS)
        text = receiver.client.get("/metrics").text
        said = dict(found.rsplit(" ", 1) for found in text.splitlines() if not found.startswith("#"))
        assert said['shipper_events_total{result="accepted"}'] == "2"
        assert said['shipper_events_total{result="duplicate"}'] == "1"
        assert said['shipper_events_total{result="rejected"}'] == "1"
        assert said['shipper_replies_total{status="200"}'] == "2"
        assert said['shipper_replies_total{status="400"}'] == "1"
        assert said['shipper_commits_total{result="done"}'] == "1"
        assert said["shipper_commit_rows_total"] == "3"


def test_health_is_503_when_the_store_is_gone(tmp_path: Path) -> None:
    with running(tmp_path / "data") as receiver:
        os.rename(tmp_path / "data" / "events.sqlite", tmp_path / "elsewhere")
        assert receiver.client.get("/healthz").status_code == 503


def test_a_deletion_needs_the_secret_names_the_person_and_takes_their_events(tmp_path: Path) -> None:
    secret = "5ec4e7" * 5
    me = identity_of(secret)
    with running(tmp_path / "data") as receiver:

        def delete(user: str, secret: str) -> httpx.Response:
            return receiver.client.delete(f"/v1/users/{user}", headers={"Person-Secret": secret} if secret else {})

        receiver.post(line(1, user=me), line(2, user=me), line(3, user="another"))
        for user, wrong in ((me, ""), (me, me), (me, secret + "0"), ("another", secret), ("another", "")):
            assert delete(user, wrong).status_code == 403
        receipt = delete(me, secret)
        assert (receipt.status_code, receipt.json()) == (200, {"user": me, "events": 2})
        assert delete(me, secret).json()["events"] == 0
        assert receiver.post(line(4, user=me)).json()["accepted"] == 1
        said = receiver.client.get("/answers.json", params={"since": "2026-11-23", "until": "2026-11-23"}).json()
        assert said["figures"]["Commands run"] == 1
        assert receiver.client.delete("/v1/users/a%20b").status_code == 400


def test_after_a_deletion_nothing_of_the_person_stands_in_any_file_while_the_receiver_runs(tmp_path: Path) -> None:
    secret = "ab" * 16
    me = identity_of(secret)
    mine = '"command":"secret-project","error":"acme.OnlyMine"'
    with running(tmp_path / "data") as receiver:
        receiver.post(*(line(number, user="another") for number in range(300)))
        receiver.post(line(1000, user=me, version="9.9-private", fields=mine), line(1001, user=me))
        assert b"OnlyMine" in b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
        receiver.client.delete(f"/v1/users/{me}", headers={"Person-Secret": secret})
        kept = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
        assert not [
            words for words in (b"OnlyMine", b"secret-project", b"9.9-private", b"session-1000") if words in kept
        ]
        assert b"0.150.0" in kept  # what others have too
        assert receiver.post(line(2000, user="third", fields=mine)).json()["accepted"] == 1


def test_deletions_of_people_who_are_not_known_leave_no_row_and_no_commit(tmp_path: Path) -> None:
    with running(tmp_path / "data") as receiver:
        receiver.post(line(1))
        for number in range(50):
            gone = receiver.client.delete(
                f"/v1/users/{identity_of(str(number))}", headers={"Person-Secret": str(number)}
            )
            assert (gone.status_code, gone.json()["events"]) == (200, 0)
    with closing(sqlite3.connect(tmp_path / "data" / "events.sqlite")) as db:
        assert db.execute("SELECT count(*) FROM forgotten").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM people").fetchone() == (1,)


def test_a_delete_token_opens_what_has_no_secret(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("send s\ndelete d\n")
    tokens.chmod(0o600)
    with running(tmp_path / "data", "--token-file", str(tokens)) as receiver:
        receiver.post(line(1), authorization="Bearer s")
        statuses = [
            receiver.client.delete("/v1/users/person-1", headers={"Authorization": f"Bearer {token}"}).status_code
            for token in ("-", "s", "d")
        ]
        assert statuses == [401, 403, 200]


def test_what_a_catalog_does_not_declare_is_rejected_by_reason_and_the_rest_is_kept(tmp_path: Path) -> None:
    catalog = tmp_path / "telemetry.toml"
    catalog.write_text(CATALOG)
    with running(tmp_path / "data", "--catalog", str(catalog)) as receiver:
        reply = receiver.post(
            line(1),
            line(2, name="secret"),
            line(3, fields='"command":"rm"'),
            line(4, fields='"path":"/home/ann"'),
            line(5, app="another"),
        ).json()
    assert reply["accepted"] == 1
    assert {each["id"]: each["reason"] for each in reply["rejected"]} == {
        event_id(2): "undeclared event",
        event_id(3): "outside its type: command",
        event_id(4): "undeclared field path",
        event_id(5): "undeclared app",
    }


def test_with_a_token_file_senders_send_readers_look_and_health_stays_open(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("# senders\nsender-one\nsender-two\n\nread looker\n")
    tokens.chmod(0o600)
    with running(tmp_path / "data", "--token-file", str(tokens)) as receiver:
        for token, status in (("", 401), ("wrong", 401), ("looker", 401), ("sender-one", 200), ("sender-two", 200)):
            assert receiver.post(line(1), authorization=f"Bearer {token or '-'}").status_code == status, token
        for path in ("/", "/answers.json", "/metrics"):
            for token, status in (("", 401), ("sender-one", 401), ("looker", 200)):
                reply = receiver.client.get(path, headers={"Authorization": f"Bearer {token or '-'}"})
                assert reply.status_code == status, (path, token)
            assert receiver.client.get(path, auth=("anybody", "looker")).status_code == 200
        assert receiver.client.delete("/v1/users/person-1").status_code == 401
        assert receiver.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic !", "Basic Og==", "Digest x", "looker"])
def test_no_header_that_holds_no_token_is_let_in(header: str, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("sender\nread looker\n")
    file.chmod(0o600)
    access = read_tokens(str(file))
    assert [access.grant(kind, header) for kind in KINDS] == [None] * 4
    assert Access().grant(READ, header)


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("", 0o600, "no token"),
        ("look a\n", 0o600, "no token"),
        ("a\n", 0o644, "read by others"),
        ("#\n", 0o600, "no token"),
    ],
)
def test_a_token_file_that_protects_nothing_is_refused(text: str, mode: int, words: str, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(BadCall, match=words):
        read_tokens(str(file))


def test_a_request_in_hand_is_committed_and_answered_when_the_receiver_is_told_to_stop(tmp_path: Path) -> None:
    with running(tmp_path / "data") as receiver:
        statuses: list[int] = []
        with held(tmp_path / "data"):
            sender = threading.Thread(target=lambda: statuses.append(receiver.post(line(1)).status_code))
            sender.start()
            until(lambda: "shipper_waiting_rows 1" in receiver.client.get("/metrics").text, what="it waits")
            receiver.process.send_signal(signal.SIGTERM)
        sender.join()
        assert statuses == [200]
        assert receiver.process.wait(20) == 0
    with running(tmp_path / "data") as receiver:
        assert receiver.post(line(1)).json()["duplicate"] == 1


def test_nothing_of_a_sender_is_written_anywhere(tmp_path: Path) -> None:
    with running(tmp_path / "data") as receiver:
        receiver.client.post(
            "/v1/events", content=packed(line(1)), headers=HEADERS | {"User-Agent": "revealing-agent/9"}
        )
        receiver.process.terminate()
        assert receiver.process.stderr is not None
        assert receiver.process.stderr.read() == ""
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert b"wunderctl" in kept
    for secret in (b"revealing-agent", b"127.0.0.1", b"person-1"):
        assert secret not in kept


@pytest.mark.parametrize(
    ("options", "words", "code"),
    [
        (["--listen", "nowhere"], "is no HOST:PORT", 2),
        (["--listen", "127.0.0.1:99999"], "is no HOST:PORT", 2),
        (["--store", "mysql:x"], "is no store", 2),
        (["--store", "clickhouse://127.0.0.1:1"], "is no store", 2),
        (["--catalog", "/nowhere.toml"], "cannot be read", 2),
        (["--token-file", "/nowhere"], "cannot be read", 2),
        (["--token-file", "/dev/null"], "can be read by others", 2),
        (["--store", "clickhouse://127.0.0.1:1/telemetry"], "does not answer", 1),
    ],
)
def test_what_is_wrong_with_an_option_is_said_in_words_and_by_the_exit_code(
    options: list[str], words: str, code: int, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "shipper", "collect", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "data")]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_large_batch_is_taken_beside_small_ones(tmp_path: Path) -> None:
    with receiving(tmp_path / "data") as (client, _):
        assert send(client, *map(line, range(1000))).json()["accepted"] == 1000
        assert send(client, line(1)).json()["duplicate"] == 1
