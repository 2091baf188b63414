"""How a command ended where that is not obvious: only what is known is said.

Of an error that leaves a program Python makes the exit status 1, unless somebody further out catches it; whether somebody
may is read from the frames that are still there. A SystemExit asks for a status, and that is what is said of it.
"""

import sys

from shipper.recording.ending import ending, exit_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType, ModuleType
    from typing import Any

    from shipper.integrations.click import Step
    from shipper.integrations.function import Run
    from shipper.integrations.program import Program

#: What Python itself makes of an interrupt that nobody catches, as a shell reports it.
INTERRUPTED = 130
#: Packages whose functions parse command lines: what they end is no use of a command, or a wrong command line.
PARSERS = frozenset(("argparse", "optparse", "docopt", "getopt"))
#: Words with which a program speaks about itself; the short ones count where it ends there and then.
HELP, SHORT_HELP = frozenset(("--help", "--version")), frozenset(("-h", "-V"))


def end_of_click(step: "Step", error: "BaseException | None") -> "tuple[bool, BaseException | None]":
    """Set how a command of click ended. Return whether it was no use of a command, and the error whose class is shown."""
    command, program = step.command, step.program
    if error is None:  # the call returned to a caller of the program's own
        command.outcome, command.exit_code = "ok", None
        return False, None
    framework = _framework(step.context)
    if _is_a(error, framework, "NoArgsIsHelpError"):
        return True, None
    outcome, status = ending(error)
    standalone, free = _standalone(sys._getframe(1))
    shown: BaseException | None = error
    if _is_a(error, framework, "Abort") or isinstance(error, (EOFError, KeyboardInterrupt)):
        outcome, shown = "interrupted", None
        # click makes 1 of everything, typer 130 of an interrupt in some of its versions.
        known = standalone == "click.core" or _is_a(error, framework, "Abort")
        status = 1 if known and standalone else None
    elif _is_a(error, framework, "Exit"):
        status, shown = (error.exit_code if standalone else None), None  # type: ignore[attr-defined]
        outcome = outcome_of(program, exit_status(error.exit_code))  # type: ignore[attr-defined]
    elif _is_a(error, framework, "ClickException"):
        status = error.exit_code if standalone else None  # type: ignore[attr-defined]
        outcome = "usage" if _is_a(error, framework, "UsageError") else "error"
    elif status is not None:
        outcome, shown = outcome_of(program, status), None
    elif free:
        status = 1
    command.outcome, command.exit_code = outcome, status
    return outcome == "ok" and not step.parsed, shown


def end_of_main(run: "Run", error: "BaseException | None") -> "BaseException | None":
    """Set how a main function ended, and whether it was no use of a command. Return the error whose class is shown."""
    command, program = run.command, run.program
    outcome, status = ending(error) if error is not None else ("ok", None)
    if error is None:
        status = _returned_status(run.returned)
        outcome = "ok" if status is None else outcome_of(program, status)
    elif status is not None:
        outcome = "usage" if status and _is_refusal(error) else outcome_of(program, status)
    elif is_free(sys._getframe(1)):
        status = INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
    command.outcome, command.exit_code = outcome, status
    if outcome == "ok" and _is_no_use(run.arguments, error):
        run.silent = True
    return error if outcome == "error" else None


def _returned_status(returned: "object") -> "int | None":
    """The exit status that a returned value makes, None where the caller throws it away."""
    if returned is None:
        return 0
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _package(frame) in ("shipper", "asyncio"):
        frame = frame.f_back
    return None if frame is not None and _is_ignored(frame) else exit_status(returned)


def _is_refusal(error: "BaseException") -> "bool":
    """Say whether an exit was a parser's answer to a wrong command line: raised in its error(), or of its own class."""
    if _is_of(error, "docopt", "DocoptExit") or _is_of(error, "fire.core", "FireExit"):
        return True
    if any(frame.f_code.co_name == "error" and not PARSERS.isdisjoint(_packages(frame)) for frame in _way(error)):
        return True
    behind = error.__context__  # a host that catches its parser's exit, adds words of its own and exits again
    return isinstance(behind, SystemExit) and _is_refusal(behind)


def _is_no_use(arguments: "Iterable[str]", error: "BaseException | None") -> "bool":
    """Say whether a program only spoke about itself: its parser ended it, or the line asked for help and it ended well."""
    line = list(arguments)
    line = line[: line.index("--")] if "--" in line else line
    if not HELP.isdisjoint(line):
        return True
    return error is not None and (
        not SHORT_HELP.isdisjoint(line)
        or _is_of(error, "fire.core", "FireExit")
        or any(_package(frame) in PARSERS for frame in _way(error))
    )


def _way(error: "BaseException") -> "Iterator[FrameType]":
    """The functions that an error left, from the outermost to where it was raised."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _package(frame: "FrameType") -> "str":
    return str(frame.f_globals.get("__name__")).partition(".")[0]


def _packages(frame: "FrameType") -> "set[str]":
    """The package of a function, and those of the classes that its object is of: a parser of a class of the host's own."""
    classes = type(frame.f_locals.get("self")).__mro__
    return {_package(frame), *(cls.__module__.partition(".")[0] for cls in classes)}


def _is_of(error: "BaseException", module: "str", name: "str") -> "bool":
    cls = getattr(sys.modules.get(module), name, None)
    return isinstance(cls, type) and isinstance(error, cls)


def outcome_of(program: "Program", status: "int") -> "str":
    """Say what an exit status means, as the author declared it."""
    return "usage" if status in program.usage else "ok" if status in program.ok else "error"


def _framework(context: "Any") -> "ModuleType":
    """The module of click that a context is of: click's own, or a copy of it that typer brings along."""
    names = [cls.__module__ for cls in type(context).__mro__ if cls.__name__ == "Context"]
    return sys.modules[names[-1]]


def _is_a(error: "BaseException", framework: "ModuleType", name: "str") -> "bool":
    """Say whether an error is of the framework's own class of that name; a host may have one that is called the same."""
    beside = framework.__name__.rpartition(".")[0] + ".exceptions"
    return _is_of(error, beside, name) or _is_of(error, "typer.exceptions", name)  # typer has some of its own


def _standalone(frame: "FrameType | None") -> "tuple[str, bool]":
    """Look from a frame outwards: which module's main() makes the exit status ("" none), and may nobody catch an error?"""
    standalone, free = "", True
    while frame is not None:
        if "standalone_mode" in frame.f_code.co_varnames:
            if free and not standalone and frame.f_locals["standalone_mode"]:
                standalone = frame.f_globals["__name__"]
        elif _may_catch(frame):
            free = False
        frame = frame.f_back
    return standalone, free


def is_free(frame: "FrameType | None") -> "bool":
    """Say whether an error that leaves the code called by a frame is caught by nobody: then Python ends with status 1."""
    while frame is not None:
        if _may_catch(frame):
            return False
        frame = frame.f_back
    return True


def _may_catch(frame: "FrameType") -> "bool":
    """Say whether a frame stands within a try or a with of code that is not the framework's or ours."""
    if _package(frame) in ("click", "typer", "contextlib", "asyncio", "shipper"):
        return False
    import dis

    table = getattr(dis, "_parse_exception_table", None)
    if table is None:
        return True
    return any(entry.start <= frame.f_lasti < entry.end for entry in table(frame.f_code))


def _is_ignored(frame: "FrameType") -> "bool":
    """Say whether a frame throws away what the call that it is at returns, as `main()` alone on its line does."""
    import dis

    following = [found for found in dis.get_instructions(frame.f_code) if found.offset > frame.f_lasti]
    return bool(following) and following[0].opname == "POP_TOP"
