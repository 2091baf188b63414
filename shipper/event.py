"""An event: what an app may say, and the line in which it is kept.

There is no free text: the fields of an event have closed types. A value that is outside its type never leaves as it is:
it becomes `"other"` where the type has words, or is left out where it has numbers, and the event says in
`shipper.out_of_type` how many of its values that befell. Under SHIPPER_STRICT=1, as in an app's tests, it raises
BadValue instead.

One event is one line of compact JSON in UTF-8, keys in a fixed order, at most 16 KiB with its newline:

    {"v":1,"id":"<uuid7>","time":"2026-11-23T10:00:00.123Z","app":"wunderctl","version":"0.150.0","name":"command",
     "user":"<pseudonymous id>","session":"<random, one per process>","ci":false,"os":"linux","arch":"x86_64","cpus":8,
     "runtime":"cpython 3.12.1","fields":{"command":"up","duration_ms":1234,"outcome":"ok"},"crc":"1c291ca3"}

`user` is left out in CI, in homes made for one run, and while another process is making the id. `crc` is the CRC-32 of
the line without its newline and its last 18 bytes (`,"crc":"xxxxxxxx"}`), so a flipped bit, a run of NULs or two glued
lines cost only themselves.

The line is written by hand: importing json would cost the host more than everything else that recording does. Nothing
needs escaping, because every string in it is checked when it is declared (`valid_name`). Reading a line back is the
work of `shipper.reader`, which a process that only records never loads.
"""

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, NoReturn

#: The format's version, first in every line. A reader leaves a newer one alone.
VERSION = 1
#: Bytes of a line, newline included. An event is a few hundred; what is larger was never declared by us.
MAX_LINE = 16 * 1024
#: Characters of a name, version, member or class.
MAX_NAME = 64
#: Bytes of `,"crc":"xxxxxxxx"}`.
CRC_TAIL = 18
#: Fields of one event. With names and values of at most 64 characters every line then stays below MAX_LINE.
MAX_FIELDS = 64
#: Milliseconds in 31 days: a command that took longer is a clock that jumped.
MAX_MILLISECONDS = 31 * 24 * 3600 * 1000
#: What a closed set of words says instead of a word that is not its own.
OTHER = "other"
#: The field that counts the values of its event that were outside their types. Every event may carry it.
OUT_OF_TYPE = "shipper.out_of_type"

#: How a checksum is folded by hand: in each row the bits of the message above `height` come back into the `height` bits
#: below them, multiplied by x^height modulo the CRC-32's polynomial (IEEE 802.3, zlib's); a product of polynomials over
#: GF(2) is the xor of shifted copies, and these are the shifts. Heights near half of the one before, with few shifts.
_FOLDS = (
    (16596, (1, 3, 4, 5, 12, 16, 22, 31)),
    (8453, (10, 15, 24, 26, 27, 28, 29, 31)),
    (4243, (2, 7, 9, 15, 19, 25, 26, 30, 31)),
    (2151, (4, 7, 10, 11, 14, 15, 16, 27, 29, 30, 31)),
    (1210, (3, 6, 8, 13, 15, 18, 22, 23, 24, 31)),
    (664, (3, 7, 11, 12, 13, 18, 22, 27, 30, 31)),
    (381, (3, 7, 8, 13, 14, 15, 21, 23, 27, 29, 31)),
    (206, (7, 8, 11, 14, 15, 20, 22, 25, 26, 27, 29)),
    (128, (0, 1, 2, 4, 8, 10, 13, 17, 19, 21, 22, 29, 31)),
    (80, (1, 4, 5, 6, 7, 9, 11, 13, 14, 15, 17, 18, 20, 27, 31)),
    (62, (0, 1, 3, 7, 11, 14, 15, 16, 19, 25, 27, 29, 31)),
)
#: Bytes of the longest message that these rows fold: a row takes at most 2 x height - 31 bits, 32 of them are padding.
_LONGEST_BY_HAND = 4096
#: How many more checksums this process makes by hand. One takes 0.02 ms; to load binascii takes 0.5 ms where it is a
#: shared library, which drags zlib in, and most invocations record one or two events.
_by_hand = 8

_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:+/<>-")
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}


def valid_name(text: "object") -> "bool":
    """Say whether text matches `[A-Za-z0-9_.:+/<>-]{1,64}`: what may stand in a line unescaped."""
    return isinstance(text, str) and 0 < len(text) <= MAX_NAME and _NAME_CHARACTERS.issuperset(text)


def valid_id(text: "object") -> "bool":
    """Say whether text can be a person's id: a name without the signs that mean something in a path or an address."""
    return valid_name(text) and str(text).replace("-", "").replace("_", "").isalnum()


class ValueType:
    """The closed type of a field: made by one_of(), integer(), milliseconds(), flag(), version_number(), error_class().

    `kind` is its maker's name and `detail` the maker's arguments. `reason` says why the field is collected (empty: the
    event's reason covers it), `owner` who answers for it (empty: the event's owner), `expires` ("YYYY-MM-DD") is the
    last day on which it is recorded. Raises DeclarationError when one of them is wrong.
    """

    __slots__ = ("detail", "expires", "kind", "own_package", "owner", "reason")

    def __init__(
        self,
        kind: "str",
        detail: "tuple[Any, ...]" = (),
        about: "tuple[str, str, str]" = ("", "", ""),
    ) -> "None":
        self.kind, self.detail = kind, detail
        self.reason, self.owner, self.expires = about
        self.own_package = ""
        _check_about(self, kind)

    def encode(self, value: "object") -> "str | None":
        """Say value as JSON, or None when it is outside this type."""
        kind, detail = self.kind, self.detail
        if isinstance(value, str) and value == OTHER:
            return OTHERWISE.get(kind)
        if kind == "one_of":
            # The member is said, not the value: a str subclass may print as something else.
            return f'"{detail[detail.index(value)]}"' if isinstance(value, str) and value in detail else None
        if kind == "flag":
            return "true" if value is True else "false" if value is False else None
        if kind == "integer":
            if isinstance(value, bool) or not isinstance(value, int) or not detail[0] <= value <= detail[1]:
                return None
            return str(int(value))
        if kind == "milliseconds":
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_MILLISECONDS:
                return None
            return str(max([bound for bound in detail if bound <= value], default=0) if detail else int(value))
        if value is None:
            return None
        from shipper.wording import class_name, leading_numbers

        said = leading_numbers(value) if kind == "version_number" else class_name(value, detail, self.own_package)
        return f'"{said}"' if said else None

    def manifest(self) -> "str":
        """Describe the type as a JSON object: type, its arguments by name, reason, owner, expires."""
        said = f'{{"type":"{self.kind}"'
        if self.detail:
            items = [f'"{item}"' if isinstance(item, str) else str(item) for item in self.detail]
            said += f',"{DETAILS[self.kind]}":[{",".join(items)}]'
        return said + _said_about(self) + "}"


#: How a declaration calls the arguments of the types that have some.
DETAILS = {"one_of": "members", "integer": "range", "milliseconds": "bounds", "error_class": "packages"}
#: What is said, as JSON, of a value that is outside a type that has words; one of any other type is left out.
OTHERWISE = dict.fromkeys(("one_of", "version_number", "error_class"), f'"{OTHER}"')


def one_of(*members: "str", reason: "str" = "", owner: "str" = "", expires: "str" = "") -> "ValueType":
    """One of these words; anything else is said as "other"."""
    if not members or len(frozenset(members)) != len(members):
        _wrong("one_of() needs members, each once")
    for member in members:
        if not valid_name(member):
            _wrong(f"{member!r} cannot be a member: 1 to 64 of A-Z a-z 0-9 _ . : + / < > -")
    return ValueType("one_of", members, (reason, owner, expires))


def integer(low: "int", high: "int", *, reason: "str" = "", owner: "str" = "", expires: "str" = "") -> "ValueType":
    """A whole number from low to high, both included; anything else is left out."""
    if type(low) is not int or type(high) is not int or not -(1 << 63) <= low <= high < 1 << 63:
        _wrong("integer() needs low <= high, whole numbers of 64 bits")
    return ValueType("integer", (low, high), (reason, owner, expires))


def milliseconds(*bounds: "int", reason: "str" = "", owner: "str" = "", expires: "str" = "") -> "ValueType":
    """A duration in whole milliseconds, at most 31 days; anything else is left out.

    With bounds it is said roughly: the largest bound that it reaches, or 0.
    """
    if [bound for bound in bounds if type(bound) is not int or not 0 < bound <= MAX_MILLISECONDS]:
        _wrong("the bounds of milliseconds() are whole numbers from 1 to 31 days")
    return ValueType("milliseconds", tuple(sorted(bounds)), (reason, owner, expires))


def flag(*, reason: "str" = "", owner: "str" = "", expires: "str" = "") -> "ValueType":
    """True or False; anything else is left out."""
    return ValueType("flag", (), (reason, owner, expires))


def version_number(*, reason: "str" = "", owner: "str" = "", expires: "str" = "") -> "ValueType":
    """The leading dotted numbers of a version, at most four ("v18.2.0-mine" is said as "18.2.0"); else "other"."""
    return ValueType("version_number", (), (reason, owner, expires))


def error_class(*packages: "str", reason: "str" = "", owner: "str" = "", expires: "str" = "") -> "ValueType":
    """The qualified name of an exception's class, never its message; else "other".

    It is said when the class is built in, of the standard library, of the package that declares this type, or of an
    installed package; with packages given, of those instead of any installed one. A class from somebody's own project
    is not said. Takes an exception, a class, or the name of a built-in class or of one in packages.
    """
    for package in packages:
        if not valid_name(package) or "." in package:
            _wrong(f"{package!r} is not the name of a top-level package")
    kind = ValueType("error_class", packages, (reason, owner, expires))
    kind.own_package = str(sys._getframe(1).f_globals.get("__name__")).partition(".")[0]
    return kind


class Event:
    """One declared fact: its name, why it is collected, and the type of each field.

    `owner` says who answers for it and `expires` ("YYYY-MM-DD") is the last day, in UTC, on which it is recorded.
    Raises DeclarationError when the declaration is wrong.
    """

    __slots__ = ("expires", "fields", "name", "owner", "reason")

    def __init__(
        self, name: "str", reason: "str", /, *, owner: "str" = "", expires: "str" = "", **fields: "ValueType"
    ) -> "None":
        if not valid_name(name) or name.startswith("shipper."):
            _wrong(
                f"{name!r} cannot name an event: 1 to 64 of A-Z a-z 0-9 _ . : + / < > -, not beginning with shipper."
            )
        if not reason:
            _wrong(f"the event {name} says no reason: write one sentence that a stranger understands")
        if len(fields) > MAX_FIELDS:
            _wrong(f"the event {name} has more than {MAX_FIELDS} fields")
        for field, kind in fields.items():
            if not valid_name(field) or field.startswith("shipper.") or not isinstance(kind, ValueType):
                _wrong(f"{name}.{field} is not a field: give a name and a type such as flag() or one_of()")
        self.name, self.reason, self.owner, self.expires, self.fields = name, reason, owner, expires, fields
        _check_about(self, name)

    def expired(self, today: "str") -> "bool":
        """Say whether today ("YYYY-MM-DD") lies after the event's last day."""
        return "" != self.expires < today

    def encode_fields(self, given: "Mapping[str, object]", strict: "bool" = False, today: "str" = "") -> "str":
        """Say the given values as JSON, `"command":"up","duration_ms":12`, in the order in which they are declared.

        Fields that are not given and fields past their last day are left out. A value outside its type, or one whose
        field was never declared, is counted in `shipper.out_of_type`; when strict it raises BadValue.
        """
        said = []
        outside: list[str] = []
        for field, kind in self.fields.items():
            if field not in given or "" != kind.expires < today:
                continue
            text = kind.encode(given[field])
            if text is None:
                outside.append(field)
                text = OTHERWISE.get(kind.kind)
            if text is not None:
                said.append(f'"{field}":{text}')
        outside += [field for field in given if field not in self.fields]
        if outside and strict:
            from shipper.errors import bad_value

            raise bad_value(self, outside[0], given[outside[0]])
        if outside:
            said.append(f'"{OUT_OF_TYPE}":{len(outside)}')
        return ",".join(said)

    def manifest(self) -> "str":
        """Describe the event as a JSON object."""
        fields = ",".join([f'"{field}":{kind.manifest()}' for field, kind in self.fields.items()])
        return f'{{"name":"{self.name}"{_said_about(self)},"fields":{{{fields}}}}}'


def by_name(events: "Iterable[Event]") -> "dict[str, Event]":
    """Make the catalog: events by name. Raises DeclarationError when a name stands twice or something is no Event."""
    catalog: dict[str, Event] = {}
    for event in events:
        if event.name in catalog:
            _wrong(f"the event {event.name} is declared twice")
        catalog[event.name] = event
    return catalog


def quote(text: "str") -> "str":
    """Write text as a JSON string in ASCII."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    units = memoryview(text.encode("utf-16", "surrogatepass")).cast("H")[1:]  # the first is the byte order mark
    plain = [chr(unit) if 32 <= unit < 127 and unit not in (34, 92) else f"\\u{unit:04x}" for unit in units]
    return '"' + "".join(plain) + '"'


def valid_date(text: "object") -> "bool":
    """Say whether text is a day, "YYYY-MM-DD"."""
    if not isinstance(text, str) or len(text) != 10 or not text.isascii() or text[4] + text[7] != "--":
        return False
    year, month, day = text[:4], text[5:7], text[8:]
    return (year + month + day).isdigit() and "01" <= month <= "12" and "01" <= day <= "31"


def _check_about(declared: "ValueType | Event", name: "str") -> "None":
    for text in (declared.reason, declared.owner, declared.expires):
        if not isinstance(text, str):
            _wrong(f"reason, owner and expires of {name} are text, not {text!r}")
    if declared.expires and not valid_date(declared.expires):
        _wrong(f'{name} expires on {declared.expires!r}, which is no day: write "YYYY-MM-DD"')


def _said_about(declared: "ValueType | Event") -> "str":
    said = ""
    if declared.reason:
        said = f',"reason":{quote(declared.reason)}'
    if declared.owner:
        said += f',"owner":{quote(declared.owner)}'
    if declared.expires:
        said += f',"expires":"{declared.expires}"'
    return said


def _wrong(message: "str") -> "NoReturn":
    from shipper.errors import DeclarationError

    raise DeclarationError(message)


def new_id(milliseconds: "int", randomness: "bytes") -> "str":
    """Make a UUID version 7 (RFC 9562, section 5.7) from Unix milliseconds and ten random bytes (74 bits are used)."""
    top = (milliseconds & 0xFFFFFFFFFFFF) << 16 | 0x7000 | (randomness[0] << 8 | randomness[1]) & 0x0FFF
    low = int.from_bytes(randomness[2:10], "big") & 0x3FFFFFFFFFFFFFFF | 0x8000000000000000
    digits = f"{top:016x}{low:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def format_time(milliseconds: "int") -> "str":
    """Write Unix milliseconds as RFC 3339 in UTC; what lies before 1970 or past 9999 is moved to the nearest end."""
    seconds, rest = divmod(min(max(milliseconds, 0), 253402300799999), 1000)
    year, month, day, hour, minute, second = time.gmtime(seconds)[:6]
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}.{rest:03d}Z"


def surroundings() -> "str":
    """Describe this machine's kind in closed values: the keys os, arch, cpus and runtime, as they stand in the line."""
    system = _SYSTEMS.get(sys.platform, "other")
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    arch = _ARCHITECTURES.get(machine.lower(), "other")
    runtime = f"{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}.{sys.version_info[2]}"
    # The processors that this process may use, asked of the scheduler: os.cpu_count() reads a file.
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f'"os":"{system}","arch":"{arch}","cpus":{cpus},"runtime":"{runtime}"'


def crc32(data: "bytes") -> "int":
    """The CRC-32 of data, as zlib's."""
    global _by_hand
    if _by_hand <= 0 or len(data) > _LONGEST_BY_HAND or "binascii" in sys.modules:
        import binascii

        return binascii.crc32(data)
    _by_hand -= 1
    # The message as one number, its first bit lowest; 32 zero bits follow it, as in every CRC.
    rest, bits = int.from_bytes(data, "little") ^ 0xFFFFFFFF, 8 * len(data) + 32
    for height, shifts in _FOLDS:
        above = bits - height
        if above > 0:
            high, product = rest & (1 << above) - 1, 0
            for shift in shifts:
                product ^= high << shift
            rest, bits = rest >> above ^ product << height - above - 31, height
    for _ in range(bits - 32):
        rest = rest >> 1 ^ (0xEDB88320 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF


def seal_line(text: "str") -> "bytes":
    """Close an open line (everything up to, not including, the crc) with its checksum and newline."""
    body = text.encode("ascii")
    return b'%s,"crc":"%08x"}\n' % (body, crc32(body))
