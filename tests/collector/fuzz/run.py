"""The receiver, the strangers, the honest sender, and what must hold."""

import random
import re
import socket
import statistics
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.collector.fuzz.requests import CUT, DEAF, PIECES, visit
from tests.fixtures.receiver_process import Running, running
from tests.fixtures.wire_events import NOON, line

MIB = 1024 * 1024
#: What a receiver may have in memory at most.
MOST = 160 * MIB
STRANGERS = 6
#: Lines of an honest batch, and installations that send them.
LINES, INSTALLATIONS = 20, 50
#: Seconds that a stranger waits for a reply, which may never come to half a request.
PATIENCE = 1.0
#: The same once some of it came.
PAUSE = 0.1
#: Tries of an honest sender before a batch counts as kept out; ours try for days.
TRIES = 40
DAY = {"since": "2026-11-23", "until": "2026-11-23", "app": "honest"}
#: Ways to run a receiver, one after the other.
OPTIONS: tuple[tuple[str, ...], ...] = (
    (),
    ("--public-page", "--retention", "3000"),
    ("--quota", "100G", "--trusted-proxy", "127.0.0.1", "--source-requests", "100000"),
)


@dataclass
class Watched:
    """What was seen, and what was wrong about it."""

    visits: int = 0
    batches: int = 0
    waits: int = 0
    latencies: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    peak: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """One line."""
        return (
            f"{self.visits} visits, {self.batches} honest batches, {self.waits} told to wait; median"
            f" {statistics.median(self.latencies or [0]):.3f} s, at most {max(self.latencies, default=0):.2f}; page"
            f" {statistics.median(self.pages or [0]):.2f}, at most {max(self.pages, default=0):.2f};"
            f" peak {self.peak // MIB} MiB"
        )


def peak_of(receiver: Running) -> int:
    """The most memory that a receiver has had so far, in bytes."""
    status = Path(f"/proc/{receiver.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def fuzz(folder: Path, seed: int, options: tuple[str, ...], visits: int, seconds: float = 0) -> Watched:
    """Let strangers make so many visits, or come for so many seconds, and say what was seen."""
    watched, over = Watched(), threading.Event()
    with running(folder, *options) as receiver:
        receiver.client.timeout = 120
        told: list[str] = []
        listener = threading.Thread(target=listen, args=(receiver, told))
        share = visits // STRANGERS
        strangers = [
            threading.Thread(target=come, args=(receiver, random.Random(f"{seed} {n}"), share, seconds, watched))
            for n in range(STRANGERS)
        ]
        sender = threading.Thread(target=send, args=(receiver, over, watched))
        for thread in (listener, sender, *strangers):
            thread.start()
        for thread in strangers:
            thread.join()
        over.set()
        sender.join()
        judge(receiver, watched)
        receiver.process.terminate()
        if receiver.process.wait(60) != 0:
            watched.wrong.append(f"the receiver ended with {receiver.process.returncode}")
        listener.join()
        watched.wrong += [each for each in told if "Traceback" in each or "Error" in each]
    return watched


def listen(receiver: Running, told: list[str]) -> None:
    """Read what the receiver says, so that it never waits for us."""
    assert receiver.process.stderr is not None
    with suppress(ValueError):
        told.extend(receiver.process.stderr)


def come(receiver: Running, chance: random.Random, visits: int, seconds: float, watched: Watched) -> None:
    """Visit again and again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end if seconds else visits > 0:
        visits -= 1
        state = chance.getstate()
        how, content = visit(chance)
        status = one_visit(receiver, how, content)
        watched.visits += 1
        if status >= 500 and status != 503:
            watched.wrong.append(f"{status} for {content[:200]!r}")
            Path(f"/tmp/shipper-fuzz-{status}-{hash(state):x}").write_bytes(content)


def one_visit(receiver: Running, how: str, content: bytes) -> int:
    """Send, and return the worst status that came."""
    place = receiver.client.base_url
    said = b""
    with suppress(OSError), socket.create_connection((place.host, place.port or 0), timeout=20) as connection:
        for start in range(0, len(content), max(1, len(content) // 5) if how == PIECES else len(content) or 1):
            connection.sendall(content[start : start + (max(1, len(content) // 5) if how == PIECES else len(content))])
        if how == DEAF:
            return 0
        connection.settimeout(PATIENCE)
        if how == CUT:
            connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65536):
            said += piece if len(said) < MIB else b""
            connection.settimeout(PAUSE)
    return max((int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)), default=0)


def send(receiver: Running, over: threading.Event, watched: Watched) -> None:
    """Send honest batches one after the other, and look at the page now and then."""
    number = 0
    while not over.wait(0.05):
        lines = [
            line(10_000_000 + number + n, app="honest", user=f"honest-{(number + n) % INSTALLATIONS}", time=NOON + n)
            for n in range(LINES)
        ]
        for _ in range(TRIES):
            began = time.monotonic()
            reply = ask(receiver, lines)
            watched.latencies.append(time.monotonic() - began)
            if reply is not None:
                break
            watched.waits += 1
            over.wait(0.2)
        else:
            watched.wrong.append("an honest sender was kept out")
            return
        if reply["accepted"] + reply["duplicate"] != LINES:
            watched.wrong.append(f"an honest batch was answered with {reply}")
        number += LINES
        watched.batches += 1
        if watched.batches % 50 == 0:
            judge(receiver, watched)


def ask(receiver: Running, lines: list[bytes]) -> dict[str, int] | None:
    """Send a batch; None when it has to be sent again, as after any failure on the way."""
    with suppress(httpx.HTTPError):
        reply = receiver.post(*lines)
        if reply.status_code == 200:
            return dict(reply.json())
    return None


def judge(receiver: Running, watched: Watched) -> None:
    """Look at memory and at the answers."""
    watched.peak = max(watched.peak, peak_of(receiver))
    if watched.peak > MOST:
        watched.wrong.append(f"the receiver held {watched.peak // MIB} MiB")
    began = time.monotonic()
    said = receiver.client.get("/answers.json", params=DAY)
    watched.pages.append(time.monotonic() - began)
    if said.status_code != 200:
        watched.wrong += [f"the answers are a {said.status_code}"] if said.status_code != 429 else []
        return
    document = said.json()
    if failed := [each["key"] for each in document["answers"] if each.get("failed")]:
        watched.wrong.append(f"answers failed: {failed}")
    figures = document["figures"]
    if figures["Commands run"] != watched.batches * LINES and figures["Commands run"] != (watched.batches + 1) * LINES:
        watched.wrong.append(f"{figures['Events']} honest events are counted of {watched.batches * LINES}")
    if watched.batches > INSTALLATIONS and figures["Installations"] != INSTALLATIONS:
        watched.wrong.append(f"{figures['Installations']} installations are counted of {INSTALLATIONS}")
