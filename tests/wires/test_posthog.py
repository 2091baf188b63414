"""The PostHog wire: valid uuids, no profile of a person, and only its Ok believed."""

import json
import uuid

import pytest

from shipper.delivery.outcome import Accepted, Outcome, Throttled
from shipper.wires import posthog
from shipper.wires.message import Reply
from tests.fixtures.faults import FAULTS, Faults, answer
from tests.fixtures.passes import flush, line, sealed, sending_to
from tests.fixtures.sample_batches import ABOUT, IN_CI, PERSON, SESSION, UP, batch


def read(body: bytes, status: int = 200, kind: str = "application/json") -> Outcome:
    return posthog.read(Reply(status, (("content-type", kind),), body, 0.0), batch(UP))


def test_the_request_is_what_the_batch_endpoint_takes() -> None:
    request = posthog.encode(batch(UP), ABOUT)
    assert json.loads(request.body) == {
        "api_key": "phc_public",
        "historical_migration": False,
        "batch": [
            {
                "event": "command",
                "uuid": "019ab0c8-7e00-7000-8000-000000000001",
                "timestamp": "2026-11-23T10:00:01.123Z",
                "distinct_id": PERSON,
                "properties": {
                    "command": "up",
                    "duration_ms": 1234,
                    "outcome": "ok",
                    "cached": True,
                    "shipper_app": "wunderctl",
                    "shipper_version": "0.150.0",
                    "shipper_session": SESSION,
                    "shipper_ci": False,
                    "shipper_os": "linux",
                    "shipper_arch": "x86_64",
                    "shipper_cpus": 8,
                    "shipper_runtime": "cpython 3.12.1",
                    "$process_person_profile": False,
                    "$geoip_disable": True,
                },
            }
        ],
    }
    assert (request.method, request.path, request.gzip, request.secret) == ("POST", "/batch/", True, ())


def test_an_event_of_nobody_is_told_apart_by_its_session() -> None:
    (event,) = json.loads(posthog.encode(batch(IN_CI), ABOUT).body)["batch"]
    assert event["distinct_id"] == SESSION


@pytest.mark.parametrize("body", [b'{"status":"Ok"}', b'{"status":1}', b'{"status":"Ok","more":1}'])
def test_an_ok_is_believed(body: bytes) -> None:
    assert isinstance(read(body), Accepted)


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"status":0}', b'{"status":true}', b'{"status":"error"}', b'{"status":null}', b"1", b"", b"<html>"],
)
def test_nothing_else_is(body: bytes) -> None:
    assert read(body).kind == "unavailable"
    assert read(b'{"status":"Ok"}', kind="text/html").kind == "unavailable"
    assert read(b'{"status":"Ok"}', status=202).kind == "unavailable"


def test_a_quota_that_is_used_up_is_waited_out() -> None:
    assert isinstance(read(b'{"status":"Ok","quota_limited":["events"]}'), Throttled)


def test_every_uuid_of_a_recorded_event_is_valid_and_the_same_on_every_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "ok", answer(200, {"Content-Type": "application/json"}, b'{"status":"Ok"}'))
    with (
        Faults("status 500", "ok") as receiver,
        sending_to(receiver.endpoint, wire="posthog", write_key="phc_key") as spool,
    ):
        sealed(spool, [line(number) for number in range(50)])
        assert [flush().left, flush().left] == [50, 0]
    first, second = receiver.requests
    assert first.body == second.body
    for event in json.loads(first.body)["batch"]:
        assert uuid.UUID(event["uuid"]).version == 7
        assert str(uuid.UUID(event["uuid"])) == event["uuid"]
