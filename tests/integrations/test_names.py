"""Names from the tree: declared without a list, closed in the manifest and on the page, and checked for drift."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.integrations.test_same_with_and_without import ROOT, on

__all__ = ["on"]

TREE = """
import click
from shipper import App, Event, command_names, milliseconds
class Lazy(click.Group):
    def list_commands(self, ctx): return ["lift", "push"]
    def get_command(self, ctx, name): return click.Command(name) if name in ("lift", "push") else None
@click.group()
def cli(): pass
@cli.command()
def up(): pass
@cli.group()
def db(): pass
@db.command("migrate")
def moved(): pass
cli.add_command(Lazy("heavy"))
telemetry = App("tree", version="1", endpoint="http://127.0.0.1:9", events=[
    Event("command", "Why.", command=command_names(NAMED), duration_ms=milliseconds())])
telemetry.instrument(cli)
@cli.command()
def late(): pass
if __name__ == "__main__": cli()
"""
LAZY_NAMES = "'heavy.lift', 'heavy.push'"


def run(folder: Path, *line: str) -> "subprocess.CompletedProcess[str]":
    environ = os.environ | {"PYTHONPATH": f"{folder}:{ROOT}"}
    return subprocess.run([sys.executable, *line], cwd=folder, env=environ, capture_output=True, text=True)


def declare(folder: Path, named: str) -> None:
    (folder / "tree.py").write_text(TREE.replace("NAMED", named))


def test_the_page_and_the_manifest_have_the_names_of_the_tree(tmp_path: Path) -> None:
    declare(tmp_path, LAZY_NAMES)
    page = run(tmp_path, "-m", "shipper", "docs", "tree:telemetry").stdout
    for name in ("up", "db", "db.migrate", "heavy", "heavy.lift", "late", "tree"):
        assert f"`{name}`" in page

    assert run(tmp_path, "tree.py", "db", "migrate").returncode == 0
    spool = Path(os.environ["SHIPPER_HOME"]) / "state" / "shipper" / "apps" / "tree"
    (declared,) = json.loads((spool / "app.json").read_text())["events"]
    assert {"up", "db.migrate", "heavy.push", "late", "tree"} <= set(declared["fields"]["command"]["members"])
    assert '"command":"db.migrate"' in (spool / "active.ndjson").read_text()


def test_a_page_that_lacks_a_command_has_drifted(tmp_path: Path) -> None:
    declare(tmp_path, LAZY_NAMES)
    page = tmp_path / "TELEMETRY.md"
    page.write_text(run(tmp_path, "-m", "shipper", "docs", "tree:telemetry").stdout)
    check = ("-m", "shipper", "docs", "tree:telemetry", "--check", str(page))
    assert run(tmp_path, *check).returncode == 0

    (tmp_path / "tree.py").write_text((tmp_path / "tree.py").read_text() + "@cli.command()\ndef newer(): pass\n")
    assert run(tmp_path, *check).returncode == 1


def test_commands_that_nobody_sees_before_they_are_called_must_be_named(tmp_path: Path) -> None:
    declare(tmp_path, "")
    refused = run(tmp_path, "-m", "shipper", "docs", "tree:telemetry")

    assert refused.returncode == 2
    assert "2 commands of tree cannot be seen before somebody calls them: heavy.lift, heavy.push" in refused.stderr
    assert f"name them: command_names({LAZY_NAMES})" in refused.stderr
