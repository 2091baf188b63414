"""What a flush costs: `python -m tests.bench.flush`. Real processes, real sockets, the project's own receiver.

Prints the memory and time of a flush of 100,000 events, the bytes on the wire per 1,000 events, gzip's levels, what four
sends at a time are worth where the round trip is long, the memory that a gzip bomb takes, and how long a flush takes
against receivers that refuse, swallow, drip and hang.
"""

import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shipper import files
from shipper.choices.saving import save_choice
from shipper.delivery.policy import PARALLEL
from shipper.recording.folder import open_app, open_config, open_state
from shipper.recording.line import format_time, new_id, seal_line, surroundings
from shipper.spool import Spool
from tests.fixtures import faults
from tests.fixtures.faults import Faults
from tests.fixtures.spools import line, milliseconds

NOW = 1_795_428_000.0
FLUSH = textwrap.dedent(
    """
    import os, resource, sys, time
    from shipper.flusher import run_pass
    begun = time.monotonic()
    result = run_pass("demo", environ=os.environ, by_hand=True)
    took, cpu = time.monotonic() - begun, time.process_time()
    print(f"{took:.2f} s, {cpu:.2f} s of CPU, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB, "
          f"{result.delivered} delivered, {result.left} left. {result.why}")
    """
)


@contextmanager
def home() -> Iterator[None]:
    """A home of this measurement's own."""
    with tempfile.TemporaryDirectory() as folder:
        before = dict(os.environ)
        for name in [name for name in os.environ if name.upper().endswith("_PROXY")]:
            del os.environ[name]
        os.environ["SHIPPER_HOME"] = folder
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def fill(endpoint: str, events: int) -> None:
    """Put so many events into the spool of `demo`, sealed as writers seal them."""
    with open_config(os.environ, create=True) as config:
        save_choice(config, "demo", "on", "bench", int(NOW * 1000))
    manifest = f'{{"shipper":1,"version":"1.0","app":"demo","endpoint":"{endpoint}"}}'
    with open_state(os.environ, create=True) as state, open_app(state, "demo", create=True) as folder:
        files.write(folder, "app.json", manifest.encode())
        spool = Spool(folder, os.environ)
        for start in range(0, events, 640):
            with open(os.path.join(folder.path, "active.ndjson"), "wb") as file:
                file.writelines(line(number) for number in range(start, min(start + 640, events)))
            os.chmod(os.path.join(folder.path, "active.ndjson"), 0o600)
            spool.seal(NOW)


def flush(what: str) -> None:
    """Flush in a process of its own and print what it says."""
    ended = subprocess.run([sys.executable, "-c", FLUSH], capture_output=True, text=True, check=False)
    print(f"{what:42} {ended.stdout.strip() or ended.stderr.strip()[-300:]}", flush=True)


@contextmanager
def collector() -> Iterator[str]:
    """The project's own receiver, as a process."""
    with tempfile.TemporaryDirectory() as data:
        arguments = [sys.executable, "-m", "shipper", "collect", "--listen", "127.0.0.1:0", "--data", data]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert process.stdout is not None
        try:
            yield next(word for text in process.stdout for word in text.split() if word.startswith("http://"))
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()


def slow(seconds: float) -> faults.Fault:
    """A truthful receiver at the end of a long way."""

    def fault(receiver: Faults, connection: socket.socket, request: faults.Received) -> None:
        receiver.over.wait(seconds)
        faults.acknowledge(receiver, connection, request)

    return fault


def backlog() -> None:
    """100,000 events to the project's own receiver."""
    for events in (1_000, 100_000):
        with home(), collector() as endpoint:
            fill(endpoint, events)
            flush(f"{events:,} events to shipper collect")


def realistic(number: int) -> bytes:
    """What an instrumented CLI records: the ids, the session and the checksum are random, the rest repeats."""
    now = milliseconds(NOW + 60 * number)
    outcome = "ok" if number % 9 else "error"
    return seal_line(
        f'{{"v":1,"id":"{new_id(now, os.urandom(10))}","time":"{format_time(now)}","app":"wunderctl",'
        f'"version":"0.150.0","name":"command","user":"0123456789abcdef0123456789abcdef",'
        f'"session":"{os.urandom(8).hex()}","ci":false,{surroundings()},"fields":{{"command":'
        f'"{("init", "up", "generate")[number % 3]}","duration_ms":{number * 37 % 5000},"outcome":"{outcome}"}}'
    )


def compression() -> None:
    """gzip's levels on a real segment."""
    body = b"".join(realistic(number) for number in range(1000))
    for level in (1, 3, 5, 6, 9):
        begun = time.perf_counter()
        for _ in range(20):
            packer = zlib.compressobj(level, zlib.DEFLATED, 31)
            size = len(packer.compress(body) + packer.flush())
        took = (time.perf_counter() - begun) / 20 * 1000
        print(f"gzip level {level}: {len(body):,} -> {size:,} bytes per 1,000 events, {took:.1f} ms")


def parallel() -> None:
    """What four sends at a time are worth."""
    for seconds in (0.0, 0.02, 0.05, 0.2):
        for at_once in (1, PARALLEL):
            faults.FAULTS["slow"] = slow(seconds)
            with home(), Faults("slow") as receiver:
                fill(receiver.endpoint, 20_000)
                numbers = f"plan.PARALLEL, plan.PARALLEL_ROUND_TRIP = {at_once}, 0.0"
                code = FLUSH.replace("begun =", f"from shipper.delivery import plan\n{numbers}\nbegun =", 1)
                ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
                print(f"round trip {seconds * 1000:.0f} ms, {at_once} at a time: {ended.stdout.strip()}", flush=True)


def misery() -> None:
    """Receivers that refuse, swallow, drip, hang and bomb."""
    with Faults() as gone:
        refused = gone.endpoint
    for what, endpoint in (("refused", refused), ("a name that does not exist", "https://shipper.invalid")):
        with home():
            fill(endpoint, 1000)
            flush(what)
    for fault in ("page", "hang", "drip", "endless", "bomb"):
        with home(), Faults(fault) as receiver:
            fill(receiver.endpoint, 1000)
            flush(fault)


def main() -> None:
    """Print all of it, or what is named."""
    every: dict[str, Callable[[], None]] = {
        "backlog": backlog,
        "compression": compression,
        "parallel": parallel,
        "misery": misery,
    }
    for name in sys.argv[1:] or every:
        every[name]()


if __name__ == "__main__":
    main()
