"""The OTLP wire: logs over OTLP/HTTP in JSON, to any OpenTelemetry Collector, which fans out to what a team already has.

    POST {endpoint}/v1/logs
    Content-Type: application/json     Content-Encoding: gzip

    200  application/json
    {}   or   {"partialSuccess": {"rejectedLogRecords": "3", "errorMessage": "..."}}

Endpoint: the collector's OTLP/HTTP base address, `https://collector.example.com:4318`.
Auth: `Authorization: Bearer <token>` (the collector's `bearertokenauth` extension).
What the receiver must understand: OTLP/HTTP logs in the JSON encoding (not only protobuf), with gzip; the specification
demands both of a server, and the Collector does both.
Limits: none in the specification; the Collector's HTTP receiver takes 20 MiB by default. A 413 is answered with halves.
Acknowledgement: 200 with a JSON object. It names no event, so THE STATUS CODE IS TRUSTED. A partial success gives a
number of refused records, seldom which: all of them are quarantined one by one, a share of them as one entry with the
batch that counts so many. It must not be sent again.
Retries: 429, 502, 503 and 504, as the specification lists them. What it calls not retryable (every other 4xx and 5xx)
is kept all the same and waits at the longest step: a receiver's mistake does not cost an event.
De-duplication: none in the protocol. Each record carries `log.record.uid`, by which a store may drop what came twice.
Deletion: none; ask whoever runs the store.
Sources: https://opentelemetry.io/docs/specs/otlp/ ("OTLP/HTTP Response", "Partial Success", "Retryable Response
Codes"), https://opentelemetry.io/docs/specs/semconv/ (log.record.uid, enduser.pseudo.id, session.id, service, os,
host, process.runtime), https://opentelemetry.io/docs/specs/semconv/cli/cli-spans/ (process.exit.code, error.type).

| of an event | becomes |
|---|---|
| app, version, os, arch, runtime, cpus | resource: service.name, service.version, os.type, host.arch, process.runtime.name and .version, shipper.cpus |
| name | eventName, and the body as text |
| time | timeUnixNano |
| id, user, session, ci, agent | attributes log.record.uid, enduser.pseudo.id, session.id, shipper.ci, shipper.agent |
| exit_code, error and outcome of a `command` | process.exit.code; error.type, on every command that did not end with 0: the error, else the outcome; for these severity ERROR |
| a field | attribute `<app>.<field>`: text as stringValue, a number as intValue, a flag as boolValue |
"""  # noqa: E501  a table's row stands on one line

import json
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from shipper import __version__
from shipper.delivery.outcome import Accepted, Outcome, TooLarge, Unauthorized, Unavailable, plain
from shipper.wires.events import events, nanoseconds
from shipper.wires.message import Batch, Destination, Reply, Request
from shipper.wires.reading import NotOurs, count, json_object, refusal

PROVES = False
READS_EVENTS = True

#: The codes that the specification lists as retryable.
RETRYABLE = frozenset({429, 502, 503, 504})
#: `SeverityNumber` and its text, as the data model has them.
_INFO, _ERROR = (9, "INFO"), (17, "ERROR")
_OS = {"macos": "darwin"}
_ARCH = {"x86_64": "amd64"}


def encode(batch: Batch, about: Destination) -> Request:
    """Make the request that carries a batch. The same lines make the same bytes: no time of sending is in them."""
    groups = groupby(events(batch), key=_resource)
    body = {"resourceLogs": [_resource_logs(resource, list(found)) for resource, found in groups]}
    headers = (("Content-Type", "application/json"), ("Accept", "application/json"))
    packed = json.dumps(body, separators=(",", ":")).encode("ascii")
    return Request("POST", "/v1/logs", headers, packed, secret=about.bearer)


def read(reply: Reply, batch: Batch) -> Outcome:
    """Say what a reply means for this batch."""
    if reply.status != 200:
        return _refused(refusal(reply, _status_message(reply)))
    try:
        return _taken(json_object(reply), batch)
    except NotOurs as wrong:
        return refusal(reply, str(wrong), wrong.cause)


def _refused(outcome: Outcome) -> Outcome:
    """What the specification calls not retryable waits at the longest step; it is not bisected and never deleted."""
    if isinstance(outcome, TooLarge | Unauthorized) or outcome.status in RETRYABLE:
        return outcome
    cause = outcome.cause or "unsupported"
    return Unavailable(status=outcome.status, detail=outcome.detail, cause=cause, longest=True)


def _taken(found: Mapping[str, object], batch: Batch) -> Outcome:
    partial = found.get("partialSuccess") or {}
    if not isinstance(partial, dict):
        raise NotOurs("a partial success that is no object", "counts")
    said = partial.get("rejectedLogRecords", 0)  # int64 is text in protobuf's JSON; some receivers write a number
    refused = count(int(said)) if isinstance(said, str) and said.isascii() and said.isdigit() else count(said)
    if refused is None or refused > len(batch.lines):
        raise NotOurs("a partial success that refuses more than was sent", "counts")
    why = plain(partial.get("errorMessage") or "refused without a reason")
    if refused == len(batch.lines):
        return Accepted(status=200, rejected={str(event["id"]): why for event in events(batch)})
    return Accepted(status=200, unnamed=refused, detail=why if refused else "")


def _status_message(reply: Reply) -> str:
    """The words of a `google.rpc.Status`, which is what the specification wants beside an error code."""
    try:
        return plain(json_object(reply).get("message", ""))
    except NotOurs:
        return ""


def _resource(event: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    if "session" not in event:  # nothing of the machine is said with it
        return (("service.name", event["app"]), ("service.version", event["version"]))
    runtime, _, runtime_version = str(event["runtime"]).partition(" ")
    return (
        ("service.name", event["app"]),
        ("service.version", event["version"]),
        ("os.type", _OS.get(event["os"], event["os"])),
        ("host.arch", _ARCH.get(event["arch"], event["arch"])),
        ("process.runtime.name", runtime),
        ("process.runtime.version", runtime_version),
        ("shipper.cpus", event["cpus"]),
    )


def _resource_logs(resource: tuple[tuple[str, Any], ...], found: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "resource": {"attributes": [_attribute(key, value) for key, value in resource]},
        "scopeLogs": [
            {
                "scope": {"name": "shipper", "version": __version__},
                "logRecords": [_record(event) for event in found],
            }
        ],
    }


def _record(event: Mapping[str, Any]) -> dict[str, Any]:
    run = {"session.id": event["session"]} if "session" in event else {}
    own = {"log.record.uid": event["id"], **run, "shipper.ci": event["ci"]}
    person = {"enduser.pseudo.id": event["user"]} if "user" in event else {}
    agent = {"shipper.agent": event["agent"]} if "agent" in event else {}
    fields = {f"{event['app']}.{name}": value for name, value in event["fields"].items()}
    ended = _ending(event["fields"]) if event["name"] == "command" else {}
    severity, text = _ERROR if "error.type" in ended else _INFO
    return {
        "timeUnixNano": str(nanoseconds(event["time"])),
        "severityNumber": severity,
        "severityText": text,
        "eventName": event["name"],
        "body": {"stringValue": event["name"]},
        "attributes": [_attribute(key, value) for key, value in {**own, **agent, **person, **ended, **fields}.items()],
    }


def _ending(fields: Mapping[str, Any]) -> dict[str, Any]:
    """How a command ended, in the words of the conventions for CLI programs: an error is what did not end with 0."""
    code, outcome = fields.get("exit_code"), fields.get("outcome", "ok")
    failed = bool(code) if isinstance(code, int) else outcome != "ok"
    error = {"error.type": fields.get("error", "_OTHER" if outcome == "ok" else outcome)} if failed else {}
    return {**({"process.exit.code": code} if isinstance(code, int) else {}), **error}


def _attribute(key: str, value: bool | int | str) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"key": key, "value": {"boolValue": value}}
    if isinstance(value, int):
        return {"key": key, "value": {"intValue": str(value)}}
    return {"key": key, "value": {"stringValue": value}}
