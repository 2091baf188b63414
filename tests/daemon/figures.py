"""The daemon's figures: `python -m tests.daemon.figures [memory] [wakeups] [processes] [cpu] [spawn]`, all by default.

They take minutes, so no test runs them; what each of them bounds is held by a test on a smaller scale.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.fixtures.daemon_process import (
    APP,
    children,
    choose,
    daemon,
    end,
    finished,
    flushers,
    record,
    resident,
    set_due,
    spool,
)
from tests.fixtures.faults import Faults
from tests.fixtures.waiting import until


def memory(home: Path) -> None:
    """Resident memory idle, and after 100 passes."""
    with Faults() as receiver, daemon() as running:
        print(f"resident idle: {resident(running.pid) / 2**20:.1f} MiB")
        for number in range(100):  # an app each, as one spool rests between two passes
            record(receiver.endpoint, app=f"a{number}", interval=1)
        until(lambda: len(receiver.events) == 100, 600, "100 passes")
        until(lambda: children(running.pid) == [], 60)
        print(f"resident after 100 passes for 100 apps: {resident(running.pid) / 2**20:.1f} MiB")
    print(home)


def wakeups(home: Path) -> None:
    """System calls in 60 idle seconds with nothing due, after a pass at the usual interval, by strace."""
    with Faults() as receiver, daemon() as running:
        record(receiver.endpoint)
        set_due(int(time.time()) - 1)
        record(receiver.endpoint)  # finds it due, and rings
        until(lambda: len(receiver.events) == 2 and children(running.pid) == [], 120)
        log = home / "calls"
        with subprocess.Popen(["strace", "-f", "-qq", "-o", str(log), "-p", str(running.pid)]) as tracer:
            threading.Event().wait(60)
            tracer.terminate()
        print("system calls in 60 idle seconds:", log.read_text().strip() or "none")


def processes(home: Path) -> None:
    """2,000 invocations in a loop, a pass due at the start and again every minute, the receiver hanging."""
    with Faults("hang") as receiver:
        record(receiver.endpoint)
        set_due(int(time.time()) - 1)
        loop = 'for i in $(seq 2000); do "$0" -c "$1" demo "$2" 900 1 >/dev/null; done'
        environ = {**os.environ, "SHIPPER_SPAWN": "1"}
        most, begun = 0, time.monotonic()
        with subprocess.Popen(["bash", "-c", loop, sys.executable, APP, receiver.endpoint], env=environ) as running:
            while running.poll() is None:
                most = max(most, len(flushers(home)))
                threading.Event().wait(0.2)
        print(
            f"2,000 invocations in {time.monotonic() - begun:.0f} s: "
            f"at most {most} flusher at a time, {len(flushers(home))} left"
        )
        until(lambda: finished(home), 120)
    print(f"lines kept: {sum(len(path.read_text().splitlines()) for path in spool(home).rglob('*.ndjson'))}")


def cpu(home: Path) -> None:
    """CPU per invocation, 1,000 of them at the default interval, with spawning and without."""

    def spent(spawn: str) -> float:
        environ = {**os.environ, "SHIPPER_SPAWN": spawn}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        for _ in range(1000):
            subprocess.run(
                [sys.executable, "-c", APP, "demo", receiver.endpoint, "900", "1"],
                env=environ, check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    with Faults() as receiver:
        record(receiver.endpoint)
        set_due(int(time.time()) + 900)
        recording = spent("0")
        set_due(int(time.time()) - 1)
        # A pass is nobody's child, so its own processor time is measured beside: every pass of these invocations.
        with_spawning = spent("1")
        until(lambda: finished(home), 120)
        passes = len({request.key.partition(".")[0] for request in receiver.requests})
        print(f"CPU per invocation: recording {recording:.2f} ms, with spawning {with_spawning:.2f} ms")
        set_due(int(time.time()) - 1)
        record(receiver.endpoint)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "shipper", "flush", "--implicit", "demo"]
        subprocess.run(command, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        one = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000
        print(f"a pass: {one:.0f} ms of CPU; {passes} batches in these 1,000 invocations")
        print(
            f"above recording, passes included: {with_spawning - recording + one * passes / 1000:.2f} ms per invocation"
        )
    print(home)


def spawn(home: Path) -> None:
    """What starting a flusher adds to a CLI: start_pass() in a fresh process each time, its imports included."""
    code = (
        "import os, time\nimport shipper\nbegun, cpu = time.perf_counter(), time.process_time()\n"
        "from shipper.wakeup.spawn import start_pass\nstart_pass(os.environ, 'demo', 'DEMO_TELEMETRY')\n"
        "print((time.perf_counter() - begun) * 1000, (time.process_time() - cpu) * 1000)"
    )
    record("http://127.0.0.1:1")
    walls, cpus = [], []
    for _ in range(40):
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "SHIPPER_SPAWN": "1"}, check=True, capture_output=True
        )
        wall, used = map(float, done.stdout.split())
        walls.append(wall)
        cpus.append(used)
        end(home)
    print(f"start_pass: median {statistics.median(walls):.2f} ms, least {min(walls):.2f} ms of 40")
    print(f"start_pass: median {statistics.median(cpus):.2f} ms of CPU; load {os.getloadavg()[0]:.0f}")


FIGURES: dict[str, Callable[[Path], None]] = {
    "memory": memory,
    "wakeups": wakeups,
    "spawn": spawn,
    "cpu": cpu,
    "processes": processes,
}

if __name__ == "__main__":
    for name in sys.argv[1:] or FIGURES:
        with tempfile.TemporaryDirectory() as folder:
            for variable in ("CI", "DO_NOT_TRACK", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
                os.environ.pop(variable, None)
            os.environ |= {"SHIPPER_HOME": f"{folder}/home", "SHIPPER_SPAWN": "0"}
            choose("on")
            print(f"-- {name}", flush=True)
            FIGURES[name](Path(folder, "home"))
