"""One line -> one event, for those who deliver, show or receive it. Every byte that comes in here is hostile."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NoReturn

from shipper.errors import DamagedLine
from shipper.recording.line import MAX_LINE, SUM_TAIL, VERSION, checksum
from shipper.recording.names import valid_name

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z)?")
_SUM = re.compile(r"[0-9a-f]{8}")
#: Characters of a day, which is all that the level "none" says of a time.
DAY_LENGTH = 10
#: The whole numbers that every JSON reader and every store can hold.
_INTEGERS = range(-(1 << 63), 1 << 63)


def checksum_holds(line: bytes) -> bool:
    """Say whether a line, with or without its newline, still is what was written."""
    body = line[:-1] if line.endswith(b"\n") else line
    head, tail = body[:-SUM_TAIL], body[-SUM_TAIL:]
    return len(head) > 0 and tail == b',"sum":"%08x"}' % checksum(head)


def decode(line: bytes) -> dict[str, Any]:
    """Read one line, with or without its newline, into an event whose every key has been checked.

    Raises DamagedLine: "sum" when the checksum does not hold, "json" when it is no JSON, "version" when a newer shipper
    wrote it (judged by `v` alone, the rest may have any shape), "shape" for everything else.
    """
    if len(line) > MAX_LINE:
        raise DamagedLine("shape", f"longer than {MAX_LINE} bytes")
    if not checksum_holds(line):
        raise DamagedLine("sum", "its checksum does not hold")
    event = _parse(line)
    version = event.get("v")
    if type(version) is int and version > VERSION:
        raise DamagedLine("version", f"written in format {version}, newer than {VERSION}")
    if fault := _fault(event):
        raise DamagedLine("shape", fault)
    return event


def _parse(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise DamagedLine("json", str(error)) from None
    if not isinstance(event, dict):
        raise DamagedLine("shape", "not an object")
    return event


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # json keeps the last of two equal keys; another reader might keep the first and see another event.
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _no_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _is_text(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_time(value: Any) -> bool:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "v": lambda value: type(value) is int and value == VERSION,
    "id": _is_text(_ID),
    "time": _is_time,
    "app": valid_name,
    "version": valid_name,
    "name": valid_name,
    "user": valid_name,
    "session": valid_name,
    "ci": lambda value: type(value) is bool,
    "agent": valid_name,
    "os": valid_name,
    "arch": valid_name,
    "cpus": lambda value: type(value) is int and 0 < value < 1 << 20,
    "runtime": lambda value: isinstance(value, str) and valid_name(value.replace(" ", "_")),
    "fields": lambda value: isinstance(value, dict),
    "sum": _is_text(_SUM),
}


_OPTIONAL = frozenset(("user", "agent"))
#: The keys of a line of the level "none"; `agent` may be missing there too.
_UNLINKED = frozenset(("v", "id", "time", "app", "version", "name", "ci", "agent", "fields", "sum"))


def is_unlinked(event: Mapping[str, Any]) -> bool:
    """Say whether a decoded event is of the level "none": nothing in it belongs to another event as well."""
    return "session" not in event


def _fault(event: Mapping[str, Any]) -> str:
    """Name the first thing that is wrong with an event, or nothing. `user` and `agent` may be missing."""
    unlinked = is_unlinked(event)
    known, optional = (_UNLINKED, {"agent"}) if unlinked else (frozenset(_CHECKS), _OPTIONAL)
    if event.keys() | optional != known:
        return "keys are missing or unknown"
    for key, value in event.items():
        if not _CHECKS[key](value):
            return f"{key} is not what it must be"
    if unlinked != (len(event["time"]) == DAY_LENGTH):
        return "its time is as exact as another level has it"
    if unlinked and event["id"][14] != "4":
        return "its id is not random"
    for key, value in event["fields"].items():
        if not valid_name(key) or not _is_closed(value):
            return "a field is not a closed value"
    return ""


def _is_closed(value: Any) -> bool:
    if isinstance(value, str):
        return valid_name(value)
    return isinstance(value, bool) or (isinstance(value, int) and value in _INTEGERS)
