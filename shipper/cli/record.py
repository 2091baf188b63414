"""`shipper record`: one event from a shell script, as App.record() does it from Python.

It runs where a script may call it a thousand times, so it reads its few arguments itself; argparse is loaded only to
print the help.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import NoReturn

    from shipper import App
    from shipper.recording.event import Event
    from shipper.recording.values import ValueType

USAGE = "usage: shipper record -c telemetry.toml EVENT [KEY=VALUE ...]"

#: Digits of a number that is read as one: more are in no declared range, and Python refuses thousands of them.
MOST_DIGITS = 20
TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command to `shipper --help`."""
    parser = subparsers.add_parser("record", help="record one event from a shell script", description=DESCRIPTION)
    parser.add_argument("-c", "--config", metavar="FILE", required=True, help="what App() declares, as TOML")
    parser.add_argument("event", help="a declared event's name")
    parser.add_argument("fields", nargs="*", metavar="KEY=VALUE", help="its fields, each of its declared type")


DESCRIPTION = """Record one event that telemetry.toml declares. Exit 0 whether it was kept or consent forbade it, so that
a script goes on either way; 2 for a declaration, an event or a value that is wrong."""


def main(arguments: "Sequence[str]") -> int:
    """Record the event that the arguments after `record` name. Raises BadValue or DeclarationError, exit code 2."""
    config, words = config_and_words(list(arguments), "record", USAGE)
    app = declared_app(config, words[0])
    app.record(words[0], **typed_values(app.events[words[0]], words[1:], USAGE))
    return 0


def declared_app(config: str, event: str) -> "App":
    """The App that the file config declares. Raises DeclarationError, and BadValue where it does not declare the event."""
    from shipper.catalog.declaration import load
    from shipper.catalog.declaration_cache import document
    from shipper.catalog.schema import read_document

    app = load(config, lambda path: document(path, read_document))
    if event not in app.events:
        _bad(f"{config} declares no event {event!r}", f"It declares: {', '.join(app.events)}.")
    return app


def config_and_words(arguments: "list[str]", command: str, usage: str) -> "tuple[str, list[str]]":
    """Take -c FILE out of a command line, and leave EVENT and what follows. Raises BadValue."""
    config, words = "", []
    while arguments:
        word = arguments.pop(0)
        if word == "--":
            words += arguments
            break
        if word in ("-c", "--config") and arguments:
            config = arguments.pop(0)
        elif word.startswith("--config="):
            config = word.partition("=")[2]
        elif word.startswith("-"):
            _bad(f"{command} knows no option {word!r}", usage)
        else:
            words.append(word)
    if not config or not words:
        _bad(f"{command} needs a declaration (-c telemetry.toml) and an event", usage)
    return config, words


def typed_values(event: "Event", words: "Sequence[str]", usage: str) -> "dict[str, object]":
    """Turn KEY=VALUE words into values of their declared types. Raises BadValue for one outside its type.

    record() forgives that, as a host must be forgiven; who writes a script is told.
    """
    values: dict[str, object] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            _bad(f"{word!r} is not KEY=VALUE", usage)
        values[key] = value_of(event.fields.get(key), value)
    event.encode_fields(values, strict=True)
    return values


def value_of(value_type: "ValueType | None", text: str) -> "str | int | bool":
    """The text of a command line as the value that its declared type takes; as it stands where it is none."""
    if value_type is not None and value_type.kind == "flag":
        return TRUTH.get(text.lower(), text)
    digits = text.removeprefix("-")
    if (
        value_type is not None
        and value_type.kind in ("integer", "milliseconds")
        and digits.isascii()
        and digits.isdigit()
    ):
        return int(text) if len(digits) < MOST_DIGITS else text
    return text


def _bad(message: str, hint: str) -> "NoReturn":
    from shipper.errors import BadValue

    raise BadValue(message, hint)
