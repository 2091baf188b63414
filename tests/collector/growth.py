"""What stores take and how fast they answer: python -m tests.collector.growth [--events N] [STORE ...]

Gives the same generated events to every store, in groups of 10,000, each committed before the next; then asks every
question over the whole year, the last 30 days, and the last 30 days of one version without CI. Prints the figures (of
an answer: seconds, and in brackets this process's processor seconds), and ends with 1 when two stores differ in any
answer. Without a STORE it makes an sqlite: and a chdb: of its own, and a
ClickHouse server where one is installed.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from shipper.collector.answers.answer import ask, asked_of
from shipper.collector.answers.documents import as_json
from shipper.collector.answers.question import Question, Rows
from shipper.collector.answers.questions import questions_of
from shipper.collector.stores.addresses import open_store
from shipper.collector.stores.store import Row, Store, Window
from tests.fixtures.clickhouse_servers import ClickHouse, missing
from tests.fixtures.event_world import NOW, world
from tests.fixtures.world_catalog import WORLD

TODAY = NOW // 86_400
WINDOWS = {
    "year": Window("wunderctl", TODAY - 364, TODAY),
    "month": Window("wunderctl", TODAY - 29, TODAY),
    "filtered": Window("wunderctl", TODAY - 29, TODAY, ("0.150.0",), "without"),
}
GROUP = 10_000

Result = TypeVar("Result")


def groups(events: int) -> Iterator[tuple[list[list[Row]], int]]:
    """The world in groups of a hundred requests, each with the second in which its last event arrives."""
    everything = world(events)
    while some := list(islice(everything, GROUP)):
        rows = [row for row, _ in some]
        yield [rows[start : start + 100] for start in range(0, len(rows), 100)], some[-1][1]


def fill(stores: dict[str, Store], events: int) -> None:
    """Give everything to every store and print how fast each took it."""
    spent = dict.fromkeys(stores, 0.0)
    for requests, at in groups(events):
        for name, store in stores.items():
            spent[name] += timed(partial(store.add, requests, at))[0]
    for name, seconds in spent.items():
        print(f"{name}: {events / seconds:,.0f} events/s, each group of {GROUP:,} committed", flush=True)


def alone(question: Question, store: Store, window: Window) -> Rows:
    """One answer, of a view that has said nothing before."""
    return question.rows(asked_of(store, window, TODAY, WORLD))


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds that some work took, and what it returned."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def took(work: Callable[[], object]) -> str:
    """How long some work took, on the clock and of the processor."""
    worked = time.process_time()
    seconds, _ = timed(work)
    return f"{seconds:.2f} ({time.process_time() - worked:.2f})"


def answer(stores: dict[str, Store]) -> bool:
    """Ask every store everything, print how long each answer took, and say whether all agree."""
    agree, questions = True, questions_of(WORLD)
    for title, window in WINDOWS.items():
        said = {}
        for name, store in stores.items():
            each = [f"{question.key} {took(partial(alone, question, store, window))}" for question in questions]
            whole, report = timed(partial(ask, store, window, TODAY, WORLD))
            said[name] = json.dumps(as_json(report))
            print(f"{title}, {name}: {', '.join(each)}; the whole page {whole:.2f} s", flush=True)
        agree = agree and len(set(said.values())) == 1
        print(
            f"{title}: {len(next(iter(said.values()))):,} characters of answers, {len(set(said.values()))} different",
            flush=True,
        )
    return agree


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("stores", nargs="*")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        addresses = args.stores or [f"sqlite:{folder}/sqlite", f"chdb:{folder}/chdb"]
        if not args.stores and not missing():
            server = ClickHouse(Path(folder) / "clickhouse")
            stack.callback(server.kill)
            server.up()
            addresses.append(f"clickhouse://127.0.0.1:{server.http}/telemetry")
        stores = {address.partition(":")[0]: stack.enter_context(closing(open_store(address))) for address in addresses}
        fill(stores, args.events)
        for path in sorted(Path(folder).iterdir()):
            size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            print(f"{path.name}: {size / args.events:.0f} bytes an event on disk")
        return 0 if answer(stores) else 1


if __name__ == "__main__":
    sys.exit(main())
