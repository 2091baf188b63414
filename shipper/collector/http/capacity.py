"""What the receiver may keep: bytes of each app a day, and bytes on the disk; and whether it can keep anything now."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shipper.collector.http.body import RequestRefused

DAY = 86_400
#: Seconds between two looks at the disk.
LOOK_SECONDS = 5.0
#: Bytes that stay free on the store's disk, so that SQLite can commit a deletion and merge its log.
LEAST_FREE = 64 * 1024 * 1024
#: Seconds that senders are asked to wait while the disk is full: somebody has to come.
RETRY_FULL = 3600
#: Seconds for which a commit that failed is told by /healthz, when none was tried since.
FAILED_SECONDS = 60.0


@dataclass(slots=True)
class Capacity:
    """The bounds. `folder` is where an embedded store lies ("" for none), `ceiling` and `quota` are bytes, 0 for none."""

    folder: str = ""
    ceiling: int = 0
    quota: int = 0
    clock: Callable[[], float] = time.time
    _spent: Counter[str] = field(default_factory=Counter)
    _day: int = 0
    _looked: float = float("-inf")
    _full: str = ""
    _failed: float = float("-inf")

    def full(self) -> str:
        """Say in a sentence why nothing more can be kept, or nothing."""
        now = time.monotonic()
        if self.folder and now >= self._looked + LOOK_SECONDS:
            self._looked, self._full = now, self._look()
        return self._full

    def _look(self) -> str:
        if shutil.disk_usage(self.folder).free < LEAST_FREE:
            return f"the store's disk has less than {LEAST_FREE >> 20} MiB left"
        if self.ceiling and size_of(self.folder) >= self.ceiling:
            return f"the store has reached its ceiling of {self.ceiling >> 20} MiB"
        return ""

    def admit(self) -> None:
        """Raise RequestRefused, a 503, when nothing more can be kept."""
        if full := self.full():
            raise RequestRefused(503, full, RETRY_FULL)

    def spend(self, apps: Mapping[str, int]) -> None:
        """Take bytes of some apps off their quotas of today. Raises RequestRefused, a 429 until tomorrow."""
        now = int(self.clock())
        if now // DAY != self._day:
            self._day = now // DAY
            self._spent.clear()
        for app in apps if self.quota else ():
            if self._spent[app] >= self.quota:
                raise RequestRefused(429, f"{app} has used its quota of today", DAY - now % DAY)
        self._spent.update(apps if self.quota else {})

    def committed(self, well: bool) -> None:
        """Note how the last commit ended."""
        self._failed = float("-inf") if well else time.monotonic()

    def trouble(self) -> str:
        """Say in a sentence why /healthz must not say ok, or nothing."""
        if time.monotonic() < self._failed + FAILED_SECONDS:
            return self.full() or "the last commit failed"
        return self.full()


def size_of(folder: str) -> int:
    """Bytes of all files in a folder and below it."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue  # a log that was just merged
    return total
