"""A command under way: what it was called, how long it took, and how it ended."""

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import TypeVar

    from shipper.recording.app import App

    F = TypeVar("F")


class Command:
    """One command under way: a context manager that records the event `command` when it ends, however it ends.

    It fills those of the fields command, duration_ms, outcome, exit_code, error that the event declares, and the fields
    that are named like options (`--force`): True for each in `options`. `outcome` is "ok", "error", "usage" (exit code
    2) or "interrupted"; set it before the end to say it yourself. As a decorator it measures each call of a function.
    """

    def __init__(self, app: "App", name: "str") -> None:
        self.app, self.name = app, name
        self.process, self._start = os.getpid(), time.monotonic_ns()
        self.outcome, self.exit_code = "", -1
        self.options: Iterable[str] = ()

    def __call__(self, function: "F") -> "F":
        """Decorate a function: each call of it is a command of its own. What is returned takes what the function takes."""
        from shipper.integrations.function import measured

        decorated: F = measured(self.app, self.name, function)
        return decorated

    def __enter__(self) -> "Command":
        self.process, self._start = os.getpid(), time.monotonic_ns()
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self.end(error)

    def end(self, error: "BaseException | None" = None) -> None:
        """Record the command, ended by error or well."""
        outcome, code = ending(error)
        values: dict[str, object] = {
            "command": self.name,
            "duration_ms": (time.monotonic_ns() - self._start) // 1_000_000,
            "outcome": self.outcome or outcome,
            "exit_code": code if self.exit_code < 0 else self.exit_code,
            "error": error if isinstance(error, Exception) else None,
        }
        for option in self.options:
            values[option] = True
        declared = self.app.events.get("command")
        fields = declared.fields if declared else {}
        self.app.record("command", **{key: values[key] for key in values if key in fields and values[key] is not None})


def ending(error: "BaseException | None") -> "tuple[str, int]":
    """Say how a process ends that error leaves: "ok", "error", "usage" or "interrupted", and its exit status."""
    if error is None:
        return "ok", 0
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", 130
    if isinstance(error, SystemExit) and error.code is None:
        return "ok", 0
    code = error.code & 0xFF if isinstance(error, SystemExit) and isinstance(error.code, int) else 1
    return ("error", "ok", "usage")[1 if code == 0 else 2 if code == 2 else 0], code
