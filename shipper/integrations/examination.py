"""What of an app's instrumented programs is hooked: for `shipper doctor MODULE:APP`, and under SHIPPER_STRICT=1.

Much can only be known once a program runs: whether what instrument() returned is called, and whether the parser that it
was given is the one that parses. So a process in strict mode says at its end what it never came to.
"""

import atexit
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from shipper import App
from shipper.errors import DeclarationError
from shipper.integrations.failures import quietly
from shipper.integrations.names import names_of
from shipper.integrations.program import Program

NO_EVENT = "declares no event `command`, so nothing is recorded of a command"
DECLARE_IT = 'Declare it: Event("command", "Which commands people use.", command=command_names(), ...)'
KEEP_IT = (
    "Call what instrument() returns in its place: @telemetry.instrument above it, or main = telemetry.instrument(main)."
)
#: Names that a finding lists before it says how many more there are.
MOST_NAMES = 10

Found = tuple[str, str, str]
"""A finding: "ok", "note" or "wrong", what is so, and the next step."""


def watch(program: Program) -> None:
    """Under SHIPPER_STRICT=1: refuse what cannot be recorded, and say at the process's end what nothing came of."""
    app = program.app
    if "command" not in app.events:
        raise DeclarationError(f"{app.name} {NO_EVENT}", DECLARE_IT)
    if app.programs[0] is program:
        atexit.register(_say_unused, app)


def _say_unused(app: App) -> None:
    for text, todo in unused(app):
        sys.stderr.write(f"shipper: {text}\n  {todo}\n")


def unused(app: App) -> Iterator[tuple[str, str]]:
    """Say what was instrumented in vain in this process: no main function was called, or no parser parsed."""
    mains = [program for program in app.programs if program.root is None]
    trees = [program for program in app.programs if program.root is not None]
    if mains and not any(program.used for program in mains):
        yield f"{app.name}: instrument() measured no call of {_described(mains)} in this process", KEEP_IT
    if trees and not any(program.used for program in trees):
        yield (
            f"{app.name}: instrument() hooked {_described(trees)}, and none of it parsed anything in this process",
            "Instrument the very object that parses, neither a copy of it nor one of its parents=[...].",
        )


def _described(programs: Iterable[Program]) -> str:
    return " and ".join(describe(program) for program in programs)


def describe(program: Program) -> str:
    """Name what instrument() was given, as its author would."""
    given = program.given
    if program.root is None:
        return f"{given.__module__}.{given.__qualname__}()"
    name = getattr(given, "prog", "") or getattr(getattr(given, "info", given), "name", "")
    kind = {"argparse": "parser"}.get(program.framework) or f"{program.framework} program"
    return f"the {kind} {name}" if isinstance(name, str) and name else f"a {kind}"


def examine(app: App) -> Iterator[Found]:
    """Say what is hooked once the app's module is imported, and what of it cannot be measured or named."""
    if not app.programs:
        yield (
            "wrong", "nothing is instrumented once its module is imported",
            "Call instrument() where that module is imported, or name the module that does.",
        )  # fmt: skip
        return
    if "command" not in app.events:
        yield "wrong", NO_EVENT, DECLARE_IT
    for program in app.programs:
        yield _examine_main(program) if program.root is None else _examine_tree(program)
    frameworks = {program.framework for program in app.programs}
    if frameworks == {""}:
        yield (
            "note", "no commands are seen: a parser that is made in a main function is not there before that runs",
            "Name them: command_names(...), unless the program has none.",
        )  # fmt: skip
    if frameworks == {"argparse"}:
        yield (
            "note", "a parser alone does not know how its program ends: outcome and exit status are mostly left out",
            "Decorate the main function too: @telemetry.instrument",
        )  # fmt: skip
    yield from _examine_names(app)


def _examine_main(program: Program) -> Found:
    given = program.given
    holder: Any = sys.modules.get(given.__module__)
    for name in given.__qualname__.split("."):
        holder = getattr(holder, name, None)
    if holder is given:
        return "wrong", f"{describe(program)} was given to instrument(), and what that returned is not kept", KEEP_IT
    return "ok", f"{describe(program)} is measured, from its call to its end", ""


def _examine_tree(program: Program) -> Found:
    count = len(quietly(names_of, program, True) or ())
    commands = "1 command" if count == 1 else f"{count} commands" if count else "no command below it"
    group = f", `{program.group}` among them" if count and program.offers() else ""
    return "ok", f"{describe(program)} is hooked: {commands}{group}", ""


def _examine_names(app: App) -> Iterator[Found]:
    declared = app.events.get("command")
    field = declared.fields.get("command") if declared else None
    if field is None:
        return
    found = dict.fromkeys(name for program in app.programs for name in quietly(names_of, program, True) or ())
    seen = {name for program in app.programs for name in names_of(program)} if field.from_tree else set()
    unnamed = [name for name in found if name not in seen and name not in field.detail]
    if unnamed:
        more = f" and {len(unnamed) - MOST_NAMES} more" if len(unnamed) > MOST_NAMES else ""
        yield (
            "wrong", f'recorded as "other", because the event `command` does not declare them: '
            f"{', '.join(unnamed[:MOST_NAMES])}{more}",
            f"Name them: command_names({', '.join(repr(name) for name in unnamed)})",
        )  # fmt: skip
