"""What a pass that nobody waits for is started with: our code, and of the environment what cannot turn it against us.

A host may have loaded variables from a file of the folder in which somebody works (`.env`), and that folder may be a
stranger's. So the interpreter of a pass is isolated (`-I`): no PYTHON* variable, no user site folder, no working folder.
Where the host imports from is handed over by name, in its arguments. Variables that could load code, or say whom to
trust, are taken as they were when the host began, which Linux knows.
"""

import os
import sys

from shipper.recording.foreign import is_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a pass sees of the host's environment as it is now: where things lie, and what lowers consent.
_NOW = frozenset(("HOME", "LANG", "TMPDIR", "DO_NOT_TRACK", "CI"))
_NOW_BEGINNINGS = ("XDG_", "SHIPPER_")
#: What it sees as it was when the host began: by them somebody else could listen in. Where that is not known, as it is now.
_BEGUN_BEGINNINGS = ("SSL_",)
_BEGUN_ENDS = ("_PROXY", "_proxy")
#: The same, but not at all where it is not known: by them somebody else's code could be loaded.
_CODE = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME")
_RAISES = ("1", "on", "true", "yes")

# Arguments: the folder (or archive) that holds this very shipper, further places, "--", the command line. It is found by its
# place: were it found by its name, a package called `shipper` that is installed elsewhere would be run instead.
_START = """
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
end = sys.argv.index("--")
home, *places = sys.argv[1:end]
del sys.argv[1:end + 1]
spec = PathFinder.find_spec("shipper", [home])
sys.modules["shipper"] = module_from_spec(spec)
spec.loader.exec_module(sys.modules["shipper"])
from shipper.wakeup.import_paths import find_in
find_in(home, places)
from shipper.cli import main
sys.exit(main())
"""


def program(spool: "str") -> "list[str]":
    """The command of a pass that nobody waits for. No variable and no folder of a stranger adds code to it."""
    flags = ["-P", "-s"] if "PYTHONHOME" in (begun() or {}) else ["-I"]
    return [sys.executable, *flags, "-c", _START, _home(), *_places(), "--", "flush", "--implicit", spool]


def _home() -> "str":
    """The folder or archive that holds this very shipper."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _places() -> "list[str]":
    """Where this process imports from, its working folder left out."""
    try:
        here = os.getcwd()
    except OSError as error:  # it was removed
        if is_foreign(error):
            raise
        here = ""
    return [place for place in dict.fromkeys(sys.path) if os.path.isabs(place) and place not in (here, _home())]


def begun() -> "Mapping[str, str] | None":
    """The environment with which this process began, or None where the system does not tell."""
    try:
        with open("/proc/self/environ", "rb") as file:
            pairs = [pair.partition(b"=") for pair in file.read().split(b"\0")]
    except OSError as error:
        if is_foreign(error):
            raise
        return None
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs if name}


def cut(environ: "Mapping[str, str]", prefix: "str", first: "Mapping[str, str] | None") -> "dict[str, str]":
    """Cut the environment down to what a pass needs, with recursion switched off.

    `prefix` is the app's variable: of those that begin with it one that came after the process began, whose environment
    was `first` (None: unknown), may lower consent and nothing else.
    """
    kept = {}
    for name, value in environ.items():
        if name in _NOW or name.startswith(_NOW_BEGINNINGS) or (first is None and _listens(name)):
            kept[name] = value
        elif name.startswith(prefix):
            lowers = name == prefix and value.strip().lower() not in _RAISES
            if first is None or first.get(name) == value or lowers:
                kept[name] = value
    if first is not None:
        kept |= {name: value for name, value in first.items() if _listens(name) or name in _CODE}
    return kept | {"SHIPPER_SPAWN": "0"}


def _listens(name: "str") -> "bool":
    return name.startswith(_BEGUN_BEGINNINGS) or name.endswith(_BEGUN_ENDS)
