"""Damage costs the event that it hit and no other; what is set aside is counted once."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.reader import checksum_holds
from shipper.recording.line import MAX_LINE, seal_line
from shipper.spool.lines import classify_line, classify_lines
from shipper.spool.segments import CHUNK, numbered_lines
from tests.fixtures.spools import NOW, a_spool, line, record, sealed, told, tree


def claimed(damage: bytes, good: int = 2) -> tuple[list[bytes], list[bytes], dict[str, int]]:
    """Good lines around damage: what went in, what may be sent, what is counted."""
    with a_spool() as spool:
        before, after = [line(1)], [line(number) for number in range(2, good + 1)]
        fd = spool.folder.open("active.ndjson", os.O_WRONLY | os.O_CREAT)
        with os.fdopen(fd, "wb") as file:
            file.write(b"".join(before) + damage + b"".join(after))
        name = spool.seal(NOW)
        assert name
        segment = spool.claim(name)
        sent = [one.raw + b"\n" for one in segment.lines] if segment else []
        return before + after, sent, told(spool)


GLUED = line().rstrip(b"\n") + line()
DAMAGE = {
    "garbage": b"what is this\n",
    "NULs": b"\0" * 4096 + b"\n",
    "two glued lines": GLUED,
    "a line cut in the middle": line()[:100] + b"\n",
    "a byte order mark": b"\xef\xbb\xbf" + line(),
    "CRLF": line().replace(b"\n", b"\r\n"),
    "invalid UTF-8": b'{"v":1,"id":"\xff\xfe"}\n',
    "a line longer than any": b"x" * (MAX_LINE * 3) + b"\n",
    "an overlong line that is an event": seal_line('{"v":1,"id":"' + "0" * MAX_LINE + '"') + b"",
    "JSON of another kind": seal_line('{"v":1,"id":"x"'),
    "deep nesting": b"[" * 10_000 + b"\n",
    "a flipped bit": line().replace(b"command", b"commanE"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_only_what_was_hit_is_set_aside(kind: str) -> None:
    whole, sent, lost = claimed(DAMAGE[kind])
    assert sent == whole
    assert lost == {"damaged": 2 if "glued" in kind else 1}


def test_a_hundred_megabytes_in_one_line_cost_no_memory_to_speak_of() -> None:
    import tracemalloc

    with a_spool() as spool:
        fd = spool.folder.open("active.ndjson", os.O_WRONLY | os.O_CREAT)
        with os.fdopen(fd, "wb") as file:
            file.write(line(1))
            for _ in range(100):
                file.write(b"x" * 1024 * 1024)
            file.write(b"\n" + line(2))
        name = spool.seal(NOW)
        assert name
        tracemalloc.start()
        segment = spool.claim(name)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert segment
        assert len(segment.lines) == 2
        assert peak < 4 * 1024 * 1024


def test_a_torn_tail_that_lacks_only_its_newline_is_an_event() -> None:
    with a_spool() as spool:
        one = line()
        name = sealed(spool, [one[:-1]])
        segment = spool.claim(name)
        assert segment
        assert [line.raw for line in segment.lines] == [one[:-1]]


def test_the_next_writer_closes_a_torn_tail_off() -> None:
    with a_spool() as spool:
        whole, torn = line(1), line(2)[:50]
        record(spool, [line(0), torn])
        record(spool, [whole])
        name = spool.seal(NOW)
        assert name
        segment = spool.claim(name)
        assert segment
        assert len(segment.lines) == 2
        assert segment.lines[1].raw + b"\n" == whole
        assert told(spool) == {"damaged": 1}


def test_a_line_of_a_newer_shipper_is_no_damage() -> None:
    newer = seal_line('{"v":2,"what":["it",{"looks":"like"}]')
    with a_spool() as spool:
        name = sealed(spool, [line(), newer])
        segment = spool.claim(name)
        assert segment
        assert segment.newer
        assert [one.condition for one in segment.lines] == ["good", "newer"]
        assert told(spool) == {}


def test_a_run_of_garbage_is_one_file_in_quarantine_and_counts_every_line() -> None:
    with a_spool() as spool:
        name = sealed(spool, [b"x\n" * 50_000, line()])
        segment = spool.claim(name)
        assert segment
        assert len(segment.lines) == 1
        assert sorted(tree(spool)) == sorted(
            [f"sending/{name}.ndjson", f"quarantine/{name}.1-50000", f"lost/{name}.1-50000.damaged.50000"]
        )


def test_claiming_a_damaged_segment_again_counts_nothing_again() -> None:
    with a_spool() as spool:
        name = sealed(spool, [line(), b"damage\n"])
        for _ in range(3):
            assert spool.claim(name)
            spool.release(name)
        assert told(spool) == {"damaged": 1}
        assert spool.collect_losses(NOW)
        assert spool.claim(name)
        assert told(spool) == {"damaged": 1}


def test_a_segment_of_nothing_but_damage_goes_once_it_is_set_aside() -> None:
    with a_spool() as spool:
        name = sealed(spool, [b"damage\n"])
        assert spool.claim(name) is None
        assert sorted(tree(spool)) == [f"lost/{name}.1-1.damaged.1", f"quarantine/{name}.1"]


def read(data: bytes) -> list[tuple[int, bytes]]:
    source, sink = os.pipe()
    with os.fdopen(sink, "wb") as file:
        file.write(data)
    try:
        return list(numbered_lines(source))
    finally:
        os.close(source)


@given(st.binary(max_size=2000))
@settings(max_examples=200)
def test_numbered_lines_are_the_lines_of_the_file(data: bytes) -> None:
    assert read(data) == [(number, one) for number, one in enumerate(data.split(b"\n"), 1) if one]


@pytest.mark.parametrize("length", [CHUNK - 1, CHUNK, CHUNK + 1])
def test_a_line_across_two_reads_is_one_line(length: int) -> None:
    pipe_size = 64 * 1024
    first = b"a" * (MAX_LINE - 10)
    data = first + b"\n"
    data += b"b" * (min(length, pipe_size) - len(data) - 5) + b"\ncc"
    found = read(data[:pipe_size])
    assert [number for number, _ in found] == [1, 2, 3][: len(found)]
    assert found[0][1] == first


@given(st.integers(0, len(line()) - 2), st.integers(0, 7))
def test_no_flipped_bit_goes_unnoticed(position: int, bit: int) -> None:
    raw = bytearray(line())
    raw[position] ^= 1 << bit
    for one in classify_lines(read(bytes(raw))):
        assert one.condition == "damaged"
        assert not checksum_holds(one.raw)


def test_judging_a_good_line_takes_its_id_only() -> None:
    raw = line()[:-1]
    found = classify_line(7, raw)
    assert (found.number, found.last, found.condition, found.raw) == (7, 7, "good", raw)
    assert found.id == raw[13:49].decode()
