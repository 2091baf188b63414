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
    that are named like options (`--force`): True for each in `options`. `outcome` is "ok", "error", "usage" or
    "interrupted"; set it before the end to say it yourself. None leaves it out, as it does `exit_code`, which is said
    only where it is known: a SystemExit asks for one. `start` is when it began, on the monotonic clock, in nanoseconds. As a
    decorator it measures each call of a function.
    """

    def __init__(self, app: "App", name: "str") -> None:
        self.app, self.name = app, name
        self.process, self.start = os.getpid(), time.monotonic_ns()
        self.outcome: str | None = ""
        self.exit_code: int | None = None
        self.options: Iterable[str] = ()

    def __call__(self, function: "F") -> "F":
        """Decorate a function: each call of it is a command of its own. What is returned takes what the function takes."""
        from shipper.integrations.function import measured

        decorated: F = measured(self.app, self.name, function)
        return decorated

    def __enter__(self) -> "Command":
        self.process, self.start = os.getpid(), time.monotonic_ns()
        return self

    def __exit__(
        self, error_type: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self.end(error)

    def end(self, error: "BaseException | None" = None) -> None:
        """Record the command, ended by error or well."""
        outcome, code = "ok", None
        if error is not None:
            from shipper.recording.ending import ending

            outcome, code = ending(error)
        values: dict[str, object] = {
            "command": self.name,
            "duration_ms": (time.monotonic_ns() - self.start) // 1_000_000,
            "outcome": outcome if self.outcome == "" else self.outcome,
            "exit_code": code if self.exit_code is None else self.exit_code,
            "error": error if isinstance(error, Exception) else None,
        }
        for option in self.options:
            values[option] = True
        declared = self.app.events.get("command")
        fields = declared.fields if declared else {}
        self.app.record("command", **{key: values[key] for key in values if key in fields and values[key] is not None})
