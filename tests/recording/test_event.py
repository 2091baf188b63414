"""One event <-> one line: what is written is read back, and nothing else is."""

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.errors import DamagedLine
from shipper.reader import checksum_holds, decode
from shipper.recording.line import MAX_LINE, MODULUS, checksum, format_time, new_id, seal_line, surroundings
from shipper.recording.names import valid_id, valid_name

WHOLE = {
    "v": 1,
    "id": new_id(1_700_000_000_000, bytes(10)),
    "time": "2026-11-23T10:00:00.123Z",
    "app": "wunderctl",
    "version": "0.150.0",
    "name": "command",
    "user": "u-1",
    "session": "0123456789abcdef",
    "ci": False,
    "os": "linux",
    "arch": "x86_64",
    "cpus": 8,
    "runtime": "cpython 3.12.1",
    "fields": {"command": "up", "duration_ms": 12, "fast": True},
}


def line(**changes: object) -> bytes:
    """An event line with some keys replaced; None leaves one out."""
    kept = {key: value for key, value in (WHOLE | changes).items() if value is not None}
    return seal_line(json.dumps(kept, separators=(",", ":"))[:-1])


def test_a_line_is_read_back_key_by_key() -> None:
    event = decode(line())

    assert {key: value for key, value in event.items() if key != "sum"} == WHOLE
    assert "user" not in decode(line(user=None))
    assert decode(line(agent="codex"))["agent"] == "codex"


@given(st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=10))
def test_an_id_is_a_uuid_of_version_7_that_carries_its_time_and_74_random_bits(ms: int, randomness: bytes) -> None:
    made = uuid.UUID(new_id(ms, randomness))

    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == ms
    assert made.int >> 64 & 0x0FFF == int.from_bytes(randomness[:2], "big") & 0x0FFF
    assert made.int & (1 << 62) - 1 == int.from_bytes(randomness[2:], "big") & (1 << 62) - 1


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_428_000_123, "2026-11-23T10:00:00.123Z"),
        (-5, "1970-01-01T00:00:00.000Z"),
        (1 << 60, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_time_is_written_in_utc_whatever_the_clock_says(milliseconds: int, text: str) -> None:
    assert format_time(milliseconds) == text
    assert decode(line(time=text))["time"] == text


@given(st.integers(0, 8 * len(line()) - 1))
def test_any_flipped_bit_is_seen(bit: int) -> None:
    damaged = bytearray(line())
    damaged[bit // 8] ^= 1 << bit % 8

    assert not checksum_holds(bytes(damaged))


@pytest.mark.parametrize(
    "torn", [line()[:40] + line(), line()[:-1] + line(), b"", b"\n", b"\0" * 400, line()[:-30], b"\xff" * 99]
)
def test_torn_and_glued_lines_are_seen(torn: bytes) -> None:
    assert not checksum_holds(torn)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"v": 2}, "version"),
        ({"v": 2, "app": None, "more": 1}, "version"),
        ({"v": 0}, "shape"),
        ({"v": True}, "shape"),
        ({"v": "1"}, "shape"),
        ({"id": "x"}, "shape"),
        ({"id": "A" * 36}, "shape"),
        ({"time": "2026-02-30T10:00:00.123Z"}, "shape"),
        ({"time": "yesterday"}, "shape"),
        ({"time": 5}, "shape"),
        ({"app": "a b"}, "shape"),
        ({"app": ""}, "shape"),
        ({"app": "a" * 65}, "shape"),
        ({"ci": 1}, "shape"),
        ({"cpus": 0}, "shape"),
        ({"cpus": True}, "shape"),
        ({"runtime": "a\nb"}, "shape"),
        ({"fields": []}, "shape"),
        ({"fields": {"a": "free text"}}, "shape"),
        ({"fields": {"a": 1.5}}, "shape"),
        ({"fields": {"a": 1 << 63}}, "shape"),
        ({"fields": {"a": {}}}, "shape"),
        ({"fields": {"a b": 1}}, "shape"),
        ({"session": None}, "shape"),
        ({"more": 1}, "shape"),
        ({"user": 7}, "shape"),
        ({"agent": "two words"}, "shape"),
    ],
)
def test_what_was_never_declared_is_refused_with_its_reason(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(DamagedLine) as caught:
        decode(line(**changes))

    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"v":1,"v":1', "json"),
        ('{"v":NaN', "json"),
        ('{"v":' + "[" * 9000, "json"),
        ('{"v":1' + " " * MAX_LINE, "shape"),
        ("[1", "json"),
    ],
)
def test_json_that_two_readers_could_read_differently_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DamagedLine) as caught:
        decode(seal_line(text))

    assert caught.value.reason == reason


def test_names_need_no_escaping() -> None:
    assert valid_name("Az09_.:+/<>-")
    assert not any(valid_name(text) for text in ("", "a b", 'a"', "a\\", "é", "a\n", "a" * 65, 5, None))


def test_the_surroundings_are_closed_values() -> None:
    described = json.loads("{" + surroundings() + "}")

    assert described["os"] in {"linux", "macos", "windows", "other"}
    assert described["arch"] in {"x86_64", "arm64", "other"}
    assert decode(line(**described))["cpus"] >= 1


@given(st.binary(min_size=1, max_size=600), st.data())
def test_the_checksum_finds_each_flipped_bit_each_two_and_each_burst_of_31_bits(
    data: bytes, draw: st.DataObject
) -> None:
    number, bits = int.from_bytes(data, "big"), 8 * len(data)
    first, second = draw.draw(st.integers(0, bits - 1)), draw.draw(st.integers(0, bits - 1))
    burst = draw.draw(st.integers(1, (1 << min(31, bits)) - 1)) << draw.draw(st.integers(0, max(0, bits - 31)))
    for damage in (1 << first, 1 << first ^ 1 << second, burst & (1 << bits) - 1):
        if damage:
            assert checksum((number ^ damage).to_bytes(len(data), "big")) != checksum(data)


def test_the_modulus_of_the_checksum_is_prime_and_2_is_a_primitive_root_of_it() -> None:
    assert all(MODULUS % divisor for divisor in range(2, 65536))
    assert MODULUS - 1 == 2 * 5 * 19 * 22605091
    assert pow(2, MODULUS - 1, MODULUS) == 1
    assert all(pow(2, (MODULUS - 1) // factor, MODULUS) != 1 for factor in (2, 5, 19, 22605091))


def test_an_id_means_nothing_in_a_path_or_an_address() -> None:
    assert all(map(valid_id, ("0" * 32, "5f2c9a10-77aa-4be2-9c1e-000000000001", "user_1")))
    assert not any(
        map(valid_id, ("", "-", "a/b", "..", "a.b", "a+b", "a:b", "<a>", "a b", "\u0661", "a" * 65, None, 7))
    )
