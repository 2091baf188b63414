"""A decorator for everything else: functions, generators, coroutines. Each stays the kind of thing that it was."""

import os
import sys

from shipper.integrations.failures import quietly
from shipper.integrations.program import mentions, under_way
from shipper.recording.command import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shipper import App
    from shipper.integrations.program import Program

# The bits of a code object's flags that say what a call of it makes (inspect.CO_*; inspect costs too much to load).
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200


class Call:
    """One call of a decorated function: a context manager that hides its caller's frame and records what came of it."""

    def __init__(self, app: "App", name: "str") -> None:
        self.command = Command(app, name)

    def __enter__(self) -> "Call":
        return self

    def __exit__(self, error_type: "Any", error: "BaseException | None", trace: "Any") -> None:
        quietly(_end_call, self.command, _without_us(error))


class Run:
    """One run of a program's main function, from its command line to its end: it is recorded once, when it ends.

    A parser that parses meanwhile says here which command it found. It is a context manager, to hide its caller's frame.
    """

    def __init__(self, program: "Program", arguments: "list[str]") -> None:
        self.program, self.arguments = program, arguments
        self.path: tuple[str, ...] = ()  # the names of the command that was found
        self.silent = False  # no use of a command, or recorded already
        self.kept: list[str] | None = None  # the command line without our words, where it had some
        self.returned: object = None
        program.begin(arguments)
        self.command = Command(program.app, "")
        under_way.append(self)

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, error_type: "Any", error: "BaseException | None", trace: "Any") -> None:
        if self in under_way:
            under_way.remove(self)
        if self.kept is not None and sys.argv[1:] == self.kept:
            sys.argv[1:] = self.arguments  # whoever calls main a second time is heard a second time
        self.program.app.open_commands -= 1
        _without_us(error)
        if not self.silent and not isinstance(error, GeneratorExit):
            quietly(self._end, error)

    def _end(self, error: "BaseException | None") -> None:
        shown = None
        well = error is None and (self.returned is None or (type(self.returned) is int and self.returned == 0))
        if well and 0 in self.program.ok and "--help" not in self.arguments and "--version" not in self.arguments:
            self.command.outcome, self.command.exit_code = "ok", 0
        else:
            from shipper.integrations.ends import end_of_main

            shown = end_of_main(self, error)
        if not self.silent:
            self.program.record(self.command, self.path, shown)

    def take_words(self, given: "Any", options: "Any") -> "tuple[Any, Any]":
        """Take our words off the command line, and off what main is given where that is the command line.

        Ends the program as our group where that has the first word.
        """
        kept = self.arguments
        if mentions(kept):
            from shipper.integrations.telemetry_options import take_leading

            kept = take_leading(kept)
            if kept != self.arguments:
                sys.argv[1:] = self.kept = kept
                given = [self._without_words(each) for each in given]
                options = {name: self._without_words(each) for name, each in options.items()}
        if self.program.is_group_named and kept[:1] == [self.program.group]:
            from shipper.integrations.argparse_group import run_group

            self.silent = True
            raise SystemExit(run_group(self.program, kept[1:]))
        return given, options

    def _without_words(self, given: "Any") -> "Any":
        """What main is given, without our words where it is the command line: `main(sys.argv[1:])`."""
        if not isinstance(given, (list, tuple)) or list(given) != self.arguments:
            return given
        return type(given)(self.kept or ())


def main_function(program: "Program", function: "Any") -> "Any":
    """Decorate a program's main function. What it returns is the exit status, as in `sys.exit(main())`."""
    if function.__code__.co_flags & (_GENERATOR | _ASYNC_GENERATOR):
        from shipper.errors import DeclarationError

        raise DeclarationError(f"{function.__name__} makes a generator", "Decorate the function that runs the program.")
    if function.__code__.co_flags & _COROUTINE:

        async def decorated(*given: "Any", **options: "Any") -> "Any":
            with Run(program, sys.argv[1:]) as run:
                given, options = run.take_words(given, options)
                run.returned = await function(*given, **options)
                return run.returned

    else:

        def decorated(*given: "Any", **options: "Any") -> "Any":  # type: ignore[misc]  # one name, two kinds
            with Run(program, sys.argv[1:]) as run:
                given, options = run.take_words(given, options)
                run.returned = function(*given, **options)
                return run.returned

    return _like(decorated, function)


def measured(app: "App", name: "str", function: "Any") -> "Any":
    """Decorate function so that each call of it is recorded as the command name."""
    flags = function.__code__.co_flags if hasattr(function, "__code__") else 0
    if flags & _COROUTINE:

        async def decorated(*given: "Any", **named: "Any") -> "Any":
            with Call(app, name):
                return await function(*given, **named)

    elif flags & _ASYNC_GENERATOR:
        # Its consumer drives it, so what is measured is the making: a wrapper could not pass on athrow() and aclose().
        return function
    elif flags & _GENERATOR:

        def decorated(*given: "Any", **named: "Any") -> "Any":  # type: ignore[misc]  # one name, three kinds
            with Call(app, name):
                return (yield from function(*given, **named))

    else:

        def decorated(*given: "Any", **named: "Any") -> "Any":  # type: ignore[misc]  # one name, three kinds
            with Call(app, name):
                return function(*given, **named)

    return _like(decorated, function)


def _end_call(command: "Command", error: "BaseException | None") -> None:
    if command.process == os.getpid():
        command.end(None if isinstance(error, GeneratorExit) else error)


def _without_us(error: "BaseException | None") -> "BaseException | None":
    if error is not None and not isinstance(error, (SystemExit, GeneratorExit)):
        from shipper.integrations.tracebacks import strip

        strip(error)
    return error


def _like(decorated: "Any", function: "Any") -> "Any":
    """What functools.wraps does; functools costs a bare program more than recording does."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__", "__type_params__"):
        if hasattr(function, name):
            setattr(decorated, name, getattr(function, name))
    vars(decorated).update(vars(function))
    decorated.__wrapped__ = function
    return decorated
