"""telemetry.toml or MODULE:APP -> App, for shell scripts and for `shipper docs`."""

import os
import sys
from collections.abc import Callable

from shipper import App
from shipper.catalog.schema import events_from, read_document
from shipper.errors import DeclarationError

_TEXTS = (
    "version", "endpoint", "policy", "policy_date", "ci", "about", "notice", "wire", "write_key",
    "identity_file", "identity", "durability",
)  # fmt: skip
_NUMBERS = ("retention_days", "invite_after", "flush_interval", "max_bytes", "max_days", "max_files")


def load(path: str, read: Callable[[str], dict[str, object]] = read_document) -> App:
    """Read a declaration file into an App. Raises DeclarationError, naming the file and what is wrong in it.

    `read` makes a document of a file; a caller may have one at hand already.
    """
    document = read(path)
    try:
        return _app(document)
    except DeclarationError as error:
        raise DeclarationError(f"{path}: {error}", error.hint) from None


def _app(document: dict[str, object]) -> App:
    settings: dict[str, object] = {}
    for key, value in document.items():
        if key in ("app", "events", "questions"):
            continue
        if key not in _TEXTS + _NUMBERS:
            raise DeclarationError(
                f"unknown key {key!r}", f"known here: app, events, questions, {', '.join(_TEXTS + _NUMBERS)}"
            )
        if type(value) is not (str if key in _TEXTS else int):
            raise DeclarationError(f"{key} is {'text' if key in _TEXTS else 'a whole number'}, not {value!r}")
        settings[key] = value
    missing = [key for key in ("app", "version", "endpoint") if key not in document]
    if missing:
        raise DeclarationError(f"{missing[0]} is missing", f'write {missing[0]} = "..." at the top')
    events, questions = events_from(document.get("events")).values(), document.get("questions")
    return App(document["app"], events=events, questions=questions, **settings)  # type: ignore[arg-type]


def load_object(target: str) -> App:
    """Import MODULE and return its APP, given "MODULE:APP". Raises DeclarationError.

    The module is looked for in the current folder too. Whatever its import does, it does.
    """
    import importlib  # only here: `shipper record` loads this module in every call

    module, _, name = target.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise DeclarationError(f"{module} cannot be imported: {error}", "is it installed here?") from None
    except (AttributeError, ValueError):
        raise DeclarationError(f"{module} has no {name or 'name after the colon'}", "write MODULE:APP") from None
    if not isinstance(found, App):
        raise DeclarationError(f"{target} is no App but {type(found).__name__}")
    return found
