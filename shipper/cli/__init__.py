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

    from shipper.cli.host_names import Host

COMMANDS = {
    "record": "record",
    "time": "time",
    "show": "show",
    "retry": "retry",
    "drop": "drop",
    "status": "status",
    "flush": "flush",
    "on": "choice",
    "local": "choice",
    "off": "choice",
    "export": "export",
    "forget": "forget",
    "doctor": "doctor",
    "docs": "docs",
    "run": "run",
    "service": "service",
    "collect": "collect",
    "report": "report",
    "data": "data",
    "demo": "demo",
    "completion": "completion",
    "help": "help",
}
"""Every command and the file that holds it, in the order of the help. A command without its file does not exist."""

EXIT_INTERRUPTED = 130
"""128 + SIGINT: what a shell reports of a command that was stopped by Ctrl-C."""

EXIT_BROKEN_PIPE = 141
"""128 + SIGPIPE: what a shell reports of a command whose reader went away, as in `shipper show | head`."""


def main(arguments: "Sequence[str] | None" = None, host: "Host | None" = None) -> int:
    """Run one command and return its exit code. No error of a command leaves here as a traceback.

    `host` is the instrumented program within which the command runs: messages name its commands.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if host is not None:
        from shipper.cli.host_names import within

        within(host)
    umask = os.umask(0o077)
    os.umask(umask & 0o077)  # what a command makes is its maker's to use, whatever the umask says of the owner
    try:
        return _run(given)
    finally:
        os.umask(umask)


def _run(given: "list[str]") -> int:
    # What follows these two is not argparse's: a loop's thousandth call, a foreign command.
    if given[:1] in (["record"], ["time"]) and not _asks_for_help(given):
        return _guarded(lambda: _module(given[0]).main(given[1:]))
    if given[:2] == ["flush", "--implicit"]:  # its clock runs before anything is imported
        from shipper.cli.implicit import main as flush_implicitly

        return _guarded(lambda: flush_implicitly(given[2:]))
    return _guarded(lambda: _dispatch(given))


def _asks_for_help(given: "list[str]") -> bool:
    own = given[: given.index("--")] if "--" in given else given
    return "-h" in own or "--help" in own or "_ARGCOMPLETE" in os.environ


def _dispatch(given: "list[str]") -> int:
    from shipper.cli.completion import answer

    named = given[0] if given and given[0] in COMMANDS and _present(given[0]) else None
    modules = {name: _module(name) for name in ([named] if named else filter(_present, COMMANDS))}
    parser = parser_of(modules)
    answer(parser, os.environ)
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


def whole_parser() -> "argparse.ArgumentParser":
    """The parser of every command: for the manual page and the documentation."""
    return parser_of({name: _module(name) for name in COMMANDS if _present(name)})


def parser_of(modules: "dict[str, ModuleType]") -> "argparse.ArgumentParser":
    """The parser of some commands, each with the module that holds it."""
    from shipper import __version__
    from shipper.cli.parsers import Parser, finish

    parser = Parser(
        prog="shipper",
        description="Usage telemetry for command-line tools: recorded offline, delivered once, yours to see and stop.",
        epilog="`shipper help COMMAND` says more of each.",
    )
    parser.add_argument("--version", action="version", version=f"shipper {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", parser_class=Parser)
    for module in dict.fromkeys(modules.values()):
        module.add(subparsers)
    finish(parser)
    return parser


def _prepare_output() -> None:
    """Make stdout and stderr take any text: one that is closed (`>&-`) goes nowhere, and no locale raises an error."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open to the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _guarded(command: "Callable[[], int]") -> int:
    """What `command` returns, or the exit code of the error that ended it, said in words on stderr."""
    _prepare_output()
    code = _exit_code(command)
    for stream in (sys.stdout, sys.stderr):
        _flush_or_discard(stream)
    return code


def _flush_or_discard(stream: "TextIO") -> None:
    """Discard what a stream cannot write: the interpreter, which flushes it as it ends, would exit with 120."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _exit_code(command: "Callable[[], int]") -> int:
    try:
        try:
            code = command()
        except SystemExit as end:  # argparse's way to end after its help
            code = end.code if isinstance(end.code, int) else 2
        sys.stdout.flush()  # a reader that went away shows here, not when the interpreter ends
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
