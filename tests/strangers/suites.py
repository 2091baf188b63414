"""Strangers' own tests, from their sdists, without shipper and with it."""

import subprocess
import tarfile
from pathlib import Path

from tests.strangers.stranger import Stranger
from tests.strangers.workshop import Workshop

SECONDS = 900


def fetch(workshop: Workshop, stranger: Stranger) -> Path | None:
    """Download and unpack the sdist of a stranger; None where it cannot be had."""
    folder = workshop.folder / "sdists" / stranger.name
    folder.mkdir(parents=True)
    download = [workshop.python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    done = subprocess.run([*download, "--dest", str(folder), stranger.package], capture_output=True)
    if done.returncode:
        return None
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return next(each for each in folder.iterdir() if each.is_dir())


def own_tests(workshop: Workshop, stranger: Stranger, source: Path, bare: bool) -> dict[str, str]:
    """Run the stranger's own tests and return the outcome of each by its name."""
    plugin = f"stranger_{stranger.name.replace('-', '_')}"
    line = [
        workshop.python,
        "-m",
        "pytest",
        "-q",
        "-rA",
        "--tb=no",
        "-p",
        plugin,
        "-p",
        "no:cacheprovider",
        "-o",
        "addopts=",
    ]
    environ = workshop.environ(stranger, bare)
    done = subprocess.run(
        [*line, *stranger.tests], cwd=source, env=environ, capture_output=True, text=True, timeout=SECONDS
    )
    found = {}
    for printed in done.stdout.splitlines():
        outcome, _, name = printed.partition(" ")
        if outcome in ("PASSED", "FAILED", "ERROR", "XFAIL", "XPASS") and "::" in name:
            found[name.partition(" - ")[0]] = outcome
    return found
