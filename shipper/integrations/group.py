"""`<cli> telemetry ...`: what a person can see and choose within an instrumented CLI, as data."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shipper.integrations.program import Program

ABOUT = "See, hold, stop and erase what this program tells about its use."

#: Each command: what it does, and its flags with what they do.
ACTIONS: "Mapping[str, tuple[str, Mapping[str, str]]]" = {
    "status": (
        "Say what is recorded, what waits, what was sent, and which rule decided it.",
        {"why": "Every rule that could have decided, in order.", "json": "One JSON array, for scripts."},
    ),
    "on": ("Let events be sent.", {"with-held": "Send also what was recorded before."}),
    "local": ("Record, and keep everything on this machine.", {}),
    "off": ("Record nothing, and erase what is pending.", {}),
    "show": (
        "Print the pending events, exactly as they would be sent.",
        {"sent": "What was delivered: when, where, how much.", "quarantine": "What was refused, with reasons."},
    ),
    "flush": ("Send what is pending now.", {"json": "What it came to, as JSON."}),
    "retry": ("Let what was refused be sent again.", {}),
    "export": ("Print all that is known of you, here and at the receiver.", {}),
    "forget": ("Erase everything of yours, here and at the receiver.", {}),
}

EXIT_LEFT = 3
"""Something is left, as `shipper flush` has it."""


def run(program: "Program", action: "str", flags: "Sequence[str]" = ()) -> "int":
    """Do one of ACTIONS for a program's app and return the exit code: what `shipper ACTION APP` does."""
    from shipper.cli.terminal import say

    app = program.app
    if action == "flush" and getattr(sys, "frozen", False):
        say(f"{app.name}: this copy is frozen into one file and cannot send by itself")
        say(f"  Install the Python package event-shipper and run: shipper flush {app.name}")
        return EXIT_LEFT
    if action in ("status", "show", "flush") and not _has_recorded(app.name):
        mode, why = app.mode()
        say(f"{app.name}: {mode} ({why}). Nothing has been recorded here.")
        if "json" in flags:
            print("[]")  # noqa: T201  data, on stdout, at a person's own request
        return 0
    from shipper.choices.notice import program_name
    from shipper.cli import main
    from shipper.cli.host_names import Host

    own = f"{program.prog or program_name()} {program.group}"
    host = Host(own, app.name, {name: tuple(known) for name, (_, known) in ACTIONS.items()})
    return main([action, *[f"--{flag}" for flag in flags], app.name], host)


def _has_recorded(app: "str") -> "bool":
    from shipper.cli.spools import spool_names

    return bool(spool_names(os.environ, [app], must=False))
