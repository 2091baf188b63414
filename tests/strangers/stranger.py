"""One CLI that was not made for us: where it comes from, what its author would write, how it is called, what happens."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Call:
    """One command line and what must be recorded of it.

    `outcome` is "" where nothing is: help, version. `error` is the end of the error class that is recorded, "" for none.
    The exit status that is recorded is the one that the parent saw, or none where `is_status_known` says so.
    """

    typed: str
    name: str = ""
    outcome: str = ""
    error: str = ""
    is_status_known: bool = True


@dataclass(frozen=True)
class Stranger:
    """A CLI of a pinned package.

    `prepare` is what its author would write beside the CLI, `run` how it is started. `edits` are what the author would
    write within a function: (module's file, what stands there, what would). `tests` are those of its own tests that are
    run, from its sdist. `extra` names packages that only the tests need.
    """

    name: str
    package: str
    framework: str
    prepare: str
    run: str
    calls: tuple[Call, ...]
    edits: tuple[tuple[str, str, str], ...] = ()
    names: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


def ok(name: str, *typed: str) -> tuple[Call, ...]:
    """Command lines that end well, of one command."""
    return tuple(Call(each, name, "ok") for each in typed)


def help_of(*typed: str) -> tuple[Call, ...]:
    """Command lines with which a program speaks about itself: no use of it."""
    return tuple(Call(each) for each in typed)


def usage(name: str, *typed: str, error: str = "") -> tuple[Call, ...]:
    """Command lines that the program's parser refuses."""
    return tuple(Call(each, name, "usage", error) for each in typed)


def fails(name: str, *typed: str, error: str = "") -> tuple[Call, ...]:
    """Command lines whose command fails."""
    return tuple(Call(each, name, "error", error) for each in typed)
