"""What of a version and of an exception may be said. Loaded only once there is one to be recorded."""

import builtins
import sys

from shipper.recording.names import valid_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection


def leading_numbers(value: "object") -> "str":
    """Return the dotted numbers at the head of a version, at most four, "v" before them left out, or ""."""
    return ".".join(_leading_digits(value, 4, 8)) if isinstance(value, str) else ""


def version_numbers(version: "str") -> "tuple[int, ...]":
    """Return the leading dotted numbers of a version: "1.10.0-rc1" is (1, 10, 0); what has none is the lowest."""
    return tuple(map(int, _leading_digits(version, len(version), len(version))))


def version_order(version: "str") -> "tuple[tuple[int, str], ...]":
    """Order versions as people do: 0.9 before 0.10, and 1.0rc1 before 1.0."""
    import re

    parts = re.findall(r"\d+|[A-Za-z]+", version)
    return (*((int(part), "~") if part.isdigit() else (-1, part) for part in parts), (0, ""))


def _leading_digits(version: "str", most: "int", digits_each: "int") -> "list[str]":
    """The leading dotted numbers as text: at most so many, and none of more than `digits_each` digits."""
    found: list[str] = []
    for part in version.removeprefix("v").split(".")[:most]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if 0 < len(digits) <= digits_each:
            found.append(digits)
        if len(digits) not in range(1, digits_each + 1) or digits != part:
            break
    return found


def class_name(value: "object", packages: "Collection[object]", own_package: "str") -> "str":
    """Return the qualified name of an exception's class, or "" when it may not be said.

    It may when the class is built in, of the standard library, of own_package, or of packages; when packages is empty,
    of those that own_package's distribution declares as its dependencies. Any other may not, installed or not: its name is
    somebody else's. value is an exception, its class, or text: the name of a built-in class or of one in packages.
    """
    if isinstance(value, str):
        if value.partition(".")[0] in packages and valid_name(value):
            return str(value)
        value = getattr(builtins, value, None)
    found = value if isinstance(value, type) else type(value)
    if not issubclass(found, BaseException):
        return ""
    package = found.__module__.partition(".")[0]
    if package == "builtins":
        return found.__qualname__
    if not _may_be_said(package, packages, own_package):
        return ""
    # Deep modules make long names: then the package alone says where it comes from.
    names = (f"{found.__module__}.{found.__qualname__}", f"{package}.{found.__qualname__}")
    return next(filter(valid_name, names), "")


def _may_be_said(package: "str", packages: "Collection[object]", own_package: "str") -> "bool":
    if package == own_package or package in packages or package in sys.stdlib_module_names:
        return True
    if packages:
        return False
    from shipper.recording.dependencies import declared_dependencies

    return package in declared_dependencies(own_package)
