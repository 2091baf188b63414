"""The room's front door: light for the writer that seals, whole for a pass."""

import subprocess
import sys


def test_a_writer_that_seals_loads_nothing_that_the_recording_path_does_not() -> None:
    program = (
        "import sys, os, time, errno, binascii; before = set(sys.modules);"
        "import shipper.spool.segments, shipper.spool.limits;"
        "print(sorted(name for name in set(sys.modules) - before if not name.startswith('shipper')))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
