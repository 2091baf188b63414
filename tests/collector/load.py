"""How much one receiver takes: python -m tests.collector.load [--store URL] [--senders N] [--batches N] [--lines N]

Starts a real receiver, lets senders post gzip batches that were made beforehand, each waiting for its acknowledgement
before the next, and prints what was acknowledged a second. Every event is new, and the count is checked at the end.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.fixtures.receiver_process import running
from tests.fixtures.wire_events import HEADERS, NOON, line, packed

DAY = "2026-11-23"
COMMANDS = ("init", "up", "generate", "down", "publish", "test")


def batches(sender: int, count: int, lines: int) -> list[bytes]:
    """Batches as installations send them: each of one person, an hour's worth of events."""
    first = sender * 10_000_000
    return [
        packed(*(event(first + batch * lines + number, f"person-{sender}-{batch}") for number in range(lines)))
        for batch in range(count)
    ]


def event(number: int, user: str) -> bytes:
    """One event; six commands, durations from milliseconds to minutes."""
    took = 7919 * number % 100_003
    fields = (
        f'"command":"{COMMANDS[number % 6]}","duration_ms":{took},"outcome":"{"error" if number % 13 == 0 else "ok"}"'
    )
    return line(number, fields=fields, user=user, time=NOON + number % 3_600_000)


def send(url: str, sender: int, count: int, lines: int, ready: "multiprocessing.synchronize.Barrier") -> None:
    """Post the batches one after the other; die when one is not accepted whole."""
    bodies = batches(sender, count, lines)
    place = urlsplit(url)
    connection = HTTPConnection(place.hostname or "", place.port)
    ready.wait()
    for number, body in enumerate(bodies):
        connection.request("POST", "/v1/events", body, HEADERS | {"Idempotency-Key": f"{sender}-{number}"})
        reply = json.loads(connection.getresponse().read())
        assert reply.get("accepted") == lines, reply
    connection.close()
    ready.wait()


def worked(process: int) -> float:
    """Seconds of processor time that a process has used."""
    times = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", default="")
    parser.add_argument("--senders", type=int, default=8)
    parser.add_argument("--batches", type=int, default=150)
    parser.add_argument("--lines", type=int, default=100)
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        store = ["--store", args.store.replace("DIR", folder)] if args.store else []
        with running(Path(folder) / "data", *store) as receiver:
            ready = multiprocessing.Barrier(args.senders + 1)
            given = (args.batches, args.lines, ready)
            senders = [
                multiprocessing.Process(target=send, args=(receiver.url, number, *given))
                for number in range(args.senders)
            ]
            for sender in senders:
                sender.start()
            ready.wait()
            started, before = time.perf_counter(), worked(receiver.process.pid)
            ready.wait()
            took, cpu = time.perf_counter() - started, worked(receiver.process.pid) - before
            for sender in senders:
                sender.join()
            events = args.senders * args.batches * args.lines
            said = receiver.client.get("/answers.json", params={"since": DAY, "until": DAY}, timeout=300).json()
            assert said["figures"]["Commands run"] == events, said["figures"]
            commits = [
                row for row in receiver.client.get("/metrics").text.splitlines() if row.startswith("shipper_commit")
            ]
            size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    requests = args.senders * args.batches
    print(
        f"{requests} requests, {events} events in {took:.1f} s: "
        f"{requests / took:.0f} requests/s, {events / took:.0f} events/s"
    )
    print(f"the receiver worked {cpu:.1f} s of processor time: {events / cpu:.0f} events a processor second")
    if not store:  # another one's files lie elsewhere
        print(f"{size / events:.0f} bytes per event on disk")
    print(", ".join(commits))


if __name__ == "__main__":
    main()
