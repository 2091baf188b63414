"""One stranger's command lines without shipper and with it, byte for byte, and what was recorded beside what happened."""

import re
from collections.abc import Iterator

from tests.strangers.stranger import Call, Stranger
from tests.strangers.workshop import Ran, Workshop

SECTIONS = (b"\nUsage telemetry:\n", b"\nusage telemetry:\n")
CHANGING = ((rb"0x[0-9a-f]{6,}", b"0x0"), (rb"\d+\.\d+ ?(ms|s)\b", b"0 s"), (rb"\d\d:\d\d:\d\d", b"00:00:00"))
"""What differs between two runs of the same program without shipper: addresses, durations, times of day."""


def compare(workshop: Workshop, stranger: Stranger) -> Iterator[tuple[Call, list[str]]]:
    """Run every command line of a stranger twice, and say what is wrong about each: nothing, if all is well."""
    work = workshop.work_folder(stranger)
    bare = [workshop.run(stranger, call.typed, work, bare=True) for call in stranger.calls]
    work = workshop.work_folder(stranger)
    for call, expected in zip(stranger.calls, bare, strict=True):
        ran = workshop.run(stranger, call.typed, work, bare=False)
        recorded = workshop.take(stranger)
        yield call, [*_output(expected, ran), *_record(call, expected.status, recorded)]


def _output(bare: Ran, ran: Ran) -> Iterator[str]:
    for name, one, other in (("stdout", bare.stdout, ran.stdout), ("stderr", bare.stderr, ran.stderr)):
        if plain(one) != plain(other):
            yield f"{name} differs: {one[-300:]!r} became {other[-300:]!r}"
    if bare.status != ran.status:
        yield f"status {bare.status} became {ran.status}"


def plain(text: bytes) -> bytes:
    """A program's output without our section of its help, and without what changes by itself."""
    for section in SECTIONS:
        text = text.partition(section)[0]
    for changing, instead in CHANGING:
        text = re.sub(changing, instead, text)
    return text.rstrip(b"\n")


def _record(call: Call, status: int, recorded: list[dict[str, object]]) -> Iterator[str]:
    if not call.outcome:
        if recorded:
            yield f"recorded, and is no use: {recorded}"
        return
    if len(recorded) != 1:
        yield f"recorded {len(recorded)} times, and ended with {status}"
        return
    (event,) = recorded
    known = status if call.is_status_known else None
    said = (event["command"], event.get("outcome"), event.get("exit_code"))
    if said != (call.name, call.outcome, known):
        yield f"recorded as {said}, was {(call.name, call.outcome, known)}"
    error = str(event.get("error", ""))
    if not error.endswith(call.error) or bool(error) != bool(call.error):
        yield f"recorded the error {error!r}, was {call.error!r}"
