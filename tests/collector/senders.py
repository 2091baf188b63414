"""Senders that go on until what they sent is acknowledged, while receivers and stores die under them."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx

from tests.collector.events import HEADERS, line, packed
from tests.collector.receiver import Running
from tests.waiting import until


class Sender(threading.Thread):
    """Sends batches, each again under its key until it is acknowledged, to one receiver after the other."""

    def __init__(self, number: int, urls: list[str], stopped: threading.Event) -> None:
        super().__init__()
        self.number = number
        self.urls = urls
        self.stopped = stopped
        self.acknowledged: list[int] = []
        self.tries = 0

    def run(self) -> None:
        batch = 0
        with httpx.Client(trust_env=False, timeout=30) as client:
            while not self.stopped.is_set():
                first = (self.number * 100_000 + batch) * 20
                body = packed(*(line(event, user=f"person-{event % 50}") for event in range(first, first + 20)))
                while not self._accepted(client, body, f"batch-{self.number}-{batch}"):
                    self.stopped.wait(0.05)
                self.acknowledged += range(first, first + 20)
                batch += 1

    def _accepted(self, client: httpx.Client, body: bytes, key: str) -> bool:
        self.tries += 1
        url = self.urls[self.tries % len(self.urls)]
        try:
            reply = client.post(f"{url}/v1/events", content=body, headers=HEADERS | {"Idempotency-Key": key})
        except httpx.HTTPError:
            return False
        assert reply.status_code in (200, 429, 503), reply.text
        return reply.status_code == 200 and reply.json()["accepted"] == 20


@contextmanager
def sending(receivers: list[Running]) -> Iterator[list[Sender]]:
    """Four senders at work on all receivers. At the end each has the acknowledgement of everything that it sent."""
    stopped = threading.Event()
    senders = [Sender(number, [receiver.url for receiver in receivers], stopped) for number in range(4)]
    for sender in senders:
        sender.start()
    try:
        yield senders
    finally:
        stopped.set()
        for sender in senders:
            sender.join()


def acknowledged_more(senders: Sequence[Sender], events: int = 400) -> None:
    """Wait until that many more events are acknowledged."""
    goal = sum(len(sender.acknowledged) for sender in senders) + events
    until(lambda: sum(len(sender.acknowledged) for sender in senders) >= goal, 60, "events are acknowledged")


def tried_in_vain(senders: Sequence[Sender]) -> None:
    """Wait until each sender has tried more often than two answers that were already on their way can explain."""
    tries = sum(sender.tries for sender in senders)
    until(lambda: sum(sender.tries for sender in senders) > tries + 20, 60, "senders try in vain")
