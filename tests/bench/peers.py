"""What recording one event costs and whether the event survives, with shipper and with its peers, in the same run.

    python -m tests.bench.peers [--rounds N] [--only CLIENT ...]

Each client is installed from PyPI into a folder of its own (shipper from this tree) and used in a one-shot program as its
own documentation says, with its own defaults, its flush at the end included. Everything is byte-compiled. In turns with a
bare `python -c pass`, each records one event for a receiver that answers, for a closed port, and for one that accepts and
never answers. Wall time of the process; what it leaves running in the background is ended before the next one begins.

Survival: the program runs once with the closed port (or a captive portal that answers 200 with its page), and whatever it
started comes to its end; then once more with a receiver that answers. Did the first run's event arrive? Where a client has
a command that sends what waits, it is given after each of the two. All traffic is loopback's; where the machine allows it,
in a network namespace that has nothing else.
"""

import argparse
import importlib.metadata
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.peer_programs import CLIENTS, FIRST, SECOND, Client
from tests.bench.peer_receiver import closed_port, receiving
from tests.fixtures.waiting import until

ROOT = Path(__file__).parents[2]
CAP = 10.0
"""Seconds after which a measured process is ended; a person would have ended it long before."""
PATIENCE = 60.0
"""Seconds that a client has, with all that it started, where the question is not how long it takes."""
BARE = Client("bare", (), "pass")
RECEIVERS = ("up", "refused", "black hole")


def living(home: Path) -> list[int]:
    """Find the processes whose home is this one or lies below."""
    mark, found = b"HOME=%s/" % bytes(home), []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):  # it ended while we looked
            environ = Path(f"/proc/{name}/environ").read_bytes().split(b"\0")
            if any((entry + b"/").startswith(mark) for entry in environ):
                found.append(int(name))
    return found


def end(home: Path) -> None:
    """End what a client left running, and what that starts meanwhile, until all are gone."""

    def gone() -> bool:
        left = living(home)
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return not left

    until(gone, PATIENCE, f"the processes of {home} are gone")


@dataclass(frozen=True)
class Ended:
    """A measured process: wall and processor seconds, and whether it ended well."""

    seconds: float
    cpu: float
    well: bool


class Stage:
    """The folder with the clients' libraries and homes, and the interpreter that runs them."""

    def __init__(self, folder: Path, python: str, library: Path | None = None) -> None:
        self.folder, self.python, self.library = folder, python, library

    def library_of(self, client: Client) -> Path:
        """Where this client and what it needs are installed."""
        return self.library or self.folder / "libraries" / "-".join(client.packages or ("none",))

    def install(self, client: Client) -> None:
        """Install and compile a client. Raises CalledProcessError."""
        library = self.library_of(client)
        if library.is_dir():
            return
        library.mkdir(parents=True)
        pip = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        if client.packages:
            packages = [str(ROOT) if name == "event-shipper" else name for name in client.packages]
            subprocess.run([*pip, "--target", str(library), *packages], check=True, capture_output=True, text=True)
        for name, text in client.files.items():
            (library / name).write_text(text)
        if client.constant:
            name, was, becomes = client.constant
            (library / name).write_text((library / name).read_text().replace(was, becomes))
        compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        subprocess.run([self.python, "-m", "compileall", "-q", str(library)], env=compiled, stdout=subprocess.DEVNULL)

    def versions(self, client: Client) -> str:
        """Say what is measured."""
        found = importlib.metadata.distributions(path=[str(self.library_of(client))])
        return ", ".join(f"{each.name} {each.version}" for each in found if each.name in client.packages)

    def home(self, client: Client, name: str) -> Path:
        """Make a home where this client was never used."""
        home = self.folder / "homes" / f"{client.name}-{name}"
        home.mkdir(parents=True, mode=0o700)
        if client.agree:
            self.run(client, home, 0, "", client.agree)
        return home

    def run(
        self, client: Client, home: Path, port: int, word: str, command: Sequence[str] = (), cap: float = PATIENCE
    ) -> Ended:
        """Run one process to its end, or to the cap: a client's program, or one of its commands."""
        environ = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(home), "WORD": word}
        environ |= {"PYTHONPATH": str(self.library_of(client)), "URL": f"http://127.0.0.1:{port}"}
        client.before(home)
        command = [self.python, *(command or ("-c", client.program))]
        null = subprocess.DEVNULL
        begun = time.perf_counter()
        child = subprocess.Popen(command, env=environ, cwd=home, stdin=null, stdout=null, stderr=null)
        watchdog = threading.Timer(cap, os.kill, (child.pid, signal.SIGKILL))
        watchdog.start()
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begun
        watchdog.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        return Ended(seconds, used.ru_utime + used.ru_stime, child.returncode == 0)

    def use(self, client: Client, home: Path, port: int, word: str) -> None:
        """Record an event, have it sent, and let what runs in the background come to its end."""
        for command in ((), client.send) if client.send else ((),):
            self.run(client, home, port, word, command)
            with suppress(AssertionError):
                until(lambda: not living(home), PATIENCE)
            end(home)

    def arrives(self, client: Client) -> bool:
        """Whether the program works at all: with a receiver that answers, its event arrives."""
        with receiving() as receiver:
            self.use(client, self.home(client, "well"), receiver.server_port, FIRST)
            return receiver.has(FIRST)

    def survives(self, client: Client, portal: bool) -> bool:
        """Whether the event of a run without a receiver (or behind a portal) arrives with the next run."""
        home, port = self.home(client, "portal" if portal else "closed"), closed_port()
        with ExitStack() as stack:
            if portal:
                receiver = stack.enter_context(receiving(port, portal=True))
            self.use(client, home, port, FIRST)
            if not portal:
                receiver = stack.enter_context(receiving(port))
            receiver.portal = False
            self.use(client, home, port, SECOND)
            return receiver.has(FIRST)


Times = dict[tuple[str, str], list[Ended]]


def measure(stage: Stage, clients: list[Client], rounds: int) -> Times:
    """Run all clients in turns, whoever began last round last in this. The first round warms and does not count."""
    with receiving() as receiver, socket.create_server(("127.0.0.1", 0), backlog=1024) as silent:
        ports = dict(zip(RECEIVERS, (receiver.server_port, closed_port(), int(silent.getsockname()[1])), strict=True))
        homes = {(client.name, at): stage.home(client, at.replace(" ", "-")) for client in clients for at in ports}
        found: Times = {pair: [] for pair in homes}
        for number in range(rounds + 1):
            turn = number % len(clients)
            for at, port in ports.items():
                for client in clients[turn:] + clients[:turn]:
                    ended = found[client.name, at]
                    if sum(each.seconds >= CAP for each in ended) < 2:  # twice is enough to know
                        ended.append(stage.run(client, homes[client.name, at], port, SECOND, cap=CAP))
                        end(homes[client.name, at])
    return found


def over(values: list[float], bare: list[float]) -> str:
    """Milliseconds over bare Python and the ratio to it, medians of the pairs."""
    more = statistics.median(one - other for one, other in zip(values, bare, strict=True)) * 1000
    ratio = statistics.median(one / other for one, other in zip(values, bare, strict=True))
    return f"{more:+,.{0 if more >= 20 else 1}f} ({ratio:.{0 if ratio >= 10 else 1}f} x)"


def cells(times: Times, name: str) -> list[str]:
    """What a client costs: processor time while the receiver is up, then wall time at each receiver."""
    up, bare = times[name, "up"][1:], times[BARE.name, "up"][1:]
    said = [over([each.cpu for each in up], [each.cpu for each in bare])]
    for at in RECEIVERS:
        found, bare = times[name, at], times[BARE.name, at][1:]
        if statistics.median(each.seconds for each in found) >= CAP:
            said.append("cap")
            continue
        bare = bare[: len(found) - 1]
        said.append(over([each.seconds for each in found[1:]], [each.seconds for each in bare]))
        said[-1] += "" if found[-1].well else " !"
    return said


def fate(stage: Stage, client: Client, portal: bool) -> str:
    """Say what became of the event that was recorded without a receiver."""
    if client.local:
        return "kept, not sent"
    return "arrives" if stage.survives(client, portal) else "**lost**"


def compare(stage: Stage, rounds: int, only: list[str]) -> None:
    """Measure what is installed, and print the table."""
    clients = [client for client in CLIENTS if not only or client.name in only]
    clients = [client for client in clients if stage.library_of(client).is_dir()]
    for client in clients[:]:
        if not client.local and not stage.arrives(client):
            print(f"{client.name}: left out: its event does not arrive at a receiver that answers")
            clients.remove(client)
    survived = {client.name: [fate(stage, client, portal) for portal in (False, True)] for client in clients}
    times = measure(stage, [BARE, *clients], rounds)
    bare = times[BARE.name, "up"][1:]
    wall, cpu = (statistics.median(values) * 1000 for values in ([x.seconds for x in bare], [x.cpu for x in bare]))
    print(f"bare Python: {wall:.1f} ms, {cpu:.1f} ms of processor time; {rounds} rounds")
    print(f"cap: ended after {CAP:.0f} s; !: exit code not 0\n")
    print("| ms over bare Python | processor, up | up | refused | black hole | refused, then up | portal, then up |")
    print("|---|---|---|---|---|---|---|")
    for client in clients:
        print("|", " | ".join([client.name, *cells(times, client.name), *survived[client.name]]), "|")
    print("\n" + "; ".join(filter(None, dict.fromkeys(stage.versions(client) for client in clients))))


def fenced() -> list[str]:
    """The beginning of a command that has no network but loopback; nothing where the machine forbids that."""
    for option in ("-n", "-rn"):
        command = ["unshare", option, "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        with suppress(OSError):
            if not subprocess.run([*command, "true"], capture_output=True).returncode:
                return command
    print("no network namespace here: loopback is all that the clients are told of, but not all that there is")
    return []


def main() -> int:
    """Install, then measure in a process of its own that sees loopback only."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="*", default=[], help="only these clients")
    parser.add_argument("--installed", type=Path, help="measure what an earlier run installed in this folder")
    args = parser.parse_args()
    if args.installed:
        stage = Stage(args.installed, str(args.installed / "python" / "bin" / "python"))
        shutil.rmtree(args.installed / "homes", ignore_errors=True)
        try:
            compare(stage, args.rounds, args.only)
        finally:
            end(args.installed)
        return 0
    with tempfile.TemporaryDirectory(prefix="peers-", ignore_cleanup_errors=True) as folder:
        stage = Stage(Path(folder), f"{folder}/python/bin/python")
        subprocess.run([sys.executable, "-m", "venv", f"{folder}/python"], check=True)
        for client in [BARE, *(each for each in CLIENTS if not args.only or each.name in args.only)]:
            try:
                stage.install(client)
            except subprocess.CalledProcessError as error:
                print(f"{client.name}: left out: {(error.stderr.strip() or 'pip failed').splitlines()[-1]}")
                shutil.rmtree(stage.library_of(client))
        again = [sys.executable, "-m", "tests.bench.peers", "--installed", folder, "--rounds", str(args.rounds)]
        sys.stdout.flush()
        return subprocess.run([*fenced(), *again, "--only", *args.only], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
