"""The shipper wire against a real receiver: every line is accounted for, every id counts once."""

import gzip
import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from tests.fixtures.receiver_process import running
from tests.fixtures.wire_events import HEADERS, event_id, line, packed


def test_an_acknowledgement_names_the_batch_and_the_digest_of_its_bytes_and_accounts_for_every_line(
    tmp_path: Path,
) -> None:
    body = line(1) + line(2) + line(3).replace(b"up", b"uq")
    with running(tmp_path) as receiver:
        reply = receiver.client.post("/v1/events", content=gzip.compress(body), headers=HEADERS)
    assert reply.status_code == 200
    assert reply.json() == {
        "batch": "batch-1",
        "sha256": sha256(body).hexdigest(),
        "accepted": 2,
        "duplicate": 0,
        "rejected": [{"id": event_id(3), "reason": "sum: its checksum does not hold"}],
        "deferred": [],
    }


def test_an_event_counts_once_across_batches_keys_and_receivers(tmp_path: Path) -> None:
    with running(tmp_path) as receiver:
        assert receiver.post(line(1), line(2), line(2)).json()["duplicate"] == 1
        receiver.process.kill()
    with running(tmp_path) as receiver:
        again = receiver.post(line(1), line(2), line(3), idempotency_key="another").json()
    assert (again["accepted"], again["duplicate"]) == (1, 2)
    shown = subprocess.run(
        [sys.executable, "-m", "shipper", "report", "--data", str(tmp_path), "--json", "--since", "2026-11-23"],
        capture_output=True, check=True,
    )  # fmt: skip
    said = {answer["key"]: answer["rows"] for answer in json.loads(shown.stdout)["answers"]}
    counts = {tuple(row[:3]): row[3] for row in said["everything"]}
    assert counts == {
        ("command", "", ""): 3,
        ("command", "command", "up"): 3,
        ("command", "duration_ms", "10-19"): 3,
        ("command", "outcome", "ok"): 3,
    }


def test_a_receiver_that_is_told_to_stop_ends_with_0(tmp_path: Path) -> None:
    with running(tmp_path) as receiver:
        receiver.post(line(1))
        receiver.process.terminate()
        assert receiver.process.wait(10) == 0


def test_a_second_receiver_on_the_same_folder_says_why_it_will_not_start(tmp_path: Path) -> None:
    with running(tmp_path):
        command = [sys.executable, "-m", "shipper", "collect", "--listen", "127.0.0.1:0", "--data", str(tmp_path)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert "another receiver writes to" in second.stderr
    assert second.returncode == 4
    assert "Traceback" not in second.stderr


def test_a_request_that_is_not_the_wire_is_refused_with_the_status_that_makes_a_sender_act_rightly(
    tmp_path: Path,
) -> None:
    good = line(1)
    cases: list[tuple[bytes, dict[str, str], int]] = [
        (packed(good), {"Content-Type": "text/plain"}, 415),
        (packed(good), {"Content-Encoding": "br"}, 415),
        (packed(good), {"Idempotency-Key": "x" * 201}, 400),
        (packed(good), {"Idempotency-Key": ""}, 400),
        (packed(good)[:-9], {}, 413),  # where gzip ends with its size, these two claim to be larger than anything is
        (packed(good) + b"more", {}, 413),
        (b"not gzip", {}, 400),
        (b"", {}, 400),
        (packed(b""), {}, 400),
        (packed(good, b"\n"), {}, 400),
        (packed(b"no event\n"), {}, 400),
        (packed(line(1, v=2)), {}, 415),
        (gzip.compress(b" " * (8 * 1024 * 1024 + 1)), {}, 413),
        (b"\0" * (1024 * 1024 + 1), {"Content-Encoding": "identity"}, 413),
        (packed(good * 1_001), {}, 413),
    ]
    with running(tmp_path) as receiver:
        for body, headers, status in cases:
            reply = receiver.client.post("/v1/events", content=body, headers=HEADERS | headers)
            assert (reply.status_code, set(reply.json())) == (status, {"error"}), (body[:40], headers, reply.text)
        assert receiver.post(good).json()["accepted"] == 1


def test_a_body_of_exactly_the_limits_is_taken(tmp_path: Path) -> None:
    with running(tmp_path) as receiver:
        most = receiver.client.post("/v1/events", content=packed(line(1) * 1_000), headers=HEADERS)
    assert (most.status_code, most.json()["accepted"], most.json()["duplicate"]) == (200, 1, 999)
