"""The WunderGraph wire: the protocol of the telemetry that shipper grew out of, for a backend that already speaks it.

    POST {endpoint}/operations/CollectMetricsV1
    Content-Type: application/json     X-WG-TELEMETRY-AUTHORIZATION: Bearer <token>
    {"metrics": [{"name": "WUNDERCTL_UP_CMD_USAGE", "value": 1, "tags": [{"name": "outcome", "value": "ok"}]},
                 {"name": "WUNDERCTL_UP_CMD_DURATION", "value": 1.234, "tags": [...]}],
     "clientInfo": {"osName": "LINUX", "cpuCount": 8, "isCI": false, "isWGCloud": false,
                    "wunderctlVersion": "0.150.0", "anonymousID": "...",
                    "apiCount": 0, "authProviderCount": 0, "graphqlOperationCount": 0, "typeScriptOperationCount": 0}}

    200  application/json
    {"data": {"collectMetricsV1": {"success": true}}}

Endpoint: the base address of the WunderGraph application. The body is not compressed: the server's side is an operation
of that application, for which no support of a Content-Encoding is documented.
Auth: the token, else the write key, as `X-WG-TELEMETRY-AUTHORIZATION: Bearer`.
What the receiver must understand: this one operation, uncompressed, with its three headers.
Limits: none documented; a 413 is answered with halves.
Acknowledgement: `data.collectMetricsV1.success` is true and there are no `errors`. It names no event: THE FLAG IS
TRUSTED. A request has one `clientInfo`, so a segment of several versions or persons travels in several parts.
De-duplication: none. A batch whose acknowledgement was lost counts twice there.
Deletion: none; ask whoever runs the backend.
Not said: `gitRepoURLHash`, a hash of the address of a person's repository, which the seed's client adds where there is one.
Source: `pkg/telemetry` of the WunderGraph SDK repository, github.com/wundergraph/wundergraph (`MetricClientInfo` in
client.go, whose keys without `omitempty` are always said).

| of an event | becomes |
|---|---|
| version, user, ci, os, cpus | clientInfo: wunderctlVersion, anonymousID, isCI, osName, cpuCount |
| the fields api_count, auth_provider_count, graphql_operation_count, typescript_operation_count | clientInfo: as the client of the seed calls them; 0, as it always says, where the event has none |
| `command` with the field `command` | metric `<APP>_<COMMAND>_CMD_USAGE` of value 1 |
| its field `duration_ms` | metric `<APP>_<COMMAND>_CMD_DURATION`, in seconds |
| any other event | metric `<APP>_<EVENT>_USAGE` of value 1 |
| every other field | tag of the same name |
| `shipper.losses` | metric `<APP>_SHIPPER_LOSSES` for each reason, its value the count, tagged `reason` |
"""  # noqa: E501  a table's row stands on one line

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from shipper.delivery.outcome import Accepted, Outcome, plain
from shipper.recording.event import LOSSES
from shipper.wires.events import events
from shipper.wires.message import Batch, Destination, Reply, Request
from shipper.wires.reading import NotOurs, json_object, refusal

PROVES = False
READS_EVENTS = True

_NO_NAME = re.compile(r"[^A-Z0-9]+")
#: The counts of a project that the seed's client always says, and the fields that they are taken from.
_COUNTS = {
    "apiCount": "api_count",
    "authProviderCount": "auth_provider_count",
    "graphqlOperationCount": "graphql_operation_count",
    "typeScriptOperationCount": "typescript_operation_count",
}
_OS = {"linux": "LINUX", "macos": "DARWIN", "windows": "WINDOWS"}


def group(raw: bytes) -> object:
    """What lines must share to travel in one request: everything that stands in `clientInfo`."""
    return tuple(_client_info(json.loads(raw)).items())


def encode(batch: Batch, about: Destination) -> Request:
    """Make the request that carries a batch; its lines are of one `group`."""
    found = events(batch)
    body = {"metrics": [metric for event in found for metric in _metrics(event)], "clientInfo": _client_info(found[0])}
    headers = (("Content-Type", "application/json"), ("Accept", "application/json"))
    token = about.token or about.write_key
    secret = (("X-WG-TELEMETRY-AUTHORIZATION", f"Bearer {token}"),) if token else ()
    packed = json.dumps(body, separators=(",", ":")).encode("ascii")
    return Request("POST", "/operations/CollectMetricsV1", headers, packed, gzip=False, secret=secret)


def read(reply: Reply, batch: Batch) -> Outcome:
    """Say what a reply means for this batch: of a GraphQL operation a 200 says nothing yet."""
    del batch
    if reply.status != 200:
        return refusal(reply)
    try:
        found = json_object(reply)
        if found.get("errors"):
            raise NotOurs(f"the operation failed: {_first_error(found['errors'])}", "operation")
        data = found.get("data")
        collected = data.get("collectMetricsV1") if isinstance(data, dict) else None
        if not isinstance(collected, dict) or collected.get("success") is not True:
            raise NotOurs("a reply that does not say success", "operation")
    except NotOurs as wrong:
        return refusal(reply, str(wrong), wrong.cause)
    return Accepted(status=200)


def _first_error(errors: object) -> str:
    first = errors[0] if isinstance(errors, list) else errors
    return plain(first.get("message", "no reason given") if isinstance(first, dict) else first)


def _client_info(event: Mapping[str, Any]) -> dict[str, Any]:
    person = {"anonymousID": event["user"]} if "user" in event else {}
    return {
        "osName": _OS.get(event.get("os", ""), "OTHER"),
        "cpuCount": event.get("cpus", 0),
        "isCI": event["ci"],
        "isWGCloud": False,
        "wunderctlVersion": event["version"],
        **person,
        **{key: _count(event["fields"].get(field)) for key, field in _COUNTS.items()},
    }


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _metrics(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    app = _name(event["app"])
    fields = {name: value for name, value in event["fields"].items() if name not in _COUNTS.values()}
    if event["name"] == LOSSES:
        for reason, lost in fields.items():
            yield _metric(f"{app}_SHIPPER_LOSSES", lost, {"reason": reason})
        return
    subject = _name(event["name"])
    if event["name"] == "command" and isinstance(fields.get("command"), str):
        subject = f"{_name(fields.pop('command'))}_CMD"
    duration = fields.pop("duration_ms", None)
    yield _metric(f"{app}_{subject}_USAGE", 1, fields)
    if isinstance(duration, int):
        yield _metric(f"{app}_{subject}_DURATION", duration / 1000, fields)


def _name(text: str) -> str:
    """`up` becomes UP, `data-source.add` DATA_SOURCE_ADD."""
    return _NO_NAME.sub("_", text.upper()).strip("_")


def _metric(name: str, value: float, tags: Mapping[str, object]) -> dict[str, Any]:
    said = [{"name": tag, "value": _text(found)} for tag, found in tags.items()]
    return {"name": name, "value": value, **({"tags": said} if said else {})}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
