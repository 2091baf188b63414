"""A real receiver in a process of its own."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.collector.events import HEADERS, packed


@dataclass
class Running:
    """A receiver that listens, and a client for it."""

    process: "subprocess.Popen[str]"
    url: str
    client: httpx.Client

    def post(self, *lines: bytes, **headers: str) -> httpx.Response:
        """Send lines as one batch."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.client.post("/v1/events", content=packed(*lines), headers=HEADERS | named)


@contextmanager
def running(data: Path, *options: str) -> Iterator[Running]:
    """Start `shipper collect` on a free port, and end it with SIGTERM."""
    command = [sys.executable, "-m", "shipper", "collect", "--listen", "127.0.0.1:0", "--data", str(data), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            first = process.stderr.readline()
            found = re.search(r"http://\S+", first)
            assert found, first + process.stderr.read()
            with httpx.Client(base_url=found[0], trust_env=False) as client:
                yield Running(process, found[0], client)
        finally:
            process.terminate()
