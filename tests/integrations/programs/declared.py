"""What the sample programs declare. With SAMPLE_BARE=1 they run as they would without shipper."""

import os
from functools import cache
from typing import Any

BARE = os.environ.get("SAMPLE_BARE") == "1"
COMMANDS = ("init", "up", "db.migrate", "db.seed", "db", "build", "test", "run", "db-init", "sample")


def instrumented(cli: Any, **options: Any) -> Any:
    """The one line that instruments a program."""
    return cli if BARE else telemetry().instrument(cli, **options)


def name_command(name: str) -> None:
    """Say the name of the command that is under way."""
    if not BARE:
        telemetry().name_command(name)


@cache
def telemetry() -> Any:
    """The declaration that it needs."""
    from shipper import App, Event, error_class, flag, integer, milliseconds, one_of

    return App(
        "sample",
        version="1.0",
        endpoint=os.environ.get("SAMPLE_ENDPOINT", "http://127.0.0.1:9"),
        events=[
            Event(
                "command",
                "Which commands people use, how long they take, how they end.",
                command=one_of(*COMMANDS),
                duration_ms=milliseconds(),
                outcome=one_of("ok", "error", "usage", "interrupted"),
                exit_code=integer(0, 255),
                error=error_class("click", "typer"),
                options={"--force": flag(), "--verbose": flag()},
            )
        ],
    )
