"""Build the wheel: what a host's process loads is fused, one file for each door.

A door is a module that hosts load. What it loads of ours while it is loaded becomes part of its file, because each file
costs every host a tenth of a millisecond: the sources are small, the wheel is cheap. The text is spliced, never written
anew, so tracebacks and `inspect` show the sources' own lines. Annotations are left out, for they are compiled too. Where
a fused module stood, another name of the door stands, and beside it the source as the stub that type checkers read. An
editable install runs from the sources.
"""

import ast
import os
import shutil
import tempfile
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: What two of them load belongs to the first.
DOORS = (
    "shipper",
    "shipper.wakeup",
    "shipper.integrations",
    "shipper.integrations.function",
    "shipper.integrations.argparse",
    "shipper.integrations.typer",
)
ALIAS = """# {name} is fused into {door}: this is its other name, and its source is the .pyi beside it.
import sys

import {door} as door

sys.modules[__name__] = door
"""


class FuseError(Exception):
    """The sources cannot be fused as they are."""


class Source:
    """One module's text, its tree, and what is to be cut: (start, end, instead) in bytes."""

    def __init__(self, root: str, name: str) -> None:
        path = name.replace(".", "/")
        self.name, self.path = name, f"{path}/__init__.py" if os.path.isdir(f"{root}/{path}") else f"{path}.py"
        self.file = os.path.join(root, self.path)
        with open(self.file, "rb") as file:
            self.text = file.read()
        self.tree, self.cuts = ast.parse(self.text), list[tuple[int, int, bytes]]()
        self.lines = self.text.splitlines(keepends=True)

    def span(self, node: Any) -> tuple[int, int]:
        """Where a node begins and ends."""
        rows = [(node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)]
        start, end = (sum(map(len, self.lines[: row - 1])) + column for row, column in rows)
        return start, end

    def spliced(self) -> bytes:
        """The text without what is cut."""
        text = self.text
        for start, end, instead in sorted(self.cuts, reverse=True):
            text = text[:start] + instead + text[end:]
        return text

    def strip(self, door: str, owners: dict[str, str]) -> dict[str, str]:
        """Cut imports and all that is for type checkers only; return what is defined and imported at the top."""
        names: dict[str, str] = {}
        for node in list(self.tree.body):
            where = f"{self.path}:{node.lineno}"
            match node:
                case ast.If(test=ast.Name("TYPE_CHECKING")):
                    self.tree.body.remove(node)
                    self.cuts.append((*self.span(node), b""))
                case ast.Import():
                    names |= {alias.asname or alias.name: f"import {alias.name}" for alias in node.names}
                    self.cuts.append((*self.span(node), b""))
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    names[node.name] = where
                case ast.Assign() | ast.AnnAssign():
                    stored = (each for each in ast.walk(node) if isinstance(each, ast.Name))
                    names |= {each.id: where for each in stored if isinstance(each.ctx, ast.Store)}
                case ast.ImportFrom() | ast.Expr(ast.Constant()):
                    pass
                case _:
                    raise FuseError(f"{where}: only imports, constants, functions and classes stand at the top")
        for inner in ast.walk(self.tree):
            self._strip_node(inner, door, owners)
        return {name: where for name, where in names.items() if name != "TYPE_CHECKING"}

    def _strip_node(self, node: ast.AST, door: str, owners: dict[str, str]) -> None:
        match node:
            case ast.arg(annotation=ast.expr() as annotation):
                self.cuts.append((self.span(node)[0] + len(node.arg.encode()), self.span(annotation)[1], b""))
            case ast.FunctionDef(returns=ast.expr() as returns) | ast.AsyncFunctionDef(returns=ast.expr() as returns):
                start, end = self.span(returns)
                self.cuts.append((self.text.rindex(b" ->", 0, start), end, b""))
            case ast.AnnAssign(value=None):
                self.cuts.append((*self.span(node), b"pass"))
            case ast.AnnAssign():
                self.cuts.append((self.span(node.target)[1], self.span(node.annotation)[1], b""))
            case ast.ImportFrom(module=str() as module):
                if any(f"{module}.{alias.name}" in owners for alias in node.names) or (
                    owners.get(module) == door != module and any(alias.asname for alias in node.names)
                ):
                    raise FuseError(f"{self.path}:{node.lineno}: import names of a module, under their own name")
                start, end = self.span(node)
                if owners.get(module, module) == module:
                    return  # no part of a door, or the door itself, which may name its modules
                if owners[module] == door:
                    self.cuts.append((start, end, b"pass" if node.col_offset else b""))
                else:
                    start += len("from ")
                    self.cuts.append((start, start + len(module), owners[module].encode()))


def members(root: str, name: str, owners: dict[str, str], doors: tuple[str, ...]) -> dict[str, Source]:
    """Find what a door loads of ours while it is loaded, in the order in which it is complete, itself last."""
    source, found = Source(root, name), dict[str, Source]()
    for node in source.tree.body:
        module = str(node.module) if isinstance(node, ast.ImportFrom) else ""
        if module.startswith(doors[0] + ".") and module not in {*doors, *owners, *found}:
            found |= members(root, module, owners, doors)
    return found | {name: source}


def fuse(root: str, doors: tuple[str, ...] = DOORS) -> dict[str, bytes]:
    """Return those files of the wheel that are not their sources, by path. Raises FuseError."""
    owners: dict[str, str] = {}
    parts: dict[str, dict[str, Source]] = {}
    for door in doors:
        parts[door] = members(root, door, owners, doors)
        owners |= dict.fromkeys(parts[door], door)
    files: dict[str, bytes] = {}
    for door, sources in parts.items():
        files[sources[door].path] = join(door, sources, owners)
        for name, source in sources.items():
            files[source.path + "i"] = source.text
            if name != door:
                files[source.path] = ALIAS.format(name=name, door=door).encode()
    return files


def join(door: str, sources: dict[str, Source], owners: dict[str, str]) -> bytes:
    """Return the text of one door: its docstring, the imports, every source under its path."""
    own = sources[door]
    beside = os.listdir(os.path.dirname(own.file)) if own.path.endswith("__init__.py") else []
    names = {name.removesuffix(".py"): "a module" for name in beside}
    end = own.span(own.tree.body[0])[1]
    own.cuts.append((0, end, b""))
    for source in sources.values():
        for name, where in source.strip(door, owners).items():
            if names.setdefault(name, where) != where:
                raise FuseError(f"{where}: {name} is {names[name]} already")
    imports = sorted({where for where in names.values() if where.startswith("import ")})
    text = own.text[:end] + "\n\n{}\n".format("\n".join(imports)).encode()
    for source in sources.values():
        text += b"\n# ---- %s\n" % source.path.encode() + source.spliced()
    compile(text, own.path, "exec")
    return text


class FuseHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the fused files into the wheel in place of their sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fuse, unless the build is of an editable install."""
        self.folder = tempfile.mkdtemp(prefix="fused-")
        for path, text in fuse(self.root).items() if version != "editable" else ():
            file = os.path.join(self.folder, path)
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with open(file, "wb") as stream:
                stream.write(text)
            build_data["force_include"][file] = path

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was written on the way."""
        del version, build_data, artifact_path
        shutil.rmtree(self.folder)
