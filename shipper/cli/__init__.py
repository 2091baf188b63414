"""The command line: one file per command, found by its name, and nothing loaded that the command does not need.

A command's file offers `add(subparsers)`, which describes it to argparse, and `run(args) -> int`, which does it and
returns the exit code. Data goes to stdout, talk to stderr. `record` runs in loops of shell scripts, so it alone
parses its own arguments: it is dispatched before argparse, or anything else that costs, is imported.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from types import ModuleType
    from typing import TextIO

COMMANDS = {
    "record": "record",
    "time": "time",
    "show": "show",
    "drop": "drop",
    "status": "status",
    "flush": "flush",
    "on": "choice",
    "local": "choice",
    "off": "choice",
    "forget": "forget",
    "doctor": "doctor",
    "docs": "docs",
    "run": "run",
    "service": "service",
    "collect": "collect",
    "report": "report",
    "demo": "demo",
}
"""Every command and the file that holds it, in the order of the help. A command without its file does not exist."""

EXIT_INTERRUPTED = 130
"""128 + SIGINT: what a shell reports of a command that was stopped by Ctrl-C."""

EXIT_BROKEN_PIPE = 141
"""128 + SIGPIPE: what a shell reports of a command whose reader went away, as in `shipper show | head`."""


def main(arguments: "Sequence[str] | None" = None) -> int:
    """Run one command and return its exit code. No error of a command leaves here as a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] in (
        ["record"],
        ["time"],
    ):  # what follows is not argparse's: a loop's thousandth call, a foreign command
        return _guarded(lambda: _module(given[0]).main(given[1:]))
    if given[:2] == ["flush", "--implicit"]:  # its clock runs before anything is imported
        from shipper.cli.implicit import main as flush_implicitly

        return _guarded(lambda: flush_implicitly(given[2:]))
    return _guarded(lambda: _dispatch(given))


def _dispatch(given: "list[str]") -> int:
    named = given[0] if given and given[0] in COMMANDS and _present(given[0]) else None
    modules = {name: _module(name) for name in ([named] if named else filter(_present, COMMANDS))}
    parser = _parser(modules)
    args = parser.parse_args(given)
    if args.command is None:
        parser.print_help()
        return 0
    done: int = modules[args.command].run(args)
    return done


def _present(command: str) -> bool:
    return os.path.exists(os.path.join(os.path.dirname(__file__), COMMANDS[command] + ".py"))


def _module(command: str) -> "ModuleType":
    module: ModuleType = __import__(f"shipper.cli.{COMMANDS[command]}", fromlist=["run"])  # importlib would cost more
    return module


def _parser(modules: "dict[str, ModuleType]") -> "argparse.ArgumentParser":
    import argparse

    from shipper import __version__

    parser = argparse.ArgumentParser(
        prog="shipper",
        description="Usage telemetry for command-line tools: recorded offline, delivered once, yours to see and stop.",
        epilog="shipper COMMAND --help says more. `shipper demo` shows the whole story in under a minute.",
    )
    parser.add_argument("--version", action="version", version=f"shipper {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for module in dict.fromkeys(modules.values()):
        module.add(subparsers)
    return parser


def _open_mouth() -> None:
    """Make stdout and stderr ready for any text: of a closed one (`>&-`) nobody reads, and no locale may stop us."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open to the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _guarded(command: "Callable[[], int]") -> int:
    """What `command` returns, or the exit code of the error that ended it, said in words on stderr."""
    _open_mouth()
    code = _ending(command)
    for stream in (sys.stdout, sys.stderr):
        _give_up(stream)
    return code


def _give_up(stream: "TextIO") -> None:
    """Let what a stream could not write end where it harms nobody: the interpreter's farewell would exit with 120."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _ending(command: "Callable[[], int]") -> int:
    try:
        try:
            code = command()
        except SystemExit as farewell:  # argparse's way to end after its help, or after bad usage
            code = farewell.code if isinstance(farewell.code, int) else 2
        sys.stdout.flush()  # a reader that went away shows here, not in the interpreter's farewell
        return code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return EXIT_BROKEN_PIPE
    except Exception as error:
        if os.environ.get("SHIPPER_TRACEBACK") == "1":
            raise
        from shipper.cli.terminal import explain

        return explain(error)
