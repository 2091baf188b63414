"""The wire's pure half: whatever bytes come in, every line is accounted for or the request is refused."""

import gzip
import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shipper.collector.http.body import MAX_BODY, RequestRefused, unpack
from shipper.collector.http.receive import (
    ACCEPTED,
    DEFER,
    MAX_FIELDS,
    MAX_LINES,
    MAX_REASON,
    REJECT,
    CheckedBatch,
    Verdict,
    check_names,
    milliseconds_of,
    read_batch,
    reply,
)
from shipper.collector.stores.store import Receipt, person_of
from shipper.recording.line import format_time, seal_line
from tests.fixtures.wire_events import NOON, event_id, line

pieces = some.one_of(
    some.integers(0, 50).map(line),
    some.integers(0, 50).map(lambda number: line(number).replace(b"up", b"uq")),
    some.integers(0, 50).map(lambda number: line(number, name="shipper.other")),
    some.integers(0, 50).map(lambda number: line(number, fields='"deep":' + "[" * 5000 + "]" * 5000)),
    some.integers(0, 50).map(lambda number: line(number, fields='"twice":1,"twice":2,"huge":' + "9" * 400)),
    some.integers(0, 50).map(lambda number: line(number)[: number * 7]),
    some.binary(max_size=80),
)


def taken_or_refused(key: str, body: bytes) -> tuple[CheckedBatch | None, int]:
    """What became of a request: read, or the status with which it was refused."""
    try:
        return read_batch(key, body, check_names), 200
    except RequestRefused as refused:
        return None, refused.status


@given(some.lists(pieces, max_size=12).map(b"".join), some.text(max_size=210))
def test_a_request_is_refused_with_a_known_status_or_every_line_of_it_is_accounted_for(body: bytes, key: str) -> None:
    taken, status = taken_or_refused(key, body)
    if taken is None:
        assert status in (400, 413, 415)
        return
    said = reply(taken, Receipt(len(taken.rows), 0))
    lines = len(body.removesuffix(b"\n").split(b"\n"))
    assert isinstance(said["rejected"], list)
    assert said["accepted"] + said["duplicate"] + len(said["rejected"]) == lines  # type: ignore[operator]
    assert said["sha256"] == sha256(body).hexdigest()
    assert len({each["id"] for each in said["rejected"]}) == len(said["rejected"])
    assert all(len(each["reason"]) <= MAX_REASON for each in said["rejected"])
    json.dumps(said)


@given(some.binary(max_size=300), some.booleans())
def test_unpacking_gives_back_what_was_packed(body: bytes, packed: bool) -> None:
    assert unpack("gzip" if packed else "", gzip.compress(body) if packed else body) == body


@given(some.binary(max_size=200))
def test_unpacking_what_is_no_gzip_is_refused_and_nothing_else(body: bytes) -> None:
    with pytest.raises(RequestRefused):
        unpack("gzip", body)


def test_a_body_may_be_as_large_as_the_limits_and_not_a_byte_larger() -> None:
    assert len(unpack("gzip", gzip.compress(b" " * MAX_BODY))) == MAX_BODY
    for body in (gzip.compress(b" " * (MAX_BODY + 1)), gzip.compress(b"\0" * 50 * MAX_BODY)):
        with pytest.raises(RequestRefused) as refused:
            unpack("gzip", body)
        assert refused.value.status == 413
    with pytest.raises(RequestRefused) as refused:
        read_batch("key", line(1) * (MAX_LINES + 1), check_names)
    assert refused.value.status == 413


@pytest.mark.parametrize("said", [0, 10, MAX_BODY])
def test_a_gzip_body_that_says_another_size_than_it_has_is_refused(said: int) -> None:
    body = gzip.compress(b"\0" * 5 * MAX_BODY)
    with pytest.raises(RequestRefused) as refused:
        unpack("gzip", body[:-4] + said.to_bytes(4, "little"))
    assert refused.value.status == 400


def test_an_event_of_more_fields_than_anybody_declares_costs_itself() -> None:
    fields = ",".join(f'"f{number}":1' for number in range(MAX_FIELDS + 1))
    batch = read_batch("key", line(1) + line(2, fields=fields), check_names)
    assert (len(batch.rows), dict(batch.rejected)) == (1, {event_id(2): f"shape: more than {MAX_FIELDS} fields"})


def test_a_damaged_line_costs_itself_and_is_named_by_its_id() -> None:
    body = line(1) + line(2).replace(b"up", b"uq") + line(3)
    taken = read_batch("key", body, check_names)
    assert [row.id.hex() for row in taken.rows] == [event_id(number).replace("-", "") for number in (1, 3)]
    assert dict(taken.rejected) == {event_id(2): "sum: its checksum does not hold"}


def test_an_id_that_is_rejected_twice_is_named_once() -> None:
    taken = read_batch("key", line(1, name="shipper.x") * 3, check_names)
    assert (len(taken.rejected), taken.repeated) == (1, 2)


def test_a_line_whose_id_cannot_be_read_refuses_the_request() -> None:
    with pytest.raises(RequestRefused) as refused:
        read_batch("key", line(1) + line(2)[5:], check_names)
    assert refused.value.status == 400
    assert "line 2" in refused.value.why


def test_an_event_of_a_newer_format_waits_for_a_newer_receiver() -> None:
    with pytest.raises(RequestRefused) as refused:
        read_batch("key", line(1) + line(2, v=2), check_names)
    assert refused.value.status == 415


def test_what_a_catalog_objects_to_is_rejected_with_its_reason() -> None:
    taken = read_batch(
        "key",
        line(1) + line(2, name="unknown") + line(3, name="later"),
        lambda event: {"unknown": Verdict(REJECT, "undeclared" * 9), "later": Verdict(DEFER, "newer")}.get(
            event["name"], ACCEPTED
        ),
    )
    assert dict(taken.rejected) == {event_id(2): ("undeclared" * 9)[:MAX_REASON]}
    assert dict(taken.deferred) == {event_id(3): "newer"}
    assert len(taken.rows) == 1


def test_names_that_begin_with_shipper_are_not_for_apps() -> None:
    body = line(1, name="shipper.late") + line(2, name="shipper.losses", fields='"age":3')
    taken = read_batch("key", body, check_names)
    assert list(taken.rejected) == [event_id(1)]
    assert [row.name for row in taken.rows] == ["shipper.losses"]


def test_nobody_is_a_person_in_ci_and_a_person_is_kept_as_a_hash_alone() -> None:
    taken = read_batch("key", line(1) + line(2, ci=True) + line(3, user=None), check_names)
    assert [row.person for row in taken.rows] == [person_of("person-1"), "", ""]
    assert "person-1" not in repr(taken)


@given(some.integers(0, 253402300799999))
def test_a_time_is_read_as_it_was_written(milliseconds: int) -> None:
    assert milliseconds_of(format_time(milliseconds)) == milliseconds


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "ü", "a\tb", "a\n"])
def test_a_key_that_is_not_printable_or_too_long_is_refused(key: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        read_batch(key, line(1), check_names)
    assert refused.value.status == 400


def test_a_sealed_line_that_is_no_event_is_rejected_not_kept() -> None:
    fine = line(1).decode().rpartition(',"sum"')[0]
    for wrong in (
        fine.replace('"cpus":2', '"cpus":"two"'),
        fine.replace('"ci":false', '"ci":0'),
        fine.replace("2026-11-23", "2026-13-23"),
        fine.replace('"command":"up"', '"command":"free text"'),
        fine.replace('"command":"up"', '"command":null'),
        fine.replace('"command":"up"', '"command":1.5'),
        fine.replace('"os":"linux"', '"os":"linux","more":1'),
        fine.replace('"duration_ms":12', f'"duration_ms":{1 << 63}'),
    ):
        assert wrong != fine
        taken = read_batch("key", seal_line(wrong), check_names)
        assert list(taken.rejected) == [event_id(1)], wrong


def test_noon_is_noon() -> None:
    assert format_time(NOON) == "2026-11-23T12:00:00.000Z"
