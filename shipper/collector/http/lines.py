"""One line -> one event, quickly. A receiver reads many more lines than anybody else.

Senders write every line in one form, and a line of exactly that form is read here in a sixth of the time that a JSON
parser and its checks take. Every other line goes the long way, through `shipper.reader`: it may still be an event.
What is read here is what the long way would have read; a test holds the two together.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from shipper.collector.stores.store import Value
from shipper.reader import decode
from shipper.recording.line import MAX_LINE, SUM_TAIL, checksum

_NAME = r"[A-Za-z0-9_.:+/<>-]{1,64}"
_HOUR = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z"
_LINE = re.compile(
    r'\{"v":1,"id":"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"'
    rf',"time":"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_HOUR})","app":"({_NAME})","version":"({_NAME})","name":"({_NAME})"'
    rf'(?:,"user":"({_NAME})")?,"session":"({_NAME})","ci":(true|false)(?:,"agent":"({_NAME})")?,"os":"({_NAME})","arch":"({_NAME})"'
    r',"cpus":([1-9][0-9]{0,5}),"runtime":"([A-Za-z0-9_.:+/<> -]{1,64})","fields":\{(.*)\}'
    r',"sum":"([0-9a-f]{8})"\}'
)
# The level "none": no user, no session, a day for a time, an id of version 4, nothing of the machine.
_UNLINKED = re.compile(
    r'\{"v":1,"id":"([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})"'
    rf',"time":"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})","app":"({_NAME})","version":"({_NAME})","name":"({_NAME})"'
    rf',"ci":(true|false)(?:,"agent":"({_NAME})")?,"fields":\{{(.*)\}},"sum":"([0-9a-f]{{8}})"\}}'
)
# Where a day ends in a line of that level, and an hour goes on in every other.
_AFTER_DAY = len('{"v":1,"id":"00000000-0000-0000-0000-000000000000","time":"2026-11-23')
_FIELD = re.compile(rf'"({_NAME})":(?:"({_NAME})"|(-?[1-9][0-9]{{0,17}}|0)|(true|false))')

Event = Mapping[str, Any]


def read_line(line: bytes) -> Event:
    """Read one line without its newline. Raises DamagedLine, as `shipper.reader.decode` does."""
    return _read(line) or decode(line)


def _read(line: bytes) -> Event | None:
    """Read a line that is in the senders' own form and undamaged; None for every other."""
    if len(line) > MAX_LINE or not line.isascii():
        return None
    if line[_AFTER_DAY : _AFTER_DAY + 1] == b'"':
        return _read_unlinked(line)
    found = _LINE.fullmatch(line.decode("ascii"))
    if found is None:
        return None
    identity, time, app, version, name, user, session, ci, agent, system, arch, cpus, runtime, inner, checked = (
        found.groups()
    )
    fields = _fields(inner)
    if fields is None or checksum(line[:-SUM_TAIL]) != int(checked, 16) or not _is_day(time[:10]):
        return None
    event = {
        "id": identity, "time": time, "app": app, "version": version, "name": name, "session": session,
        "ci": ci == "true", "os": system, "arch": arch, "cpus": int(cpus), "runtime": runtime, "fields": fields,
    }  # fmt: skip
    if user is not None:
        event["user"] = user
    if agent is not None:
        event["agent"] = agent
    return event


def _read_unlinked(line: bytes) -> Event | None:
    """The same for a line of the level "none"."""
    found = _UNLINKED.fullmatch(line.decode("ascii"))
    if found is None:
        return None
    identity, day, app, version, name, ci, agent, inner, checked = found.groups()
    fields = _fields(inner)
    if fields is None or checksum(line[:-SUM_TAIL]) != int(checked, 16) or not _is_day(day):
        return None
    event = {
        "id": identity, "time": day, "app": app, "version": version, "name": name, "ci": ci == "true", "fields": fields,
    }  # fmt: skip
    return event if agent is None else {**event, "agent": agent}


def _fields(inner: str) -> dict[str, Value] | None:
    """What stands between the braces of `fields`. No name or label can hold a comma, so it can be cut at each."""
    if not inner:
        return {}
    pairs = [_field(part) for part in inner.split(",")]
    fields = dict(pair for pair in pairs if pair is not None)
    return fields if len(fields) == len(pairs) else None


#: Entries are at most some 300 bytes each.
@lru_cache(maxsize=8_192)
def _field(part: str) -> tuple[str, Value] | None:
    found = _FIELD.fullmatch(part)
    if found is None:
        return None
    key, label, number, flag = found.groups()
    if label is not None:
        return key, label
    return (key, int(number)) if number is not None else (key, flag == "true")


@lru_cache(maxsize=4096)
def _is_day(text: str) -> bool:
    from datetime import date

    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
