"""The wires that send the lines as they stand: webhook, file and stdout; and how a wire is chosen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shipper.delivery.outcome import Accepted
from shipper.wires import LOCAL, WIRES, UnknownWire, choose, file, otlp, shipper, stdout, webhook
from shipper.wires.message import Reply
from tests.fixtures.faults import Faults
from tests.fixtures.passes import flush, journal, line, sealed, sending_to, waiting
from tests.fixtures.sample_batches import ABOUT, KEY, SOURCE, UP, batch

LINES = [UP, SOURCE]


@pytest.mark.parametrize(
    ("wire", "endpoint", "chosen"),
    [
        ("shipper", "https://telemetry.example.com", shipper),
        ("otlp", "https://collector.example.com:4318", otlp),
        ("shipper", "file:///media/outbox", file),
        ("otlp", "FILE:///media/outbox", file),
        ("webhook", "stdout:", stdout),
    ],
)
def test_a_wire_is_chosen_by_its_name_unless_the_scheme_decides(wire: str, endpoint: str, chosen: object) -> None:
    assert choose(wire, endpoint) is chosen


def test_a_wire_that_nobody_knows_is_an_error_with_a_next_step() -> None:
    with pytest.raises(UnknownWire) as raised:
        choose("carrier-pigeon", "https://example.com")
    assert "newer" in raised.value.hint


@pytest.mark.parametrize("wire", [*WIRES.values(), *LOCAL.values()], ids=lambda wire: wire.__name__)
def test_every_wire_tells_authors_what_it_needs_and_whether_it_proves_anything(wire: object) -> None:
    words = wire.__doc__ or ""
    for subject in ("Endpoint:", "Auth", "imits:", "Acknowledgement:", "De-duplication:", "Deletion:", "Source"):
        assert subject in words, subject
    assert ("TRUSTED" in words) is not wire.PROVES  # type: ignore[attr-defined]  # a module


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_webhook_is_believed_by_its_status(status: int) -> None:
    assert isinstance(webhook.read(Reply(status, (), b"<html>", 0.0), batch(UP)), Accepted)


@pytest.mark.parametrize("status", [203, 205, 206, 301, 400, 401, 404, 413, 429, 500])
def test_every_other_status_of_a_webhook_means_what_it_means_everywhere(status: int) -> None:
    reply = Reply(status, (), b"", 0.0)
    assert webhook.read(reply, batch(UP)) == shipper.read(reply, batch(UP))


def test_a_webhook_gets_the_lines_as_they_stand_at_the_very_address() -> None:
    with Faults("no content") as receiver, sending_to(receiver.endpoint + "/hook?team=1", wire="webhook") as spool:
        name = sealed(spool, LINES)
        assert flush().left == 0
    (request,) = receiver.requests
    assert (request.path, request.key, request.body) == ("/hook?team=1", name, b"".join(LINES))


@pytest.mark.parametrize(("wire", "packed"), [("webhook", ""), ("webhook-gzip", "gzip")])
def test_a_webhook_is_compressed_only_where_it_was_asked_for(wire: str, packed: str) -> None:
    with Faults("no content") as receiver, sending_to(receiver.endpoint, wire=wire) as spool:
        sealed(spool, LINES)
        assert flush().left == 0
    (request,) = receiver.requests
    assert request.headers.get("content-encoding", "") == packed
    assert (request.body, request.wire_bytes < len(request.body)) == (b"".join(LINES), bool(packed))


def test_a_folder_gets_one_whole_file_for_each_batch(tmp_path: Path) -> None:
    with sending_to(f"file://{tmp_path}/out%20box") as spool:
        (tmp_path / "out box").mkdir()
        name = sealed(spool, LINES)
        assert flush().left == 0
    (path,) = (tmp_path / "out box").iterdir()
    assert path.name == f"demo.{name}.ndjson"
    assert path.read_bytes() == b"".join(LINES)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_try_writes_the_same_file(tmp_path: Path) -> None:
    request = file.encode(batch(*LINES), ABOUT)
    assert (request.path, request.body) == (f"wunderctl.{KEY}.ndjson", b"".join(LINES))
    with sending_to(f"file://{tmp_path}") as spool:
        name = sealed(spool, LINES)
        (tmp_path / f"demo.{name}.ndjson").write_bytes(b"half of i")
        assert flush().left == 0
        assert (tmp_path / f"demo.{name}.ndjson").read_bytes() == b"".join(LINES)


@pytest.mark.parametrize(
    ("endpoint", "cause"),
    [("file:///nowhere/at/all", "folder"), ("file://elsewhere/folder", "endpoint"), ("file:relative", "endpoint")],
)
def test_a_folder_that_is_not_there_is_not_made_and_nothing_is_lost(endpoint: str, cause: str) -> None:
    with sending_to(endpoint) as spool:
        sealed(spool, LINES)
        assert flush().left == 2
        failure = journal(spool).failure
        assert failure is not None
        assert failure.cause == cause


def test_a_file_that_does_not_hold_what_was_written_is_no_acknowledgement() -> None:
    assert file.read(Reply(200, (), b"0" * 64, 0.0), batch(UP)).kind == "unavailable"


FLUSH = "import os; from shipper.flusher import run_pass; run_pass('demo', environ=os.environ, by_hand=%s)"


def test_standard_output_gets_the_lines_under_a_flush_by_hand() -> None:
    with sending_to("stdout:") as spool:
        sealed(spool, LINES)
        ended = subprocess.run([sys.executable, "-c", FLUSH % True], check=True, stdout=subprocess.PIPE)
        assert ended.stdout == b"".join(LINES)
        assert waiting(spool) == []


def test_standard_output_gets_nothing_from_a_pass_that_nobody_waits_for() -> None:
    with sending_to("stdout:") as spool:
        sealed(spool, LINES)
        ended = subprocess.run([sys.executable, "-c", FLUSH % False], check=True, stdout=subprocess.PIPE)
        assert ended.stdout == b""
        assert len(waiting(spool)) == 1


def test_a_pipe_that_closed_early_keeps_the_batch() -> None:
    with sending_to("stdout:") as spool:
        sealed(spool, [line(number) for number in range(900)])
        reading, writing = os.pipe()
        os.close(reading)
        subprocess.run([sys.executable, "-c", FLUSH % True], check=False, stdout=writing, stderr=subprocess.DEVNULL)
        os.close(writing)
        assert len(waiting(spool)) == 1
