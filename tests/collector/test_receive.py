"""The wire's pure half: whatever bytes come in, every line is accounted for or the request is refused."""

import gzip
import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shipper.collector.http.receive import (
    MAX_BODY,
    MAX_LINES,
    MAX_REASON,
    MAX_UNPACKED,
    Refused,
    Taken,
    Unpacker,
    milliseconds_of,
    reply,
    take,
    unobjectionable,
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


def taken_or_refused(key: str, body: bytes) -> tuple[Taken | None, int]:
    """What became of a request: read, or the status with which it was refused."""
    try:
        return take(key, body, unobjectionable), 200
    except Refused as refused:
        return None, refused.status


def unpacked(body: bytes) -> bytes:
    """Unpack in pieces, as a network delivers them."""
    unpacker = Unpacker("gzip")
    for start in range(0, len(body) + 1, 7):
        unpacker.feed(body[start : start + 7])
    return unpacker.finish()


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


@given(some.binary(max_size=300), some.lists(some.integers(1, 40), max_size=20), some.booleans())
def test_unpacking_gives_back_what_was_packed_however_it_is_cut(body: bytes, cuts: list[int], packed: bool) -> None:
    unpacker = Unpacker("gzip" if packed else "")
    left = gzip.compress(body) if packed else body
    for cut in cuts:
        unpacker.feed(left[:cut])
        left = left[cut:]
    unpacker.feed(left)
    assert unpacker.finish() == body


@given(some.binary(max_size=200))
def test_unpacking_what_is_no_gzip_is_refused_and_nothing_else(body: bytes) -> None:
    with pytest.raises(Refused):
        unpacked(body)


def test_a_body_may_be_as_large_as_the_limits_and_not_a_byte_larger() -> None:
    exact = Unpacker("gzip")
    exact.feed(gzip.compress(b" " * MAX_UNPACKED))
    assert len(exact.finish()) == MAX_UNPACKED
    for encoding, body in (("gzip", gzip.compress(b" " * (MAX_UNPACKED + 1))), ("", b" " * (MAX_BODY + 1))):
        with pytest.raises(Refused) as refused:
            Unpacker(encoding).feed(body)
        assert refused.value.status == 413
    with pytest.raises(Refused) as refused:
        take("key", line(1) * (MAX_LINES + 1), unobjectionable)
    assert refused.value.status == 413


def test_a_bomb_is_stopped_before_it_is_unpacked() -> None:
    unpacker = Unpacker("gzip")
    with pytest.raises(Refused):
        unpacker.feed(gzip.compress(b"\0" * 50 * 1024 * 1024))
    assert unpacker.held <= MAX_UNPACKED + 1


def test_a_damaged_line_costs_itself_and_is_named_by_its_id() -> None:
    body = line(1) + line(2).replace(b"up", b"uq") + line(3)
    taken = take("key", body, unobjectionable)
    assert [row.id.hex() for row in taken.rows] == [event_id(number).replace("-", "") for number in (1, 3)]
    assert dict(taken.rejected) == {event_id(2): "sum: its checksum does not hold"}


def test_an_id_that_is_rejected_twice_is_named_once() -> None:
    taken = take("key", line(1, name="shipper.x") * 3, unobjectionable)
    assert (len(taken.rejected), taken.repeated) == (1, 2)


def test_a_line_whose_id_cannot_be_read_refuses_the_request() -> None:
    with pytest.raises(Refused) as refused:
        take("key", line(1) + line(2)[5:], unobjectionable)
    assert refused.value.status == 400
    assert "line 2" in refused.value.why


def test_an_event_of_a_newer_format_waits_for_a_newer_receiver() -> None:
    with pytest.raises(Refused) as refused:
        take("key", line(1) + line(2, v=2), unobjectionable)
    assert refused.value.status == 415


def test_what_a_catalog_objects_to_is_rejected_with_its_reason() -> None:
    taken = take(
        "key", line(1) + line(2, name="unknown"), lambda event: "undeclared" * 9 if event["name"] != "command" else ""
    )
    assert dict(taken.rejected) == {event_id(2): ("undeclared" * 9)[:MAX_REASON]}
    assert len(taken.rows) == 1


def test_names_that_begin_with_shipper_are_not_for_apps() -> None:
    body = line(1, name="shipper.late") + line(2, name="shipper.losses", fields='"age":3')
    taken = take("key", body, unobjectionable)
    assert list(taken.rejected) == [event_id(1)]
    assert [row.name for row in taken.rows] == ["shipper.losses"]


def test_nobody_is_a_person_in_ci_and_a_person_is_kept_as_a_hash_alone() -> None:
    taken = take("key", line(1) + line(2, ci=True) + line(3, user=None), unobjectionable)
    assert [row.person for row in taken.rows] == [person_of("person-1"), "", ""]
    assert "person-1" not in repr(taken)


@given(some.integers(0, 253402300799999))
def test_a_time_is_read_as_it_was_written(milliseconds: int) -> None:
    assert milliseconds_of(format_time(milliseconds)) == milliseconds


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "ü", "a\tb", "a\n"])
def test_a_key_that_is_not_printable_or_too_long_is_refused(key: str) -> None:
    with pytest.raises(Refused) as refused:
        take(key, line(1), unobjectionable)
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
        taken = take("key", seal_line(wrong), unobjectionable)
        assert list(taken.rejected) == [event_id(1)], wrong


def test_noon_is_noon() -> None:
    assert format_time(NOON) == "2026-11-23T12:00:00.000Z"
