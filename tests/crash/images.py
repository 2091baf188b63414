"""Disk images that can be mounted: what is in an image's file is what a machine finds when its power comes back."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

#: Bytes of an image: the smallest with a journal, which a power cut leaves to the next mount.
SIZE = 16 * 1024 * 1024


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def make(image: Path) -> None:
    """Make an empty ext4 image."""
    with open(image, "wb") as file:
        file.truncate(SIZE)
    run("mkfs.ext4", "-q", str(image))


@contextmanager
def mounted(image: Path, at: Path) -> Iterator[Path]:
    """An image, mounted. What was written in it is on the disk when it is mounted no more."""
    at.mkdir(exist_ok=True)
    run("mount", "-o", "loop", str(image), str(at))
    try:
        yield at
    finally:
        run("umount", str(at))


@cache
def no_images() -> str:
    """Why no image can be mounted here, or nothing."""
    if os.geteuid() != 0:
        return "mounting needs root"
    if not shutil.which("mkfs.ext4"):
        return "mkfs.ext4 is not installed"
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image"
        try:
            make(image)
            with mounted(image, Path(folder) / "there"):
                return ""
        except subprocess.CalledProcessError as error:
            return f"no loop mounts here: {error.stderr.decode().strip()[:80]}"
