"""Which packages an app's distribution declares as its dependencies: what is public of an installation.

Read from the metadata that installers leave (`*.dist-info`), by hand, since a command that failed is waiting. Loaded only
when an error is neither built in nor the app's own.
"""

import os
import sys

from shipper.recording.foreign import is_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes of a METADATA or RECORD file that are read: the largest packages list some ten thousand files.
FILE_BYTES = 4 * 1024 * 1024
_found: "dict[str, frozenset[str]]" = {}


def declared_dependencies(own_package: "str") -> "frozenset[str]":
    """Return the top-level packages of the distributions that the distribution of `own_package` requires, extras too."""
    if own_package not in _found:
        places = _distributions()
        own = places.get(_normal(own_package)) or next(
            (place for place in places.values() if own_package in _packages(place)), ""
        )
        required = [places[name] for name in _requirements(own) if name in places]
        _found[own_package] = frozenset(package for place in required for package in _packages(place))
    return _found[own_package]


def _distributions() -> "dict[str, str]":
    """The `.dist-info` folder of each installed distribution, by its normal name; the first on the path counts."""
    found: dict[str, str] = {}
    for place in sys.path:
        try:
            names = os.listdir(place or ".")
        except OSError as error:
            if is_foreign(error):
                raise
            continue
        for name in names:
            if name.endswith(".dist-info"):
                found.setdefault(_normal(name.partition("-")[0]), os.path.join(place, name))
    return found


def _requirements(place: "str") -> "Iterator[str]":
    """The names in the lines `Requires-Dist: httpx[socks] (>=0.27) ; extra == "net"`."""
    for line in _read(place, "METADATA").partition("\n\n")[0].splitlines():
        key, _, value = line.partition(":")
        if key.lower() == "requires-dist":
            value = value.strip()
            yield _normal(value[: len(value) - len(value.lstrip(_NAME))])


_NAME = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


def _packages(place: "str") -> "set[str]":
    """The top-level packages and modules of a distribution, from the list of its files."""
    found = set()
    for line in _read(place, "RECORD").splitlines():
        top, slash, _ = line.partition(",")[0].strip('"').partition("/")
        name = top if slash else top.removesuffix(".py")
        if name.isidentifier():
            found.add(name)
    return found


def _read(place: "str", name: "str") -> "str":
    try:
        with open(os.path.join(place, name), encoding="utf-8", errors="replace") as file:
            return file.read(FILE_BYTES)
    except OSError as error:
        if is_foreign(error):
            raise
        return ""


def _normal(name: "str") -> "str":
    return name.lower().replace("_", "-").replace(".", "-")
