"""An argparse program: `python argparse_cli.py hello`, then `python argparse_cli.py telemetry show`."""

import argparse
import sys

from shipper import App, Event, error_class, flag, integer, milliseconds, one_of

telemetry = App(
    "greet",
    version="1.0",
    endpoint="http://127.0.0.1:4417",
    about="https://example.com/greet/telemetry",
    events=[
        Event(
            "command",
            "Which commands people use, how long they take and how they end.",
            command=one_of("hello", "bye", reason="What is used most is polished first."),
            duration_ms=milliseconds(),
            outcome=one_of("ok", "error", "usage", "interrupted"),
            exit_code=integer(0, 255),
            error=error_class(),
            options={"--loud": flag(reason="Whether anybody needs it.")},
        )
    ],
)


@telemetry.instrument  # this measures ...
def main() -> int:
    """Greet somebody."""
    parser = argparse.ArgumentParser("greet")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("hello", "bye"):
        command = commands.add_parser(name, help=f"say {name}")
        command.add_argument("--loud", action="store_true")
    telemetry.instrument(parser)  # ... and this names the command
    given = parser.parse_args()
    word = f"{given.command}!"
    print(word.upper() if given.loud else word)
    return 0


if __name__ == "__main__":
    sys.exit(main())
