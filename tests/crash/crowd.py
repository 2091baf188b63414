"""A crowd of writers, as a program: it keeps so many alive, kills one of them every so often, and ends with enough promises.

    python -m tests.crash.crowd URL TOLD WRITERS EVENTS

TOLD is the file to which writers say what was promised. It is a program of its own, and small, because it forks
thousands of writers. At its end it prints what it came to, as JSON.
"""

import gc
import json
import os
import random
import signal
import sys
import time

from shipper.recording.lock import set_patience
from tests.crash.points import TOLD
from tests.crash.workshop import declare, promise

#: Seconds between two deaths.
PAUSE = 0.05
#: Events in one writer's life, drawn anew for each: a command records a few.
LIVES = (1, 2, 5, 10, 20, 40)
#: One writer in so many is a program that has nothing else to do, and so many events. It soon has waited for the lock as
#: long as it may (S12), and writes segments of its own.
HASTY, HASTE = 256, 50
#: Seconds that the others wait for the lock: on a core that 64 share, 50 ms is one turn of the scheduler, and a soak in
#: which most events are segments of their own would measure that.
PATIENCE = 10.0
#: Seconds that the others are busy with something else after an event, at most: 64 of them ask for 400 events a second,
#: which leaves a shared core time for the pass and the receiver. Who asks for more than the core has measures its queue.
BUSY = 0.3
#: Writers started between two looks at the clock: they may end faster than others can be started.
AT_ONCE = 4


def write(endpoint: str, numbers: range, chance: random.Random) -> None:
    """One writer's life."""
    busy = 0.0 if len(numbers) == HASTE else BUSY
    if busy:
        set_patience(PATIENCE)
    app = declare(endpoint)
    for number in numbers:
        promise(app, number)
        if busy:
            signal.sigtimedwait((), busy * chance.random())


class Crowd:
    """The writers alive, and what became of the others. Who ends by itself must have done its work."""

    def __init__(self, endpoint: str, told: str, writers: int, events: int) -> None:
        self.endpoint, self.writers, self.events = endpoint, writers, events
        self.told = os.open(told, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self.living: set[int] = set()
        self.begun = self.killed = self.failed = 0
        self._read = self._promises = 0
        self._chance = random.Random(7)

    def run(self) -> None:
        """Work until enough was promised and everybody has ended."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # so that an end can be waited for
        next_death = time.monotonic() + PAUSE
        while (more := self._promised() < self.events) or self.living:
            if more:
                self._start()
            if (left := next_death - time.monotonic()) > 0:
                signal.sigtimedwait({signal.SIGCHLD}, left)
            else:
                next_death = time.monotonic() + PAUSE
                self._kill()
            self._reap()

    def _promised(self) -> int:
        while more := os.pread(self.told, 1 << 20, self._read):
            self._read += len(more)
            self._promises += more.count(b"\n")
        return self._promises

    def _start(self) -> None:
        for _ in range(min(self.writers - len(self.living), AT_ONCE)):
            events = self._chance.choice(LIVES) if self._chance.randrange(HASTY) else HASTE
            first, self.begun = self.begun, self.begun + events
            child = os.fork()
            if child == 0:
                self._live(range(first, self.begun))
            self.living.add(child)

    def _live(self, numbers: range) -> None:
        code = 1
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            os.dup2(self.told, TOLD)
            write(self.endpoint, numbers, random.Random(numbers.start))
            code = 0
        finally:
            os._exit(code)

    def _kill(self) -> None:
        if self.living:
            os.kill(self._chance.choice(sorted(self.living)), signal.SIGKILL)

    def _reap(self) -> None:
        for child in list(self.living):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                self.living.discard(child)
                self.killed += status == signal.SIGKILL
                self.failed += status not in (0, signal.SIGKILL)


def main() -> None:
    """Be the crowd."""
    import binascii  # noqa: F401 - what a writer needs seldom or late is here once, and not in thousands of forks

    import shipper.errors
    import shipper.recording.platforms
    import shipper.spool.limits
    import shipper.spool.manifest_upgrade
    import shipper.spool.without_lock
    import shipper.wakeup.doorbell
    import shipper.wakeup.spawn  # noqa: F401

    gc.collect()
    gc.freeze()  # what the collector does not touch is not copied by each fork
    endpoint, told, writers, events = sys.argv[1:]
    crowd = Crowd(endpoint, told, int(writers), int(events))
    crowd.run()
    print(json.dumps({"begun": crowd.begun, "killed": crowd.killed, "failed": crowd.failed}))


if __name__ == "__main__":
    main()
