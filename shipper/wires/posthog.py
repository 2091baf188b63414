"""The PostHog wire: the batch endpoint of PostHog Cloud or of an instance of one's own.

    POST {endpoint}/batch/
    Content-Type: application/json     Content-Encoding: gzip
    {"api_key": "<write key>", "historical_migration": false,
     "batch": [{"event": "command", "uuid": "...", "timestamp": "2026-11-23T10:00:00.123Z", "distinct_id": "...",
                "properties": {"command": "up", "$process_person_profile": false, ...}}]}

    200  application/json
    {"status": "Ok"}      (older instances: {"status": 1})

Endpoint: `https://us.i.posthog.com`, `https://eu.i.posthog.com`, or one's own.
Auth: the project's key as `api_key` in the body: `App(write_key="phc_...")`. It is public by nature.
What the receiver must understand: the batch endpoint with gzip; PostHog's capture service does, as do its own libraries.
Limits: 20 MB for a batch; ours has at most 256 KiB of lines.
Acknowledgement: 200 with a JSON status. It names no event and is given before the events are processed: THE STATUS IS
TRUSTED. Events with an invalid uuid or over the quota are dropped behind a 200; a reply that says `quota_limited` is
waited out here.
De-duplication: by `uuid`, with the event's name, distinct_id and time, when PostHog merges its table. Ours is the event's
id, a UUID version 7, the same on every try.
Deletion: by PostHog's own means (persons are deleted by distinct_id there); none through this wire.
Privacy: no person profile is made, and the location is not looked up. PostHog stores the sender's address unless
"Discard client IP data" is switched on in the project: switch it on.
Sources: https://posthog.com/docs/api/capture, https://posthog.com/docs/data/anonymous-vs-identified-events,
https://posthog.com/docs/product-analytics/privacy.

| of an event | becomes |
|---|---|
| id, name, time | uuid, event, timestamp |
| user, else session, else id | distinct_id |
| app, version, session, ci, agent, os, arch, cpus, runtime | properties of the same names, prefixed `shipper_` |
| a field | property of the same name |
"""

import json
from collections.abc import Mapping
from typing import Any

from shipper.delivery.outcome import Accepted, Outcome, Throttled
from shipper.wires.events import events
from shipper.wires.message import Batch, Destination, Reply, Request
from shipper.wires.reading import NotOurs, json_object, refusal

PROVES = False
READS_EVENTS = True

#: What a taken batch is called: today's capture service, and the older one.
TAKEN = ("Ok", 1)
_SURROUNDINGS = ("app", "version", "session", "ci", "agent", "os", "arch", "cpus", "runtime")
#: No profile of a person is made, and no place is looked up from the address.
_PRIVATE = {"$process_person_profile": False, "$geoip_disable": True}


def encode(batch: Batch, about: Destination) -> Request:
    """Make the request that carries a batch. The same lines make the same bytes: no time of sending is in them."""
    body = {
        "api_key": about.write_key or about.token,
        "historical_migration": False,
        "batch": [_event(event) for event in events(batch)],
    }
    headers = (("Content-Type", "application/json"), ("Accept", "application/json"))
    return Request("POST", "/batch/", headers, json.dumps(body, separators=(",", ":")).encode("ascii"))


def read(reply: Reply, batch: Batch) -> Outcome:
    """Say what a reply means for this batch."""
    del batch
    if reply.status != 200:
        return refusal(reply)
    try:
        found = json_object(reply)
    except NotOurs as wrong:
        return refusal(reply, str(wrong), wrong.cause)
    if found.get("quota_limited"):
        return Throttled(status=200, detail="the project's quota is used up", cause="quota")
    status = found.get("status")
    if isinstance(status, bool) or status not in TAKEN:
        return refusal(reply, "a reply that does not say Ok", "status")
    return Accepted(status=200)


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    own = {f"shipper_{name}": event[name] for name in _SURROUNDINGS if name in event}
    return {
        "event": event["name"],
        "uuid": event["id"],
        "timestamp": event["time"] if "session" in event else event["time"] + "T00:00:00Z",
        "distinct_id": event.get("user") or event.get("session", event["id"]),
        "properties": {**event["fields"], **own, **_PRIVATE},
    }
