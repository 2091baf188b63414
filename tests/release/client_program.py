"""A client's program with every public name, as its author's type checker sees it. It is checked, and run."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, assert_type

from shipper import (
    App,
    BadValue,
    DeclarationError,
    Event,
    ShipperError,
    error_class,
    flag,
    integer,
    milliseconds,
    one_of,
    version_number,
)

telemetry = App(
    "client",
    version="1.0",
    endpoint="https://telemetry.example.com",
    policy="opt-out",
    policy_date="2026-11-23",
    ci="local",
    wire="otlp",
    durability="power-loss",
    events=[
        Event(
            "command",
            "Which commands people use, how long they take and how they end.",
            command=one_of("sync", "watch"),
            duration_ms=milliseconds(),
            outcome=one_of("ok", "error", "usage", "interrupted"),
            exit_code=integer(0, 255),
            error=error_class("client"),
            options={"--force": flag(reason="Whether people override what the program advises.")},
        ),
        Event(
            "runtime",
            "Which versions of Node to support.",
            owner="cli team",
            expires="2030-01-01",
            node=version_number(),
        ),
    ],
)


@telemetry.command("sync")
def sync(count: int, *, force: bool = False) -> str:
    """A command with arguments of its own."""
    return "forced" * force * count


@telemetry.command("watch")
async def watch(count: int) -> int:
    """A coroutine."""
    return count


@telemetry.command("watch")
def lines(count: int) -> Iterator[int]:
    """A generator."""
    yield from range(count)


@telemetry.command("watch")
async def changes(count: int) -> AsyncIterator[int]:
    """An asynchronous generator."""
    for number in range(count):
        yield number


@telemetry.instrument
def main() -> int:
    """The main function of a program."""
    return 0


def types() -> None:
    """What a checker must find of each."""
    parser = telemetry.instrument(argparse.ArgumentParser("client"))
    assert_type(parser, argparse.ArgumentParser)
    assert_type(sync(1, force=True), str)
    watching: Coroutine[Any, Any, int] = watch(2)
    assert_type(asyncio.run(watching), int)
    assert_type(list(lines(2)), list[int])
    stream: AsyncIterator[int] = changes(2)
    assert_type(stream, AsyncIterator[int])
    entry: Callable[[], int] = main
    assert_type(entry(), int)
    assert_type(telemetry.record("runtime", node="18.2.0"), bool)
    assert_type(telemetry.mode(), tuple[str, str])
    with telemetry.command("sync") as command:
        command.outcome = "ok"


def errors() -> str:
    """What is raised is at the door."""
    try:
        App("client", version="", endpoint="https://telemetry.example.com")
    except DeclarationError as error:
        wrong: ShipperError = error
        return wrong.hint or str(wrong) or BadValue.__name__
    return ""


if __name__ == "__main__":
    types()
    print(errors())
