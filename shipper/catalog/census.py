"""What a census may say, for whoever receives one: its fields are shipper's own, and no app declares them."""

from collections.abc import Container, Mapping

from shipper.recording.census import AGES, ARCHITECTURES, SYSTEMS, USES

#: The words that a field can say; what is not among them is told apart below.
_WORDS: Mapping[str, Container[object]] = {"age": AGES, "os": SYSTEMS, "arch": ARCHITECTURES}


def census_fault(event: Mapping[str, object], declared: Container[str] | None = None) -> str:
    """Say why a decoded event is no census, in at most 64 characters, or "" when it is one.

    `declared` are the events that its app declares, where they are known. A census belongs to the level "none".
    """
    fields = event.get("fields")
    if "session" in event or not isinstance(fields, dict):
        return "a census of another level"
    missing = [key for key in (*_WORDS, "runtime", "agent") if key not in fields]
    if missing:
        return f"a census without {missing[0]}"
    for key, value in fields.items():
        if not _says(key, value, declared):
            return f"no field of a census: {key}"[:64]
    return ""


def _says(key: str, value: object, declared: Container[str] | None) -> bool:
    if key in _WORDS:
        return value in _WORDS[key]
    if key == "runtime":
        return isinstance(value, str) and _is_runtime(value)
    used = key.removeprefix(USES)
    own = key == "agent" or (used != key and used != "" and (declared is None or used in declared))
    return own and type(value) is bool


def _is_runtime(text: str) -> bool:
    """Say whether a text is a runtime series, such as "cpython-3.12"."""
    name, dash, version = text.partition("-")
    numbers = version.split(".")
    return (
        bool(dash)
        and text.isascii()
        and name.isalpha()
        and name.islower()
        and len(name) <= 16
        and len(numbers) == 2
        and all(number.isdecimal() and len(number) <= 3 for number in numbers)
    )
