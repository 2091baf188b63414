"""The quick way of reading a line is a part of the long way: whatever it reads, the long way reads alike."""

import re

from hypothesis import example, given
from hypothesis import strategies as some

from shipper.collector.http.lines import _read, read_line
from shipper.collector.http.receive import row_of
from shipper.errors import DamagedLine
from shipper.reader import decode
from shipper.recording.line import seal_line
from tests.fixtures.wire_events import line

FINE = line(1).decode().rpartition(',"sum"')[0]
names = some.text("AZaz09_.:+/<>-", min_size=0, max_size=66)
values = some.one_of(
    names.map('"{}"'.format),
    some.integers(-(1 << 64), 1 << 64).map(str),
    some.sampled_from(["true", "false", "null", "01", "-0", "1.5", "1e3", '"a,b"', '"a\\u0041"', "[]", '{"a":1}', ""]),
)
fields = some.lists(some.tuples(names, values), max_size=4).map(
    lambda pairs: ",".join(f'"{key}":{value}' for key, value in pairs)
)
changed = some.tuples(
    some.integers(0, len(FINE)), some.integers(0, 6), some.text('"0123456789abcdefnrtuxyzTZ,:{} \\é-', max_size=6)
).map(lambda change: FINE[: change[0]] + change[2] + FINE[change[0] + change[1] :])


def long_way(sealed: bytes) -> object:
    """What the long way makes of a line: the row, or why there is none."""
    try:
        return row_of(decode(sealed))
    except DamagedLine as damage:
        return damage.reason


def either_way(sealed: bytes) -> object:
    try:
        return row_of(read_line(sealed))
    except DamagedLine as damage:
        return damage.reason


def sealed(text: str) -> bytes:
    """Close a line with the checksum that fits it, whatever it says."""
    return seal_line(text.encode("ascii", "replace").decode())[:-1]


@given(fields)
@example('"a":true')
@example('"a":1,"a":1')
@example('"n":999999999999999999')
def test_fields_are_read_alike(inner: str) -> None:
    text = sealed(re.sub(r'"fields":\{.*', '"fields":{' + inner.replace("\\", "\\\\") + "}", FINE))
    assert either_way(text) == long_way(text)


def test_the_agent_is_read_on_both_ways() -> None:
    text = sealed(FINE.replace('"ci":false', '"ci":false,"agent":"codex"'))
    assert _read(text) == {key: value for key, value in decode(text).items() if key not in ("v", "sum")}
    assert read_line(text)["agent"] == "codex"


@given(changed)
@example(FINE.replace("2026-11-23T12", "2026-11-23T24"))
@example(FINE.replace("2026-11-23", "2026-02-30"))
@example(FINE.replace("2026-11-23", "0000-11-23"))
@example(FINE.replace('"cpus":2', '"cpus":0'))
@example(FINE.replace('"cpus":2', '"cpus":1048576'))
@example(FINE.replace('"v":1', '"v":2'))
@example(FINE.replace("cpython 3.12.1", "cpython\t3.12.1"))
def test_a_line_that_was_changed_and_sealed_again_is_read_alike(text: str) -> None:
    assert either_way(sealed(text)) == long_way(sealed(text))


@given(some.integers(0, len(FINE) + 17), some.integers(0, 255))
def test_a_flipped_byte_is_never_read(place: int, byte: int) -> None:
    whole = bytearray(line(1)[:-1])
    if whole[place] != byte:
        whole[place] = byte
        assert not isinstance(either_way(bytes(whole)), tuple)


def test_the_senders_own_lines_go_the_quick_way() -> None:
    for each in (line(1), line(2, user=None), line(3, ci=True), line(4, fields=""), line(5, fields='"a":true,"b":-1')):
        assert _read(each[:-1]) is not None
        assert either_way(each[:-1]) == long_way(each[:-1])
        assert isinstance(either_way(each[:-1]), tuple)
