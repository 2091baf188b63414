"""Any other program: its main function decorated, and one part of its work measured by hand."""

import sys

from shipper import App, Event, error_class, integer, milliseconds, one_of

telemetry = App(
    "greet",
    version="1.0",
    endpoint="http://127.0.0.1:4417",
    about="https://example.com/greet/telemetry",
    events=[
        Event(
            "command",
            "Which commands people use, how long they take and how they end.",
            command=one_of("greet", "look-up", reason="What is used most is polished first."),
            duration_ms=milliseconds(),
            outcome=one_of("ok", "error", "usage", "interrupted"),
            exit_code=integer(0, 255),
            error=error_class(),
        ),
        Event("language", "Which languages to translate first.", code=one_of("en", "de", "fr")),
    ],
)


@telemetry.command("look-up")
def look_up(name: str) -> str:
    """Each call is one command of its own."""
    return {"world": "hello, world!"}.get(name, f"hello, {name}.")


@telemetry.instrument
def main() -> int:
    """The program: recorded as `greet`, the app's own name, where it has no commands."""
    telemetry.record("language", code="en")
    print(look_up(sys.argv[1] if len(sys.argv) > 1 else "world"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
