"""The closed types of an event's fields. There is no free text.

A value that is outside its type never leaves as it is: it becomes `"other"` where the type has words, or is left out
where it has numbers, and the event says in `shipper.out_of_type` how many of its values that befell. Under
SHIPPER_STRICT=1, as in an app's tests, it raises BadValue instead.
"""

import sys

from shipper.recording.names import valid_date, valid_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, NoReturn

    from shipper.recording.event import Event

    #: A type is made by the maker of its name. Whoever tells them apart by `match` ends with assert_never.
    Kind = Literal[
        "one_of", "integer", "milliseconds", "flag", "version_number", "error_class", "since_first", "first_use"
    ]

#: The types whose values the app finds out itself, on the machine: see shipper.recording.measured.
MEASURED = ("since_first", "first_use")
#: Milliseconds in 31 days: a command that took longer is a clock that jumped.
MAX_MILLISECONDS = 31 * 24 * 3600 * 1000
#: What a closed set of words says instead of a word that is not its own.
OTHER = "other"


class ValueType:
    """The closed type of a field: made by one_of(), integer(), milliseconds(), flag(), version_number(), error_class().

    `kind` is its maker's name and `detail` the maker's arguments. `reason` says why the field is collected (empty: the
    event's reason covers it), `owner` who answers for it (empty: the event's owner), `expires` ("YYYY-MM-DD") is the
    last day on which it is recorded, `since` the day of the release that added or widened it. People who chose before
    that day have not agreed to it and are not recorded with it. Raises DeclarationError when one of them is wrong.
    """

    def __init__(
        self,
        kind: "Kind",
        detail: "tuple[Any, ...]" = (),
        about: "tuple[str, str, str, str]" = ("", "", "", ""),
    ) -> "None":
        self.kind, self.detail = kind, detail
        self.reason, self.owner, self.expires, self.since = about
        self.own_package, self.from_tree = "", False
        self.randomised = 0.0  #: how probable it is that a random word is said instead of the value
        check_metadata(self, kind)

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
        if kind in MEASURED:
            from shipper.recording.spans import encode_measured

            return encode_measured(kind, value)
        from shipper.recording.value_names import class_name, leading_numbers

        said = leading_numbers(value) if kind == "version_number" else class_name(value, detail, self.own_package)
        return f'"{said}"' if said else None

    def manifest(self) -> "str":
        """Describe the type as a JSON object: type, its arguments by name, reason, owner, expires."""
        said = f'{{"type":"{self.kind}"'
        if self.detail:
            items = [f'"{item}"' if isinstance(item, str) else str(item) for item in self.detail]
            said += f',"{DETAILS[self.kind]}":[{",".join(items)}]'
        if self.randomised:
            said += f',"randomised":{self.randomised!r}'
        return said + metadata_json(self) + "}"


#: How a declaration calls the arguments of the types that have some.
DETAILS = {"one_of": "members", "integer": "range", "milliseconds": "bounds", "error_class": "packages",
           "since_first": "commands"}  # fmt: skip
#: What is said, as JSON, of a value that is outside a type that has words; one of any other type is left out.
OTHERWISE = dict.fromkeys(("one_of", "version_number", "error_class"), f'"{OTHER}"')


def one_of(
    *members: "str",
    randomised: "float" = 0.0,
    reason: "str" = "",
    owner: "str" = "",
    expires: "str" = "",
    since: "str" = "",
) -> "ValueType":
    """One of these words; anything else is said as "other".

    With `randomised`, a probability such as 0.1, a random one of the words that it can say (`other` among them) is said
    that often instead of the true one: nobody can hold a single answer against anybody, and the receiver corrects sums.
    """
    if not members or len(frozenset(members)) != len(members):
        wrong("one_of() needs members, each once")
    for member in members:
        if not valid_name(member):
            wrong(f"{member!r} cannot be a member: 1 to 64 of A-Z a-z 0-9 _ . : + / < > -")
    kind = ValueType("one_of", members, (reason, owner, expires, since))
    if randomised:
        if type(randomised) is not float or not 0 < randomised < 1:
            wrong("randomised is a probability above 0 and below 1, such as 0.1")
        kind.randomised = randomised
    return kind


def command_names(
    *more: "str", reason: "str" = "", owner: "str" = "", expires: "str" = "", since: "str" = ""
) -> "ValueType":
    """One of the commands of the instrumented program, named from its tree: nobody lists them by hand.

    `more` are names that the tree does not show by itself: of commands that are made lazily or found by another program.
    """
    kind = one_of(*more) if more else ValueType("one_of")
    kind.reason, kind.owner, kind.expires, kind.since = reason, owner, expires, since
    check_metadata(kind, "command_names()")
    kind.from_tree = True
    return kind


def integer(
    low: "int", high: "int", *, reason: "str" = "", owner: "str" = "", expires: "str" = "", since: "str" = ""
) -> "ValueType":
    """A whole number from low to high, both included; anything else is left out."""
    if type(low) is not int or type(high) is not int or not -(1 << 63) <= low <= high < 1 << 63:
        wrong("integer() needs low <= high, whole numbers of 64 bits")
    return ValueType("integer", (low, high), (reason, owner, expires, since))


def milliseconds(
    *bounds: "int", reason: "str" = "", owner: "str" = "", expires: "str" = "", since: "str" = ""
) -> "ValueType":
    """A duration in whole milliseconds, at most 31 days; anything else is left out.

    With bounds it is said roughly: the largest bound that it reaches, or 0.
    """
    if [bound for bound in bounds if type(bound) is not int or not 0 < bound <= MAX_MILLISECONDS]:
        wrong("the bounds of milliseconds() are whole numbers from 1 to 31 days")
    return ValueType("milliseconds", tuple(sorted(bounds)), (reason, owner, expires, since))


def flag(*, reason: "str" = "", owner: "str" = "", expires: "str" = "", since: "str" = "") -> "ValueType":
    """True or False; anything else is left out."""
    return ValueType("flag", (), (reason, owner, expires, since))


def version_number(*, reason: "str" = "", owner: "str" = "", expires: "str" = "", since: "str" = "") -> "ValueType":
    """The leading dotted numbers of a version, at most four ("v18.2.0-mine" is said as "18.2.0"); else "other"."""
    return ValueType("version_number", (), (reason, owner, expires, since))


def error_class(
    *packages: "str", reason: "str" = "", owner: "str" = "", expires: "str" = "", since: "str" = ""
) -> "ValueType":
    """The qualified name of an exception's class, never its message; else "other".

    It is said when the class is built in, of the standard library, of the package that declares this type, or of
    the packages that its distribution declares as its dependencies; with packages given, of those instead. A class from
    anywhere else is not said, be its package installed or not. Takes an exception, a class, or the name of a built-in
    class or of one in packages.
    """
    for package in packages:
        if not valid_name(package) or "." in package:
            wrong(f"{package!r} is not the name of a top-level package")
    kind = ValueType("error_class", packages, (reason, owner, expires, since))
    kind.own_package = str(sys._getframe(1).f_globals.get("__name__")).partition(".")[0]
    return kind


def quote(text: "str") -> "str":
    """Write text as a JSON string in ASCII."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    units = memoryview(text.encode("utf-16", "surrogatepass")).cast("H")[1:]  # the first is the byte order mark
    plain = [chr(unit) if 32 <= unit < 127 and unit not in (34, 92) else f"\\u{unit:04x}" for unit in units]
    return '"' + "".join(plain) + '"'


def check_metadata(declared: "ValueType | Event", name: "str") -> "None":
    """Check reason, owner, expires and since of what `name` declares. Raises DeclarationError."""
    for text in (declared.reason, declared.owner, declared.expires):
        if not isinstance(text, str):
            wrong(f"reason, owner and expires of {name} are text, not {text!r}")
    if declared.expires and not valid_date(declared.expires):
        wrong(f'{name} expires on {declared.expires!r}, which is no day: write "YYYY-MM-DD"')
    if declared.since and not valid_date(declared.since):
        wrong(f'{name} is recorded since {declared.since!r}, which is no day: write "YYYY-MM-DD"')


def metadata_json(declared: "ValueType | Event") -> "str":
    """Write those of reason, owner, expires and since that are declared as JSON members, each after a comma."""
    said = ""
    if declared.reason:
        said = f',"reason":{quote(declared.reason)}'
    if declared.owner:
        said += f',"owner":{quote(declared.owner)}'
    if declared.expires:
        said += f',"expires":"{declared.expires}"'
    if declared.since:
        said += f',"since":"{declared.since}"'
    return said


def wrong(message: "str") -> "NoReturn":
    """Raise DeclarationError."""
    from shipper.errors import DeclarationError

    raise DeclarationError(message)
