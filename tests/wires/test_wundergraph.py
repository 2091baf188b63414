"""The WunderGraph wire: requests as the seed's own client writes them, and only its `success` believed."""

import json

import pytest

from shipper.delivery.outcome import Accepted, Outcome
from shipper.wires import wundergraph
from shipper.wires.message import Reply
from tests.fixtures.faults import FAULTS, Faults, answer
from tests.fixtures.passes import flush, sealed, sending_to
from tests.fixtures.sample_batches import ABOUT, IN_CI, LOSSES, PERSON, SOURCE, UP, batch, line

SUCCESS = b'{"data":{"collectMetricsV1":{"success":true}}}'


def read(body: bytes, status: int = 200, kind: str = "application/json") -> Outcome:
    return wundergraph.read(Reply(status, (("content-type", kind),), body, 0.0), batch(UP))


def test_the_request_is_what_the_seed_s_client_sends() -> None:
    request = wundergraph.encode(batch(UP, SOURCE), ABOUT)
    tags = [{"name": "outcome", "value": "ok"}, {"name": "cached", "value": "true"}]
    assert json.loads(request.body) == {
        "metrics": [
            {"name": "WUNDERCTL_UP_CMD_USAGE", "value": 1, "tags": tags},
            {"name": "WUNDERCTL_UP_CMD_DURATION", "value": 1.234, "tags": tags},
            {"name": "WUNDERCTL_DATASOURCE_USAGE", "value": 1, "tags": [{"name": "kind", "value": "postgres"}]},
        ],
        "clientInfo": {
            "osName": "LINUX",
            "cpuCount": 8,
            "isCI": False,
            "isWGCloud": False,
            "wunderctlVersion": "0.150.0",
            "anonymousID": PERSON,
            "apiCount": 0,
            "authProviderCount": 0,
            "graphqlOperationCount": 0,
            "typeScriptOperationCount": 0,
        },
    }
    assert (request.method, request.path, request.gzip) == ("POST", "/operations/CollectMetricsV1", False)
    assert request.secret == (("X-WG-TELEMETRY-AUTHORIZATION", "Bearer hush"),)


def test_the_counts_of_a_project_are_said_where_the_seed_s_client_says_them() -> None:
    counted = line(1, fields='"command":"up","api_count":3,"typescript_operation_count":7,"auth_provider_count":"many"')
    body = json.loads(wundergraph.encode(batch(counted), ABOUT).body)
    said = {name: body["clientInfo"][name] for name in wundergraph._COUNTS}
    assert said == {"apiCount": 3, "authProviderCount": 0, "graphqlOperationCount": 0, "typeScriptOperationCount": 7}
    assert body["metrics"] == [{"name": "WUNDERCTL_UP_CMD_USAGE", "value": 1}]
    assert wundergraph.group(counted) != wundergraph.group(UP)


def test_losses_are_metrics_of_their_own() -> None:
    body = json.loads(wundergraph.encode(batch(LOSSES), ABOUT).body)
    assert body["metrics"] == [
        {"name": "WUNDERCTL_SHIPPER_LOSSES", "value": 12, "tags": [{"name": "reason", "value": "full"}]},
        {"name": "WUNDERCTL_SHIPPER_LOSSES", "value": 1, "tags": [{"name": "reason", "value": "rejected"}]},
    ]
    assert "anonymousID" not in body["clientInfo"]


def test_success_is_believed() -> None:
    assert isinstance(read(SUCCESS), Accepted)


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":{"collectMetricsV1":{"success":false}}}',
        b'{"data":{"collectMetricsV1":{"success":"true"}}}',
        b'{"data":{"collectMetricsV1":{"success":1}}}',
        b'{"data":{"collectMetricsV1":{}}}',
        b'{"data":{"collectMetricsV1":null}}',
        b'{"data":null}',
        b'{"data":{}}',
        b"{}",
        b"[]",
        b"",
        b"<html>",
        b'{"data":{"collectMetricsV1":{"success":true}},"errors":[{"message":"no such user"}]}',
        b'{"errors":"down"}',
    ],
)
def test_nothing_else_is(body: bytes) -> None:
    outcome = read(body)
    assert outcome.kind == "unavailable"
    assert outcome.detail


def test_success_on_a_page_or_under_another_status_is_none() -> None:
    assert read(SUCCESS, kind="text/html").kind == "unavailable"
    assert read(SUCCESS, status=500).kind == "unavailable"
    assert read(SUCCESS, status=401).kind == "unauthorized"


def test_a_segment_of_several_persons_travels_in_several_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "success", answer(200, {"Content-Type": "application/json"}, SUCCESS))
    newer = line(4, version="0.151.0")
    with (
        Faults("success") as receiver,
        sending_to(receiver.endpoint, wire="wundergraph", write_key="key") as spool,
    ):
        sealed(spool, [UP, SOURCE, IN_CI, newer])
        result = flush()
        assert (result.delivered, result.left) == (4, 0)
    infos = [json.loads(request.body)["clientInfo"] for request in receiver.requests]
    assert [(info["isCI"], info["wunderctlVersion"]) for info in infos] == [
        (False, "0.150.0"),
        (True, "0.150.0"),
        (False, "0.151.0"),
    ]
    assert {request.headers["x-wg-telemetry-authorization"] for request in receiver.requests} == {"Bearer key"}
