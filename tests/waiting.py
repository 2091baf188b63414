"""Waiting for a named condition: the tests' only way to let time pass."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PAUSE = 0.01
"""Seconds between two looks: costs a test nothing and leaves the machine to what is waited for."""


def until(condition: Callable[[], Found], seconds: float = 60.0, what: str = "") -> Found:
    """Look until `condition()` is true and return what it found.

    Raises AssertionError, naming the condition (`what`, else the function's name), when `seconds` have passed.
    """
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() >= deadline:
            raise AssertionError(
                f"after {seconds:g} s still not so: {what or getattr(condition, '__name__', condition)}"
            )
        pause.wait(PAUSE)
