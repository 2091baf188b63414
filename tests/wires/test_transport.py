"""The transport against a receiver that misbehaves, on real sockets."""

import time
from collections.abc import Callable

import pytest

from shipper.delivery.outcome import Accepted, Outcome, Unreachable
from shipper.wires import shipper
from shipper.wires.message import Batch, Destination, Reply, Withdrawn
from shipper.wires.transport import REPLY_BYTES, Transport
from tests.fixtures.faults import Faults

LINES = tuple(b'{"v":1,"id":"%d"}\n' % number for number in range(3))
BATCH = Batch("20261123T100000000Z-0a1b2c3d", LINES)


def always() -> bool:
    return True


def send(endpoint: str, seconds: float = 5.0, allowed: Callable[[], bool] = always, token: str = "") -> Outcome:
    about = Destination("app", "1.0", endpoint, token=token)
    with Transport(endpoint) as transport:
        reply = transport.send(shipper.encode(BATCH, about), seconds, allowed)
    return shipper.read(reply, BATCH) if isinstance(reply, Reply) else reply


def test_the_lines_arrive_byte_for_byte_under_their_key() -> None:
    with Faults() as receiver:
        assert isinstance(send(receiver.endpoint), Accepted)
    (request,) = receiver.requests
    assert request.body == b"".join(LINES)
    assert request.key == BATCH.key
    assert (request.method, request.path) == ("POST", "/v1/events")
    assert request.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("fault", "kind", "cause"),
    [
        ("page", "unavailable", "page"),
        ("page as json", "unavailable", "page"),
        ("empty", "unavailable", "empty"),
        ("no content", "unavailable", "status"),
        ("empty object", "unavailable", "other-batch"),
        ("list", "unavailable", "page"),
        ("half json", "unavailable", "page"),
        ("other batch", "unavailable", "other-batch"),
        ("other bytes", "unavailable", "digest"),
        ("miscount", "unavailable", "counts"),
        ("negative", "unavailable", "counts"),
        ("rejects unsent", "unavailable", "counts"),
        ("no counts", "unavailable", "counts"),
        ("redirect", "unavailable", "redirect"),
        ("endless", "unavailable", "endless"),
        ("bomb", "unavailable", "endless"),
        ("broken gzip", "unreachable", "garbled"),
        ("close", "unreachable", "reset"),
        ("cut", "unreachable", "reset"),
        ("reset", "unreachable", "reset"),
        ("garbage", "unreachable", "reset"),
        ("huge header", "unreachable", "reset"),
        ("status 500", "unavailable", "server"),
        ("status 503", "unavailable", "server"),
        ("status 429 Retry-After: 7", "throttled", ""),
        ("status 401", "unauthorized", ""),
        ("status 413", "too large", ""),
        ("status 422", "rejected", ""),
    ],
)
def test_nothing_but_an_acknowledgement_is_one(fault: str, kind: str, cause: str) -> None:
    with Faults(fault) as receiver:
        outcome = send(receiver.endpoint)
    assert (outcome.kind, outcome.cause) == (kind, cause)
    assert not any(ord(character) < 32 for character in outcome.detail)


@pytest.mark.parametrize("fault", ["hang", "drip", "flood"])
def test_a_send_ends_at_its_deadline_whatever_the_receiver_does(fault: str) -> None:
    with Faults(fault) as receiver:
        begun = time.monotonic()
        outcome = send(receiver.endpoint, seconds=1.0)
        took = time.monotonic() - begun
    assert (outcome.kind, outcome.cause) == ("unreachable", "timeout")
    assert took < 2.0


def test_a_refused_connection_is_tried_three_times_and_then_left_to_the_backoff() -> None:
    with Faults() as receiver:
        endpoint = receiver.endpoint
    tries = []

    def counted() -> bool:
        tries.append(1)
        return True

    outcome = send(endpoint, seconds=20.0, allowed=counted)
    assert (outcome.kind, outcome.cause) == ("unreachable", "refused")
    assert len(tries) == 3


def test_a_receiver_that_restarts_is_bridged_within_one_send() -> None:
    with Faults("close", "status 503", "acknowledge") as receiver:
        assert isinstance(send(receiver.endpoint, seconds=20.0), Accepted)
    assert len({request.body for request in receiver.requests}) == 1
    assert len({request.key for request in receiver.requests}) == 1


def test_a_receiver_that_asks_for_patience_is_not_tried_again_within_the_send() -> None:
    with Faults("status 503 Retry-After: 60", "acknowledge") as receiver:
        assert send(receiver.endpoint).kind == "unavailable"
    assert len(receiver.requests) == 1


def test_consent_is_read_before_every_try() -> None:
    answers = [True, False]
    with Faults("close", "acknowledge") as receiver, pytest.raises(Withdrawn):
        send(receiver.endpoint, seconds=20.0, allowed=lambda: answers.pop(0))
    assert len(receiver.requests) == 1
    assert receiver.events == {}


def test_one_connection_serves_a_whole_pass() -> None:
    with Faults() as receiver, Transport(receiver.endpoint) as transport:
        request = shipper.encode(BATCH, Destination("app", "1.0", receiver.endpoint))
        for _ in range(5):
            assert isinstance(transport.send(request, 5.0, always), Reply)
    assert {each.connection for each in receiver.requests} == {1}


def test_several_requests_travel_at_the_same_time_and_answer_in_order() -> None:
    with Faults() as receiver, Transport(receiver.endpoint) as transport:
        about = Destination("app", "1.0", receiver.endpoint)
        batches = [Batch(f"{BATCH.key}.{number}-{number}", LINES[:1]) for number in range(4)]
        replies = transport.send_all([shipper.encode(batch, about) for batch in batches], 5.0, always)
    for batch, reply in zip(batches, replies, strict=True):
        assert isinstance(reply, Reply)
        assert isinstance(shipper.read(reply, batch), Accepted)


def test_no_more_than_a_mebibyte_of_a_reply_is_kept() -> None:
    with Faults("bomb") as receiver, Transport(receiver.endpoint) as transport:
        reply = transport.send(shipper.encode(BATCH, Destination("a", "1", receiver.endpoint)), 5.0, always)
    assert isinstance(reply, Reply)
    assert (len(reply.body), reply.cut) == (REPLY_BYTES, True)


@pytest.mark.parametrize(
    ("endpoint", "cause"),
    [
        ("http://telemetry.example.com", "plain-http"),
        ("http://127.0.0.1.example.com", "plain-http"),
        ("http://10.0.0.1", "plain-http"),
        ("ftp://localhost/x", "endpoint"),
        ("https://", "endpoint"),
        ("https://person:secret@localhost:1", "endpoint"),
        ("", "endpoint"),
        ("http://[::1", "endpoint"),
    ],
)
def test_an_endpoint_that_would_betray_us_is_not_even_looked_up(endpoint: str, cause: str) -> None:
    outcome = send(endpoint, token="hush")
    assert isinstance(outcome, Unreachable)
    assert outcome.cause == cause
    assert "secret" not in outcome.detail
    assert "hush" not in outcome.detail
