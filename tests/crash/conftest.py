"""Where the sweeps work: thousands of small homes, on a disk that costs no time where there is one."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

#: Memory, so that thousands of syncs cost nothing; what the disk itself does is the power cut's question.
QUICK = "/dev/shm"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder for this test alone, 0700."""
    if not os.access(QUICK, os.W_OK):
        yield tmp_path
        return
    folder = tempfile.mkdtemp(prefix="shipper-", dir=QUICK)
    yield Path(folder)
    shutil.rmtree(folder)
