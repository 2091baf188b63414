"""A decorator for everything else: functions, generators, coroutines. Each stays the kind of thing that it was."""

import sys

from shipper.integrations import GROUP, end, named, quietly, take_flags
from shipper.recording.command import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shipper import App

# The bits of a code object's flags that say what a call of it makes (inspect.CO_*; inspect costs too much to load).
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200

#: The decorated functions under way, innermost last: an argparse parser tells them which command it found.
under_way: "list[Call]" = []


class Call:
    """One call of a decorated function: a context manager that hides its caller's frame and records what came of it."""

    def __init__(self, app: "App", name: "str") -> None:
        self.app, self.name = app, name
        self.silent = False  # --help and its like are no use of a command
        self.command = Command(app, name)

    def __enter__(self) -> "Call":
        under_way.append(self)
        return self

    def __exit__(self, kind: "Any", error: "BaseException | None", trace: "Any") -> None:
        if self in under_way:
            under_way.remove(self)
        if error is not None and not isinstance(error, (SystemExit, GeneratorExit)):
            from shipper.integrations.tracebacks import strip

            strip(error)
        if not self.silent:
            quietly(self._end, None if isinstance(error, GeneratorExit) else error)

    def _end(self, error: "BaseException | None") -> None:
        end(self.command, self.name, self.command.outcome, self.command.exit_code, error)


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


def main_function(app: "App", function: "Any") -> "Any":
    """Decorate a program's main function: a command, our flags taken from sys.argv, and `telemetry` as its first word.

    An int that it returns is taken as the exit status, as in `sys.exit(main())`.
    """
    if function.__code__.co_flags & (_GENERATOR | _COROUTINE | _ASYNC_GENERATOR):
        return measured(app, function.__name__.replace("_", "-"), function)

    def decorated(*given: "Any", **options: "Any") -> "Any":
        kept, app.flag = take_flags(sys.argv[1:])
        if kept[:1] == [GROUP]:
            from shipper.integrations.argparse import telemetry

            raise SystemExit(telemetry(app, kept[1:]))
        if kept != sys.argv[1:]:
            sys.argv[1:] = kept
        with Call(app, named(app, ())) as call:
            returned = function(*given, **options)
            if type(returned) is int:
                call.command.outcome, call.command.exit_code = _ending(returned)
            return returned

    return _like(decorated, function)


def _ending(status: "int") -> "tuple[str, int]":
    from shipper.recording.command import ending

    return ending(SystemExit(status))


def _like(decorated: "Any", function: "Any") -> "Any":
    """What functools.wraps does; functools costs a bare program more than recording does."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__", "__type_params__"):
        if hasattr(function, name):
            setattr(decorated, name, getattr(function, name))
    vars(decorated).update(vars(function))
    decorated.__wrapped__ = function
    return decorated
