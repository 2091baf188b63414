"""The walls of the house: what may import what. A file imports only from its own room or from lower floors."""

import ast
import importlib.metadata
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import shipper

PACKAGE = Path(shipper.__file__).parent
FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))

# From the ground. Rooms on one floor do not know each other. A room is a folder of the package or a file in it; the files
# of `recording` that stand above what they call are named each.
FLOORS = [
    {"errors"},
    {"recording"},
    {"reader", "files", "durations"},
    {"wakeup", "catalog"},
    {"choices"},
    {"delivery"},
    {"spool"},
    {"recording.app"},
    {"__init__"},
    {"catalog.declaration"},
    {"wires", "integrations", "privacy"},
    {"deletions"},
    {"settling"},
    {"flusher"},
    {"daemon", "service", "collector"},
    {"testing"},
    {"demo"},
    {"cli"},
    {"__main__"},
]
# What App is made of and calls upwards in rare branches.
ABOVE = {"recording.command", "recording.counting", "recording.spooling", "recording.uses"}
# A rare branch of a lower room may call upwards, inside a function: (who, whom, why).
UPWARD = {
    ("recording.app", "integrations"): "instrument() and decorators",
    ("integrations", "cli"): "a CLI's own `telemetry status` is `shipper status`",
}
CORE = {"httpx", "tenacity", "platformdirs", "filelock"}
EXTRAS = {
    "collector": {"starlette", "uvicorn", "h11", "chdb", "httpx", "pyarrow"},
    "cli": {"uvicorn", "argcomplete"},
    "wires": {"certifi", "httpcore"},  # comes with httpx
    "testing": {"pytest"},
    "integrations": {"click", "typer"},
}
#: Lines of a file, and of nine functions in ten: what is longer holds two things.
MOST_LINES, MOST_FUNCTION_LINES = 320, 25
#: What the demo's app calls its commands and events: the first page knew no others.
APP_WORDS = {"datasource", "init", "integration", "up"}
#: What things were called in the first house.
PRIVATE_WORDS = {
    "bell", "chase", "course", "excuse", "facts", "frames", "judge", "mouth", "persons", "shaping",
    "spill", "wording",
}  # fmt: skip


def room(path: Path) -> str:
    """The room that a file belongs to: the package's folder, the file itself, or the file where FLOORS names it."""
    return room_of(".".join(path.with_suffix("").parts))


def room_of(module: str) -> str:
    """The room of a module, named without `shipper.`."""
    alone = ".".join(module.split(".")[:2])
    alone = "recording.app" if alone in ABOVE else alone
    return alone if any(alone in rooms for rooms in FLOORS) else module.split(".")[0]


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every module that a file imports, and whether it does so while it is loaded."""
    tree = ast.parse((PACKAGE / path).read_text())
    inner = {id(node) for found in ast.walk(tree) if isinstance(found, ast.FunctionDef) for node in ast.walk(found)}
    typing_only = {
        id(node)
        for found in ast.walk(tree)
        if isinstance(found, ast.If) and "TYPE_CHECKING" in ast.dump(found.test)
        for node in ast.walk(found)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) not in inner) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = (
                [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "shipper" else [node.module]
            )
            yield from ((name, id(node) not in inner) for name in names)


def floor(name: str) -> int:
    """How high a room lies."""
    return next(height for height, rooms in enumerate(FLOORS) if name in rooms)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_imports_only_from_lower_floors(path: Path) -> None:
    own = room(path)
    for module, loading in imports(path):
        if not module.startswith("shipper."):
            continue
        other = room_of(module.removeprefix("shipper."))
        if "." not in other and not (PACKAGE / f"{other}.py").exists() and not (PACKAGE / other).is_dir():
            other = "__init__"  # a name of the front door's own
        if other == own:
            continue
        if (own, other) in UPWARD:
            assert not loading, f"{path} loads {module}: {UPWARD[own, other]} is a rare branch"
        else:
            assert floor(other) < floor(own), f"{path} imports {module}"


def test_every_room_has_its_floor() -> None:
    known = {name for rooms in FLOORS for name in rooms}
    assert {room(path) for path in FILES} <= known


def test_only_the_transport_and_the_receiver_speak_http() -> None:
    speakers = {
        str(path) for path in FILES for module, _ in imports(path) if module.split(".")[0] in ("httpx", "tenacity")
    }

    assert {name for name in speakers if not name.startswith("collector/")} <= {
        "wires/transport.py",
        "wires/connecting.py",
        "testing/__init__.py",
        "cli/report.py",
    }


def test_the_core_depends_on_four_packages_and_imports_no_other() -> None:
    needed = {
        re.split(r"[<>=!; ]", requirement)[0]
        for requirement in importlib.metadata.requires("event-shipper") or []
        if "extra ==" not in requirement
    }
    assert needed == CORE

    for path in FILES:
        foreign = {module.split(".")[0] for module, _ in imports(path)} - set(sys.stdlib_module_names) - {"shipper"}
        assert foreign <= CORE | EXTRAS.get(room(path), set()), path


def test_the_receiver_knows_neither_spool_nor_delivery() -> None:
    for path in FILES:
        if room(path) == "collector":
            assert not [m for m, _ in imports(path) if m.startswith(("shipper.spool", "shipper.delivery"))], path


def test_no_room_is_called_after_nothing() -> None:
    empty_words = {"utils", "util", "helpers", "helper", "core", "manager", "base", "common", "misc"}
    assert [path for path in FILES if empty_words & set(str(path.with_suffix("")).split("/"))] == []


def module_of(path: Path) -> str:
    """The module in a file, named without `shipper.`; the front door is `__init__`."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def edges() -> dict[str, set[str]]:
    """Which module of ours imports which, inside functions too, but for the arrows that UPWARD excuses."""
    modules = {module_of(path) for path in FILES}
    found: dict[str, set[str]] = {}
    for path in FILES:
        own, targets = module_of(path), set()
        for node in _imports_that_run(path):
            whole = (node.module or "").removeprefix("shipper").lstrip(".")
            for alias in node.names:
                inner = f"{whole}.{alias.name}".lstrip(".")
                targets.add(inner if inner in modules else whole if whole in modules else "__init__")
        found[own] = {to for to in targets if to != own and (room(path), room_of(to)) not in UPWARD}
    return found


def _imports_that_run(path: Path) -> Iterator[ast.ImportFrom]:
    tree = ast.parse((PACKAGE / path).read_text())
    guarded = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    typing_only = {id(node) for guard in guarded for node in ast.walk(guard)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and id(node) not in typing_only
            and (node.module or "").startswith("shipper")
        ):
            yield node


def test_no_module_imports_itself_by_way_of_others_not_even_inside_a_function() -> None:
    graph = edges()
    while leaves := {name for name, to in graph.items() if not to & graph.keys()}:
        graph = {name: to for name, to in graph.items() if name not in leaves}
    assert graph.keys() == set(), "these stand in a circle or above one"


def test_at_most_two_arrows_lead_upwards_and_each_has_its_reason() -> None:
    assert len(UPWARD) <= 2
    assert all(UPWARD.values())


def definitions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    for path in FILES:
        for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield path, node


def test_files_and_functions_stay_small() -> None:
    lines = {str(path): len((PACKAGE / path).read_text().splitlines()) for path in FILES}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}
    lengths = sorted(
        (node.end_lineno or 0) - node.lineno + 1 for _, node in definitions() if not isinstance(node, ast.ClassDef)
    )
    assert lengths[len(lengths) * 9 // 10] <= MOST_FUNCTION_LINES


def test_few_files_stand_directly_in_the_package() -> None:
    assert len([path for path in FILES if len(path.parts) == 1]) <= 10


def test_every_folder_says_what_belongs_in_it() -> None:
    for path in FILES:
        if path.name == "__init__.py":
            assert ast.get_docstring(ast.parse((PACKAGE / path).read_text())), path


def test_no_private_word_comes_back() -> None:
    """They were names that nobody outside knew; the field's own words stand in their places."""
    words = {
        (path, name, word)
        for path, name in [(path, node.name) for path, node in definitions()] + [(path, path.stem) for path in FILES]
        for word in re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
        if word in PRIVATE_WORDS
    }
    assert words == set()


def constants(path: Path) -> Iterator[str]:
    """The texts in a file's code, without its docstrings, which may hold an example of some app's."""
    tree = ast.parse((PACKAGE / path).read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_no_word_of_one_app_is_a_word_of_ours() -> None:
    """What commands and events are called is declared by each app; only the demo is one."""
    for path in FILES:
        if room(path) == "demo":
            continue
        for text in constants(path):
            assert text not in APP_WORDS, f"{path} says {text!r}"
            said = re.findall(rf"""(?<=["'=.`])(?:{"|".join(APP_WORDS)})(?=["'`,)]|$)""", text)
            assert not said, f"{path} says {said[0]!r} in {text!r}"
            assert not set(re.findall(r"\w+", text)) & {"datasource", "integration"}, f"{path}: {text!r}"
    for path, node in definitions():
        assert room(path) == "demo" or node.name not in APP_WORDS, path
    for style in PACKAGE.glob("collector/page/*.[cs][sv][sg]"):
        assert not set(re.findall(r"[\w-]+", style.read_text())) & APP_WORDS, style


def test_two_classes_never_share_a_name() -> None:
    seen: dict[str, Path] = {}
    for path, node in definitions():
        if isinstance(node, ast.ClassDef):
            assert seen.setdefault(node.name, path) == path, f"{node.name} stands in {seen[node.name]} and in {path}"
