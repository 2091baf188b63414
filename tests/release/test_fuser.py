"""What hatch_build.py makes of sources: one file for each door, or an error that says where the sources clash."""

import importlib.util
import marshal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.wheels import ROOT

pytest.importorskip("hatchling", reason="hatchling is not installed: it runs the build hook")


def loaded_hook() -> Any:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOK = loaded_hook()
BYTES = {
    "shipper/__init__.py": 110_500,
    "shipper/wakeup/__init__.py": 20_700,
    "shipper/integrations/__init__.py": 24_700,
}
"""Bytes of each door's bytecode, at most, on 3.11, whose is the largest."""
DOOR = '"""The door."""\n\nfrom kit.rooms.upper import Upper\n\n__all__ = ["Upper"]\n'
UPPER = '''"""The upper room."""

import os
import sys

from kit.rooms.lower import Lower

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from kit.rooms.lower import Never

_seen: "dict[str, int]" = {}


class Upper(Lower):
    """What the door shows."""

    def where(self, *names: "str", deep: "bool" = False, more: "Mapping[str, str] | None" = None) -> "str":
        """Say where, é and all: `->` is no arrow here."""
        from kit import rare
        from kit.rooms.lower import LIMIT

        found: str = f"{os.sep}{names}{deep:d}{LIMIT}"
        rest: int
        rest = rare.NUMBER + LIMIT
        _seen[found] = rest
        return found
'''
LOWER = '''"""The lower room."""

import os

#: How much.
LIMIT = 1 << 20


class Lower:
    """What is below."""

    path: "str" = os.curdir
'''


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    write(tmp_path, **{"__init__": DOOR, "rooms/__init__": "", "rooms/upper": UPPER, "rooms/lower": LOWER})
    write(tmp_path, rare="NUMBER = 1\n")
    return tmp_path


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = folder / "kit" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def fused(kit: Path, *doors: str) -> dict[str, str]:
    return {path: text.decode() for path, text in HOOK.fuse(str(kit), ("kit", *doors)).items()}


def test_the_door_holds_its_sources_without_what_is_for_type_checkers_only(kit: Path) -> None:
    files = fused(kit)

    assert set(files) == {
        "kit/__init__.py", "kit/__init__.pyi", "kit/rooms/upper.py", "kit/rooms/upper.pyi", "kit/rooms/lower.py",
        "kit/rooms/lower.pyi",
    }  # fmt: skip
    door = files["kit/__init__.py"]
    assert door.startswith('"""The door."""\n\nimport os\nimport sys\n')
    assert door.index("# ---- kit/rooms/lower.py") < door.index("# ---- kit/rooms/upper.py")
    assert 'def where(self, *names, deep = False, more = None):\n        """Say where' in door
    assert "Mapping" not in door
    assert "Never" not in door
    assert ': "' not in door
    assert "#: How much.\nLIMIT = 1 << 20\n" in door
    assert files["kit/rooms/upper.pyi"] == UPPER


def test_the_fused_program_does_what_the_sources_do(kit: Path, tmp_path: Path) -> None:
    code = (
        "import kit, kit.rooms.upper, kit.rooms.lower as lower\n"
        "print(kit.Upper().where('a', deep=True), kit.Upper.path, kit.rooms.upper.Upper is kit.Upper,"
        " lower.Lower is kit.Upper.__mro__[1], kit.rooms.upper._seen)"
    )
    before = subprocess.run([sys.executable, "-c", code], cwd=kit, capture_output=True, text=True, check=True).stdout
    for path, text in fused(kit).items():
        (tmp_path / path).write_text(text)
    after = subprocess.run([sys.executable, "-c", code], cwd=kit, capture_output=True, text=True, check=True).stdout
    assert after == before == "/('a',)11048576 . True True {\"/('a',)11048576\": 1048577}\n"


def test_it_is_the_same_every_time(kit: Path) -> None:
    assert fused(kit) == fused(kit)


def test_a_name_that_stands_twice_stops_the_build(kit: Path) -> None:
    write(kit, **{"rooms/lower": LOWER + "\n_seen = 1\n"})
    with pytest.raises(HOOK.FuseError, match=r"kit/rooms/upper\.py:14: _seen is kit/rooms/lower\.py:14 already"):
        fused(kit)


def test_a_name_that_a_module_beside_the_door_has_stops_the_build(kit: Path) -> None:
    write(kit, **{"rooms/lower": LOWER + "\n\ndef rare(): ...\n"})
    with pytest.raises(HOOK.FuseError, match="rare is a module already"):
        fused(kit)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("from kit.rooms import lower\n", "import names of a module, under their own name"),
        ("from kit.rooms.lower import LIMIT as limit\n", "import names of a module, under their own name"),
        ("for name in ():\n    pass\n", "only imports, constants, functions and classes stand at the top"),
        ("if True:\n    pass\n", "only imports, constants, functions and classes stand at the top"),
    ],
)
def test_what_cannot_be_fused_stops_the_build(text: str, reason: str, kit: Path) -> None:
    write(kit, **{"rooms/upper": UPPER + text})
    with pytest.raises(HOOK.FuseError, match=reason):
        fused(kit)


def test_a_second_door_takes_from_the_first_what_both_load(kit: Path) -> None:
    write(kit, **{"side/__init__": '"""A side door."""\n\nfrom kit.rooms.lower import LIMIT\n\nTWICE = 2 * LIMIT\n'})
    assert "from kit import LIMIT\n" in fused(kit, "kit.side")["kit/side/__init__.py"]


def test_the_doors_of_shipper_hold_all_that_a_recording_process_loads() -> None:
    """Nobody keeps a list: what the front door loads, however indirectly, is in its file."""
    show = "import shipper, sys; print(*sorted(name for name in sys.modules if name.startswith('shipper.')))"
    asked = [sys.executable, "-c", show]
    sources = set(subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())
    aliases = {path for path, text in HOOK.fuse(str(ROOT)).items() if b"is fused into shipper:" in text}
    assert aliases == {name.replace(".", "/") + ".py" for name in sources - {"shipper.recording"}}


@pytest.mark.parametrize("door", BYTES)
def test_a_door_stays_small(door: str) -> None:
    """What is loaded is unmarshalled, so nobody adds to it unseen: some 20 instructions for each byte, in every host."""
    text = HOOK.fuse(str(ROOT))[door]
    assert len(marshal.dumps(compile(text, door, "exec"))) < BYTES[door]
