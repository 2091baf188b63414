"""What shipper does with the disk, operation by operation, as the sweeps run it in a child of the test."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from shipper import files
from shipper.recording import active, consent
from shipper.recording.active import append_line
from shipper.recording.folder import open_config
from shipper.recording.lock import Lock, set_patience
from tests.crash.sweep import Operation
from tests.crash.workshop import APP, Ending, declare, flush, opened, promise


def record_some(endpoint: str, count: int = 5, **options: Any) -> None:
    app = declare(endpoint, **options)
    for number in range(count):
        assert promise(app, number)


def record_one(endpoint: str, **options: Any) -> None:
    promise(declare(endpoint, **options), 1000)


def small_segments() -> None:
    """Segments of five lines, in this child: what a full one costs does not depend on its size."""
    active.SEGMENT_LINES, active.SHORTEST_LINE = 5, 1


def fill(endpoint: str) -> None:
    small_segments()
    record_some(endpoint, 15)


def record_into_full(endpoint: str, **options: Any) -> None:
    small_segments()
    record_one(endpoint, **options)


def record_without_lock(endpoint: str, **options: Any) -> None:
    with opened() as spool:
        Lock(spool.folder, 1).__enter__()  # this very process keeps itself from having the lock
        set_patience(0)
        record_one(endpoint, **options)


def record_local(endpoint: str, **options: Any) -> None:
    os.environ["DEMO_TELEMETRY"] = "local"
    record_one(endpoint, **options)


def record_some_local(endpoint: str) -> None:
    os.environ["DEMO_TELEMETRY"] = "local"
    record_some(endpoint)


def record_damage(endpoint: str) -> None:
    record_some(endpoint)
    with opened() as spool:
        append_line(spool.folder, b"damage\n" * 3)


def lose_some(endpoint: str) -> None:
    fill(endpoint)
    record_one(endpoint, max_bytes=4000)


def refuse_some(endpoint: str) -> None:
    record_some(endpoint)
    with opened() as spool:
        segment = spool.claim(str(spool.seal(1.8e9)))
        assert segment
        spool.quarantine(segment.name, 2, segment.lines[1].raw, "rejected")
        spool.release(segment.name)


def drop_one(_: str) -> None:
    with opened() as spool:
        spool.drop(next(spool.quarantined()).name)


def sending(_: str) -> None:
    flush()


def sending_within(_: str) -> None:
    """A pass over a spool that is past its bound on files."""
    with opened() as spool:
        folder = spool.folder
        manifest = folder.read("app.json", 1 << 16).replace(b'"files":2000', b'"files":12')
        files.remove(folder, "app.json")
        files.write(folder, "app.json", manifest)
    flush()


def command(*arguments: str) -> Callable[[str], None]:
    def run(_: str) -> None:
        from shipper.cli import main

        assert main(list(arguments)) == 0

    return run


def switch_on() -> None:
    command("on", APP, "--with-held")("")


def judge_off(ending: Ending, obliged: frozenset[int]) -> list[str]:
    """Either `off` was chosen, and then nothing is left and nothing leaves any more, or nothing happened."""
    with open_config(os.environ, create=True) as config:
        chosen = consent.read_choice(config, APP)[0]
    if chosen != "off":
        return ending.verdict(obliged)
    wrong = list(ending.memory.wrong)
    if ending.left or ending.quarantined or ending.lost:
        wrong.append("something is left after off")
    if ending.memory.events:
        wrong.append("something was sent after off")
    return wrong


def judge_forget(ending: Ending, _: frozenset[int]) -> list[str]:
    """What was recorded may be erased, also from quarantine while its count still is there; all else holds."""
    return ending.verdict(frozenset(), may_be_dropped=1)


def judge_drop(ending: Ending, obliged: frozenset[int]) -> list[str]:
    """One event may be gone from quarantine; its count is not."""
    return ending.verdict(obliged, may_be_dropped=1)


OPERATIONS = [
    Operation("first use of an empty home", record_one),
    Operation("first use, durable against power loss", partial(record_one, durability="power-loss")),
    Operation("record", record_one, record_some),
    Operation("record in mode local", record_local, record_some, recover=switch_on),
    Operation("record into a full segment", record_into_full, fill),
    Operation("record into a full spool: evict", partial(record_into_full, max_bytes=4000), fill),
    Operation("record without the lock: overflow", record_without_lock, record_some),
    Operation("flush: seal, claim, send, delete", sending, record_some),
    Operation("flush: events refused one by one", sending, record_some, {"reject": [1, 3]}),
    Operation("flush: a poison event, bisect", sending, record_some, {"poison": [2]}),
    Operation("flush: too large, split", sending, record_some, {"most_lines": 2}),
    Operation("flush: refused as a whole", sending, record_some, {"status": 500}),
    Operation("flush: damage to quarantine", sending, record_damage),
    Operation("flush: count and deliver losses", sending, lose_some),
    Operation("flush: evict", sending_within, fill),
    Operation("flush: an event deferred", sending, record_some, {"defer": [1, 3]}),
    Operation("retry what was set aside", command("retry", APP), refuse_some),
    Operation("drop from quarantine", drop_one, refuse_some, judge=judge_drop),
    Operation("on", command("on", APP, "--with-held"), record_some_local, recover=switch_on),
    Operation("local", command("local", APP), record_some, recover=switch_on),
    Operation("off", command("off", APP), refuse_some, judge=judge_off),
    Operation("forget", command("forget", APP), refuse_some, judge=judge_forget),
]


def by_name(name: str) -> Operation:
    """The operation of this name: what a process of its own is told to do."""
    return next(operation for operation in OPERATIONS if operation.name == name)
