"""The OTLP wire: its request parses with the official schema, and its replies mean what the specification says."""

import json

import pytest
from google.protobuf.json_format import (  # type: ignore[import-untyped]  # protobuf ships no types
    MessageToDict,
    Parse,
)
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from shipper.delivery.outcome import Accepted, Outcome, TooLarge, Unauthorized, Unavailable
from shipper.wires import otlp
from shipper.wires.message import Reply
from tests.fixtures.faults import FAULTS, Faults, answer
from tests.fixtures.passes import flush, line, sealed, sending_to
from tests.fixtures.sample_batches import ABOUT, IN_CI, PERSON, SESSION, SOURCE, UP, batch
from tests.fixtures.spools import told

BATCH = batch(UP, SOURCE, IN_CI)
#: What the request is, byte for byte: a change here is a change for everybody's collector.
REQUEST = (
    '{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"wunderctl"}},'
    '{"key":"service.version","value":{"stringValue":"0.150.0"}},{"key":"os.type","value":{"stringValue":"linux"}},'
    '{"key":"host.arch","value":{"stringValue":"amd64"}},'
    '{"key":"process.runtime.name","value":{"stringValue":"cpython"}},'
    '{"key":"process.runtime.version","value":{"stringValue":"3.12.1"}},'
    '{"key":"shipper.cpus","value":{"intValue":"8"}}]},'
    '"scopeLogs":[{"scope":{"name":"shipper","version":"0.1.0"},"logRecords":[{"timeUnixNano":"1795428002123000000",'
    '"severityNumber":9,"severityText":"INFO","eventName":"datasource","body":{"stringValue":"datasource"},'
    '"attributes":[{"key":"log.record.uid","value":{"stringValue":"019ab0c8-7e00-7000-8000-000000000002"}},'
    '{"key":"session.id","value":{"stringValue":"00112233aabbccdd"}},'
    '{"key":"shipper.ci","value":{"boolValue":false}},'
    '{"key":"enduser.pseudo.id","value":{"stringValue":"0123456789abcdef0123456789abcdef"}},'
    '{"key":"wunderctl.kind","value":{"stringValue":"postgres"}}]}]}]}]}'
)


def read(status: int, body: bytes = b"{}", kind: str = "application/json") -> Outcome:
    return otlp.read(Reply(status, (("content-type", kind),), body, 0.0), BATCH)


def partial(refused: int, words: str = "") -> bytes:
    """What a receiver that is built from the official schema would answer."""
    said = ExportLogsPartialSuccess(rejected_log_records=refused, error_message=words)
    return json.dumps(MessageToDict(ExportLogsServiceResponse(partial_success=said))).encode()


def plain(attributes: "list[KeyValue]") -> dict[str, object]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in attributes}


def test_the_request_is_these_bytes() -> None:
    request = otlp.encode(batch(SOURCE), ABOUT)
    assert request.body.decode() == REQUEST
    assert (request.method, request.path, request.gzip) == ("POST", "/v1/logs", True)
    assert dict(request.headers)["Content-Type"] == "application/json"
    assert request.secret == (("Authorization", "Bearer hush"),)


def test_the_request_parses_with_the_official_schema_and_says_everything() -> None:
    parsed = Parse(otlp.encode(BATCH, ABOUT).body, ExportLogsServiceRequest())
    (logs,) = parsed.resource_logs
    assert plain(list(logs.resource.attributes)) == {
        "service.name": "wunderctl",
        "service.version": "0.150.0",
        "os.type": "linux",
        "host.arch": "amd64",
        "process.runtime.name": "cpython",
        "process.runtime.version": "3.12.1",
        "shipper.cpus": 8,
    }
    up, source, in_ci = logs.scope_logs[0].log_records
    assert [each.event_name for each in (up, source, in_ci)] == ["command", "datasource", "command"]
    assert up.time_unix_nano == 1795428001123000000
    assert plain(list(up.attributes)) == {
        "log.record.uid": "019ab0c8-7e00-7000-8000-000000000001",
        "session.id": SESSION,
        "shipper.ci": False,
        "enduser.pseudo.id": PERSON,
        "wunderctl.command": "up",
        "wunderctl.duration_ms": 1234,
        "wunderctl.outcome": "ok",
        "wunderctl.cached": True,
    }
    assert "enduser.pseudo.id" not in plain(list(in_ci.attributes))


@pytest.mark.parametrize(
    ("fields", "said", "severity"),
    [
        ('"exit_code":0,"outcome":"ok"', {"process.exit.code": 0}, 9),
        ('"exit_code":3,"outcome":"error","error":"OSError"', {"process.exit.code": 3, "error.type": "OSError"}, 17),
        ('"exit_code":2,"outcome":"usage"', {"process.exit.code": 2, "error.type": "usage"}, 17),
        ('"outcome":"interrupted"', {"error.type": "interrupted"}, 17),
        ('"exit_code":1', {"process.exit.code": 1, "error.type": "_OTHER"}, 17),
        ('"command":"up"', {}, 9),
    ],
)
def test_how_a_command_ended_is_said_in_the_words_of_the_conventions(
    fields: str, said: dict[str, object], severity: int
) -> None:
    from tests.fixtures.sample_batches import line as event_line

    parsed = Parse(otlp.encode(batch(event_line(1, fields=fields)), ABOUT).body, ExportLogsServiceRequest())
    (record,) = parsed.resource_logs[0].scope_logs[0].log_records
    found = plain(list(record.attributes))
    assert {key: found[key] for key in ("process.exit.code", "error.type") if key in found} == said
    assert record.severity_number == severity


def test_events_of_two_versions_have_two_resources() -> None:
    from tests.fixtures.sample_batches import line as event_line

    lines = (event_line(1), event_line(2, version="0.151.0"), event_line(3, version="0.151.0"))
    parsed = Parse(otlp.encode(batch(*lines), ABOUT).body, ExportLogsServiceRequest())
    versions = [plain(list(logs.resource.attributes))["service.version"] for logs in parsed.resource_logs]
    assert versions == ["0.150.0", "0.151.0"]
    assert [len(logs.scope_logs[0].log_records) for logs in parsed.resource_logs] == [1, 2]


@pytest.mark.parametrize("body", [b"{}", partial(0), partial(0, "a warning"), b'{"partialSuccess":null}'])
def test_a_success_is_believed_by_its_status(body: bytes) -> None:
    outcome = read(200, body)
    assert isinstance(outcome, Accepted)
    assert (dict(outcome.rejected), outcome.unnamed) == ({}, 0)


def test_a_partial_success_that_names_nobody_counts_as_many_as_it_says() -> None:
    for body in (partial(2, "too old"), b'{"partialSuccess":{"rejectedLogRecords":2,"errorMessage":"too old"}}'):
        outcome = read(200, body)
        assert isinstance(outcome, Accepted)
        assert (outcome.unnamed, outcome.detail) == (2, "too old")


def test_a_partial_success_that_refuses_all_names_all() -> None:
    outcome = read(200, partial(3, "not allowed"))
    assert isinstance(outcome, Accepted)
    assert set(outcome.rejected.values()) == {"not allowed"}
    assert len(outcome.rejected) == 3


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>", "text/html"),
        (200, b"", "application/json"),
        (200, b"[]", "application/json"),
        (200, partial(4), "application/json"),
        (200, b'{"partialSuccess":{"rejectedLogRecords":"-1"}}', "application/json"),
        (200, b'{"partialSuccess":{"rejectedLogRecords":true}}', "application/json"),
        (200, b'{"partialSuccess":[1]}', "application/json"),
        (204, b"", "application/json"),
        (302, b"", "text/html"),
    ],
)
def test_what_is_no_success_of_the_specification_is_none(status: int, body: bytes, kind: str) -> None:
    assert isinstance(read(status, body, kind), Unavailable)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_the_specification_s_retryable_codes_are_retried_with_the_usual_backoff(status: int) -> None:
    outcome = read(status)
    assert outcome.kind in ("throttled", "unavailable")
    assert not getattr(outcome, "longest", False)


@pytest.mark.parametrize("status", [400, 404, 405, 408, 409, 415, 422, 500, 501, 505])
def test_what_the_specification_calls_not_retryable_waits_longest_and_is_never_given_up(status: int) -> None:
    outcome = read(status, b'{"code":3,"message":"cannot parse"}')
    assert isinstance(outcome, Unavailable)
    assert outcome.longest
    assert outcome.detail == "cannot parse"


def test_size_and_login_mean_what_they_mean_everywhere() -> None:
    assert isinstance(read(413), TooLarge)
    assert isinstance(read(401), Unauthorized)
    assert isinstance(read(403), Unauthorized)


def test_a_pass_over_a_collector_that_refuses_a_share_delivers_the_rest_and_counts_the_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(FAULTS, "share", answer(200, {"Content-Type": "application/json"}, partial(2, "too old")))
    monkeypatch.setitem(FAULTS, "taken", answer(200, {"Content-Type": "application/json"}, b"{}"))
    with Faults("share", "taken") as receiver, sending_to(receiver.endpoint, wire="otlp") as spool:
        name = sealed(spool, [line(number) for number in range(5)])
        result = flush()
        assert (result.delivered, result.quarantined, result.left) == (4, 2, 0)  # three, and the tale of the loss
        (entry,) = spool.quarantined()
        assert (entry.name, entry.reason, entry.detail) == (f"{name}.1-5", "rejected", "2 of 5: too old")
        assert told(spool) == {}
        fields = [plain(list(each.attributes)) for each in _records(receiver)][-1]
        assert fields["demo.rejected"] == 2
    assert {request.path for request in receiver.requests} == {"/v1/logs"}


def _records(receiver: Faults):  # type: ignore[no-untyped-def]  # generated protobuf classes have no types
    parsed = Parse(receiver.requests[-1].body, ExportLogsServiceRequest())
    return parsed.resource_logs[0].scope_logs[0].log_records
