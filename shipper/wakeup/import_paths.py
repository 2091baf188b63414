"""Where a pass finds what it needs beyond its interpreter's own packages: in the places that its host imports from.

Only what a pass cannot do without is looked for there. The packages that it would merely like to have (httpx asks for
brotli, tenacity for tornado) are not: a host may import from a folder in which anybody's file can lie.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

#: The core's four dependencies and theirs.
NEEDED = frozenset((
    "anyio", "certifi", "filelock", "h11", "httpcore", "httpx", "idna", "platformdirs", "sniffio", "tenacity",
    "typing_extensions",
))  # fmt: skip


class _Places:
    """A finder for the packages of NEEDED, asked after all others."""

    def __init__(self, places: Sequence[str]) -> None:
        self.places = list(places)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a package, as the import system asks for it."""
        return PathFinder.find_spec(name, self.places, target) if path is None and name in NEEDED else None


def find_in(home: str, places: Sequence[str]) -> None:
    """Let everything be found beside shipper itself, in `home`, and what a pass needs also in `places`."""
    if home not in sys.path:
        sys.path.append(home)
    sys.meta_path.append(_Places([place for place in places if place not in sys.path]))
