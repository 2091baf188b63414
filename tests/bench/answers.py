"""What answers cost as a store grows: python -m tests.bench.answers [--events N] [--copies N] [--many N] [--folder DIR]

Gives the same events (200 of each installation) to an SQLite and a chDB store, in groups of 10,000, and the first of them to
a chDB table without sums beside it; asks both every question over a year, 30 days, and 30 days of one version without CI;
forgets a person; copies the events inside chDB until there are `--copies` times as many people and events, and asks again;
then asks an SQLite store of few events from each of very many installations. Prints processor seconds, of this process and
all its threads, and the ratios that are promised; ends with 1 when two stores differ in an answer or a promise is broken.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from shipper.collector.answers.answer import ask, asked_of
from shipper.collector.answers.documents import as_json
from shipper.collector.answers.question import Question
from shipper.collector.answers.questions import questions_of
from shipper.collector.stores.addresses import open_store
from shipper.collector.stores.clickhouse.dialect import line
from shipper.collector.stores.clickhouse.embedded import Embedded
from shipper.collector.stores.clickhouse.schema import SENT
from shipper.collector.stores.clickhouse.store import ClickHouseStore
from shipper.collector.stores.store import Answers, Row, Store, Window, person_of
from tests.fixtures.event_world import NOW, PER_PERSON, world
from tests.fixtures.world_catalog import WORLD

TODAY = NOW // 86_400
WINDOWS = {
    "year": Window("wunderctl", TODAY - 364, TODAY),
    "30 days": Window("wunderctl", TODAY - 29, TODAY),
    "30 days, one version, no CI": Window("wunderctl", TODAY - 29, TODAY, ("0.150.0",), "without"),
}
GROUP = 10_000
#: Events that the table without sums gets: enough to see what an insert costs, with its merges.
WITHOUT_SUMS = 500_000
#: Events of each installation in the store of very many.
FEW = 4
#: The promises: what a figure may be at most, and the size at which that is promised.
PROMISED = {
    "chDB's page of a year / SQLite's": (2.0, 10_000_000),
    "30 days in chDB": (1.5, 10_000_000),
    "an insert with sums / without": (2.2, WITHOUT_SUMS),
    "a page of a year, copied": (6.0, 50_000_000),
    "a page of a year, very many installations": (2.1, 2_000_000),
}
BEFORE = """
CREATE TABLE IF NOT EXISTS without_sums (
    app String, name String, day Date, id UUID, time Int64, received UInt32, earliest UInt32, version String,
    person String, session String, ci UInt8, os String, arch String, cpus UInt32, runtime String, agent String,
    late String, keys Array(String), labels Array(String), kinds Array(UInt8), numbers Array(Int64)
) ENGINE = ReplacingMergeTree(earliest) PARTITION BY toYear(day) ORDER BY (app, name, day, id)
"""

Result = TypeVar("Result")


@dataclass
class Report:
    """Figures that were seen, and the promises among them that are broken."""

    broken: list[str] = field(default_factory=list)

    def promise(self, name: str, figure: float, size: int) -> None:
        """Print a figure beside what is promised of it at this size."""
        most, at = PROMISED[name]
        if size < at:
            print(f"{name}: {figure:.2f} (promised of {at:,} events: at most {most:g})", flush=True)
            return
        print(f"{name}: {figure:.2f}, promised at most {most:g}", flush=True)
        if figure > most:
            self.broken.append(name)


def groups(events: int, per_person: int = PER_PERSON) -> Iterator[tuple[list[list[Row]], int]]:
    """The world in groups of a hundred requests, each with the second in which its last event arrives."""
    everything = world(events, per_person=per_person)
    while some := list(islice(everything, GROUP)):
        rows = [row for row, _ in some]
        yield [rows[start : start + 100] for start in range(0, len(rows), 100)], some[-1][1]


def spent(work: Callable[[], Result]) -> tuple[float, Result]:
    """Processor seconds that some work took in all threads, and what it returned."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def pages(stores: dict[str, Answers]) -> dict[tuple[str, str], float]:
    """Ask every store for every page, print what each cost, and return it by window and store. Exits when two differ."""
    cost = {}
    for title, window in WINDOWS.items():
        said = set()
        for name, store in stores.items():
            slowest = max(spent(partial(alone, question, store, window))[0] for question in questions_of(WORLD))
            cost[title, name], page = spent(partial(ask, store, window, TODAY, WORLD))
            said.add(json.dumps(as_json(page)))
            print(f"{title}, {name}: slowest answer {slowest:.2f} s, page {cost[title, name]:.2f} s", flush=True)
        if len(said) > 1:
            sys.exit(f"{title}: the stores differ")
    return cost


def alone(question: Question, store: Answers, window: Window) -> object:
    """One answer, of a view that has said nothing before."""
    return question.rows(asked_of(store, window, TODAY, WORLD))


def fill(stores: dict[str, Store], engine: Embedded, events: int, report: Report) -> None:
    """Give everything to every store and print what an insert cost."""
    engine.do(BEFORE)
    seconds, count, beside, compared = dict.fromkeys(stores, 0.0), 0, 0.0, 0.0
    for requests, at in groups(events):
        for name, store in stores.items():
            took, _ = spent(partial(store.add, requests, at))
            seconds[name] += took
            if name == "chDB" and count < WITHOUT_SUMS:
                compared += took
        if count < WITHOUT_SUMS:
            beside += spent(partial(insert_without_sums, engine, requests, at))[0]
        count += GROUP
    for name, took in seconds.items():
        print(f"{name}: {took / events * 1e6:.1f} us an event, in groups of {GROUP:,}", flush=True)
    print(f"chDB, a table without sums: {beside / min(events, WITHOUT_SUMS) * 1e6:.1f} us an event", flush=True)
    report.promise("an insert with sums / without", compared / beside, events)
    engine.do("DROP TABLE without_sums")


def insert_without_sums(engine: Embedded, requests: Sequence[Sequence[Row]], at: int) -> None:
    """What adding a group cost before there were sums."""
    engine.query(f"SELECT person FROM forgotten WHERE person IN ('{person_of('1')}')")
    lines = "".join(line(row, at // 60) for rows in requests for row in rows)
    engine.do(f"INSERT INTO without_sums ({', '.join(SENT)}) FORMAT TabSeparated", lines)


def copy(engine: Embedded, copies: int) -> None:
    """Give every event and every person as many copies of other ids; a month at a time, since a copy is sorted in memory."""
    same = ", ".join(column for column in SENT if column not in ("id", "person"))
    months = [month for (month,) in engine.query("SELECT DISTINCT toYYYYMM(day) FROM events")]
    for number in range(1, copies):
        for month in months:
            engine.do(
                f"INSERT INTO events (id, person, {same})"
                f" SELECT toUUID(concat(substring(toString(id), 1, 19), '{8000 + number}', substring(toString(id), 24))),"
                f" if(person = '', '', lower(hex(MD5(concat(person, '{number}'))))), {same} FROM events"
                f" WHERE toYYYYMM(day) = {month} AND substring(toString(id), 20, 4) = '8000'"
            )


def grow(folder: Path, args: argparse.Namespace, report: Report) -> None:
    """SQLite and chDB with the same events, then chDB with many times as many."""
    engine = Embedded(str(folder / "chdb"))
    with closing(ClickHouseStore(engine)) as chdb:
        with closing(open_store(f"sqlite:{folder / 'sqlite'}")) as sqlite:
            fill({"SQLite": sqlite, "chDB": chdb}, engine, args.events, report)
            took, days = spent(chdb.refresh)
            print(f"refresh of {days} days: {took:.2f} s, {took / args.events * 1e6:.2f} us an event", flush=True)
            cost = pages({"SQLite": sqlite, "chDB": chdb})
            ratio = cost["year", "chDB"] / cost["year", "SQLite"]
            report.promise("chDB's page of a year / SQLite's", ratio, args.events)
            report.promise("30 days in chDB", cost["30 days", "chDB"], args.events)
            for name, store in {"SQLite": sqlite, "chDB": chdb}.items():
                took, events = spent(partial(store.forget, person_of("1")))
                print(f"{name}: a person's {events} events forgotten in {took:.2f} s", flush=True)
            pages({"SQLite, after": sqlite, "chDB, after": chdb})
        print(f"chDB: {sizes(engine)}; SQLite: {disk(folder / 'sqlite') / args.events:.0f} bytes an event", flush=True)
        shutil.rmtree(folder / "sqlite")
        if args.copies > 1:
            events = args.events * args.copies
            took, _ = spent(partial(copy, engine, args.copies))
            took2, _ = spent(chdb.refresh)
            print(f"{events:,} events: copied in {took:.0f} s, refreshed in {took2:.1f} s", flush=True)
            cost = pages({"chDB, copied": chdb})
            report.promise("a page of a year, copied", cost["year", "chDB, copied"], events)
            print(f"chDB: {sizes(engine)}", flush=True)


def sizes(engine: Embedded) -> str:
    """Bytes an event on disk, of the events and of all sums together."""
    ((events,),) = engine.query("SELECT count() FROM events")
    statement = (
        "SELECT table = 'events', sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'shipper' GROUP BY 1"
    )
    held = {is_events: int(size) for is_events, size in engine.query(statement)}
    return f"{int(held['1']) / int(events):.0f} bytes an event, and {int(held['0']) / int(events):.1f} of sums"


def disk(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def many(folder: Path, events: int, report: Report) -> None:
    """SQLite with few events of each of very many installations."""
    with closing(open_store(f"sqlite:{folder / 'many'}")) as sqlite:
        took = sum(spent(partial(sqlite.add, requests, at))[0] for requests, at in groups(events, FEW))
        print(f"SQLite, {events // FEW:,} installations: {took / events * 1e6:.1f} us an event", flush=True)
        cost = pages({"SQLite, very many": sqlite})
        report.promise("a page of a year, very many installations", cost["year", "SQLite, very many"], events)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--events", type=int, default=1_000_000, help="events in both stores; the promise is of 10,000,000"
    )
    parser.add_argument(
        "--copies", type=int, default=5, help="how many times as many in chDB after that; 1 for no more"
    )
    parser.add_argument("--many", type=int, default=200_000, help="events of very many installations; 0 for none")
    parser.add_argument("--folder", type=Path, help="where the stores are made; they are deleted at the end")
    args = parser.parse_args(arguments)
    report = Report()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        if args.many:
            many(Path(folder), args.many, report)
        if args.events:
            grow(Path(folder), args, report)
    for name in report.broken:
        print(f"broken: {name}", flush=True)
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
