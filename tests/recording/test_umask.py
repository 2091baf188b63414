"""Whatever the umask, what shipper makes can be used, and the person's own folders are never made unusable (S10)."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from shipper.testing.receiver import Receiver

# Root without capabilities meets permissions as everybody else does.
POWERLESS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []

HOST = """
import os, sys
os.umask(int(sys.argv[1], 8))
from shipper import App, Event, integer
app = App("demo", version="1.0", endpoint=sys.argv[2], events=[Event("tick", "Why.", number=integer(0, 9))])
print(app.record("tick", number=1), oct(os.umask(0)))
"""


def run(home: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("SHIPPER_", "XDG_"))}
    environ |= {"HOME": str(home), "DEMO_TELEMETRY": "on", "SHIPPER_SPAWN": "0"}
    return subprocess.run([*POWERLESS, *command], env=environ, capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv of util-linux")
@pytest.mark.parametrize("umask", ["0077", "0177", "0277", "0377", "0477", "0577", "0677", "0777", "0000"])
def test_a_home_made_under_any_umask_is_usable_by_us_and_by_others(umask: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with Receiver("acknowledge") as receiver:
        for _ in range(3):
            done = run(home, sys.executable, "-c", HOST, umask, receiver.endpoint)
            assert (done.stdout, done.stderr) == (f"True {oct(int(umask, 8))}\n", "")
        flush = f"umask {umask}; exec {sys.executable} -m shipper flush demo"
        assert run(home, "sh", "-c", flush).returncode == 0
        assert len(receiver.events) == 3
    for path in (home / ".config", home / ".local", home / ".local" / "state"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in [*home.joinpath(".config", "shipper").rglob("*"), *home.joinpath(".local", "state").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
