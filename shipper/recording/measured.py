"""Fields that an app measures on the machine itself, where the receiver would need an id to tell them.

`since_first("init", "up")` is how long it took from the first `init` to the first `up` that ended well, in steps, said
once, by that `up`. `first_use()` is whether something is used here for the first time. For them a file beside the choices,
`<spool>.firsts`, remembers the minute of a first command until it has been said, and what was said; nothing else is.
Loaded by apps that declare such a field.
"""

from shipper.recording.names import valid_name
from shipper.recording.spans import span_of
from shipper.recording.values import OTHER, ValueType, wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shipper.recording.event import Event


def since_first(
    first: "str", last: "str" = "", /, *, reason: "str" = "", owner: "str" = "", expires: "str" = "", since: "str" = ""
) -> "ValueType":
    """How long it took from the first command `first` to the first command `last` that ended well, in steps.

    A field of the event `command`, said once, by that command; without `last` by the first other one that ended well. The
    app measures it on the machine, so no id is needed; nobody gives its value.
    """
    commands = (first, last) if last else (first,)
    for command in commands:
        if not valid_name(command):
            wrong(f"since_first() takes names of commands, not {command!r}")
    return ValueType("since_first", commands, (reason, owner, expires, since))


def first_use(*, reason: "str" = "", owner: "str" = "", expires: "str" = "", since: "str" = "") -> "ValueType":
    """True with the first event of its kind here, for the event `command` the first of each command; else False.

    The app finds it out on the machine, so no id is needed; nobody gives its value.
    """
    return ValueType("first_use", (), (reason, owner, expires, since))


def measure(
    event: "Event", fields: "Mapping[str, object]", marks: "Sequence[str]", minute: "int"
) -> "tuple[dict[str, object], list[str]]":
    """Decide what the measured fields of one event say, and what is remembered after it.

    `fields` are the event's, `minute` is the Unix time in minutes, and `marks` were remembered before: `<key>@<minute>`
    is since when a duration runs, `<key>!` that it was said, `<key>` that something was used; a key is `<event>.<field>`,
    behind it `:<command>` for the use of a command. Returns the values by field, and the marks.
    """
    said: dict[str, object] = {}
    kept = list(marks)
    command = str(fields.get("command")) if event.name == "command" else ""
    for field in event.measured:
        kind, key = event.fields[field], f"{event.name}.{field}"
        if kind.kind == "first_use":
            key += f":{command}" if command else ""
            said[field] = key not in kept
            kept += [key] if said[field] else []
        elif kind.kind == "since_first" and key + "!" not in kept:
            begun = next((mark for mark in kept if mark.startswith(key + "@")), "")
            if not begun and command == kind.detail[0]:
                kept.append(f"{key}@{minute}")
            elif begun and _ends(kind, command, fields):
                said[field] = span_of(minute - int(begun[len(key) + 1 :]))
                kept[kept.index(begun)] = key + "!"
    return said, kept


def _ends(kind: "ValueType", command: "str", fields: "Mapping[str, object]") -> "bool":
    """Say whether a command ends a duration that runs."""
    wanted = command == kind.detail[1] if len(kind.detail) > 1 else command != kind.detail[0]
    return wanted and fields.get("outcome", "ok") == "ok"


def randomise(event: "Event", fields: "Mapping[str, object]", draw: "Callable[[int], bytes]") -> "dict[str, object]":
    """Say a random word in the place of some values: where a field is randomised, as often as it declares.

    `draw(n)` returns n random bytes. The random word is any that the field can say, the true one and `other` among them:
    so no word is proof of anything, not even that a value was outside the type, which is not counted here either.
    """
    answers = dict(fields)
    for field in event.measured:
        kind = event.fields[field]
        if kind.randomised and field in fields:
            words = said_words(kind)
            given = fields[field]
            chance, which = (int.from_bytes(draw(8), "big") / 2**64 for _ in range(2))
            lied = chance < kind.randomised
            answers[field] = words[int(which * len(words))] if lied else given if given in words else OTHER
    return answers


def said_words(kind: "ValueType") -> "tuple[str, ...]":
    """Every word that a one_of() can say, once each."""
    return tuple(dict.fromkeys((*kind.detail, OTHER)))
