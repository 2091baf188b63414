"""`shipper time`: run a command as if shipper were not there, and record how long it took and how it ended.

The command has this process's stdio, process group and terminal. Signals that this process gets are passed on, and it ends
as the command ended: with its exit status, or by its signal. Whatever is wrong with the declaration is said on stderr, and
the command runs all the same: who measures a deployment must not be able to stop it.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from shipper.cli.record import config_and_words, declared_app, typed_values
from shipper.cli.terminal import explain
from shipper.errors import BadValue, ShipperError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from shipper import App

USAGE = "usage: shipper time -c telemetry.toml EVENT [KEY=VALUE ...] -- COMMAND [ARGUMENT ...]"

DESCRIPTION = """Run a command and record the event EVENT, with those of the fields duration_ms, outcome ("ok", "error",
"interrupted") and exit_code that it declares. Exit status: the command's; 127 where it is not found, 126 where it cannot
be run, 2 for a wrong command line of shipper's own."""

EXIT_NOT_FOUND, EXIT_NOT_RUN = 127, 126
"""What env, nice and every shell say of a command that is not found, or that is there and cannot be run."""

_PASSED_ON = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
# From a terminal the whole process group gets these, the command too: to pass them on would send them twice.
_LEFT_TO_THE_COMMAND = ("SIGINT", "SIGQUIT")
# Python ignores these in its own process; a command expects them as they are by default.
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFSZ")


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command to `shipper --help`."""
    parser = subparsers.add_parser(
        "time", help="run a command, and record how long it took", description=DESCRIPTION, usage=USAGE[7:]
    )
    parser.add_argument("-c", "--config", metavar="FILE", required=True, help="what App() declares, as TOML")
    parser.add_argument("event", help="a declared event's name")
    parser.add_argument("fields", nargs="*", metavar="KEY=VALUE", help="more of its fields")


def main(arguments: Sequence[str]) -> int:
    """Run the command after `--` and return its exit status. Raises BadValue for a wrong command line, exit code 2."""
    own, command = _split(list(arguments))
    if not command:
        raise BadValue("time needs a command after --", USAGE)
    config, words = config_and_words(own, "time", USAGE)
    app, values = _declared(config, words)
    begun = time.monotonic_ns()
    status = _run(command)
    if app is not None:
        said = {
            "duration_ms": (time.monotonic_ns() - begun) // 1_000_000,
            "outcome": outcome(status),
            "exit_code": status if status >= 0 else 128 - status,
        }
        fields = app.events[words[0]].fields
        app.record(words[0], **values, **{key: said[key] for key in said if key in fields and key not in values})
    return status if status >= 0 else _die_alike(-status)


def outcome(status: int) -> str:
    """Say how a command ended from its exit status, the negative number of the signal where one killed it."""
    if status in (-signal.SIGINT, 128 + signal.SIGINT):
        return "interrupted"
    return "ok" if status == 0 else "error"


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]


def _declared(config: str, words: Sequence[str]) -> "tuple[App | None, dict[str, object]]":
    try:
        app = declared_app(config, words[0])
        return app, typed_values(app.events[words[0]], words[1:], USAGE)
    except (ShipperError, OSError) as error:
        explain(error)
        return None, {}


def _run(command: Sequence[str]) -> int:
    """Run a command to its end: its exit status, or the negative number of the signal that killed it."""
    try:
        if not hasattr(os, "posix_spawnp"):  # Windows
            import subprocess

            return subprocess.call(list(command))
        ignored = [getattr(signal, name) for name in _IGNORED_BY_PYTHON if hasattr(signal, name)]
        # The command must not be able to end before its signals have somewhere to go, nor inherit what we set.
        handled = [getattr(signal, name) for name in (*_PASSED_ON, *_LEFT_TO_THE_COMMAND)]
        before = signal.pthread_sigmask(signal.SIG_BLOCK, handled)
        try:
            child = os.posix_spawnp(command[0], list(command), os.environ, setsigmask=before, setsigdef=ignored)
            return _wait(child, before)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    except FileNotFoundError:
        return _not_run(command[0], "not found", EXIT_NOT_FOUND)
    except OSError as error:
        return _not_run(command[0], error.strerror or str(error), EXIT_NOT_RUN)


def _wait(child: int, mask: "set[signal.Signals] | set[int]") -> int:
    def pass_on(number: int, frame: object) -> None:
        del frame
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(child, number)

    for name in _PASSED_ON:
        # What was ignored, as nohup has it, stays ignored: the command inherited that.
        if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
            signal.signal(getattr(signal, name), pass_on)
    for name in _LEFT_TO_THE_COMMAND:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _not_run(command: str, why: str, status: int) -> int:
    print(f"shipper: {command}: {why}", file=sys.stderr)
    return status


def _die_alike(number: int) -> int:
    """End by the signal that ended the command, so that a shell sees what it would have seen. Leaves no core of ours."""
    import resource

    sys.stdout.flush()
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number
