"""How a flusher is started on Windows, where there is neither posix_spawn nor a session. NOT RUN BY US YET.

Source: CreateProcess and its flags, in Microsoft's documentation of processes; subprocess names them on Windows only.
"""

import os
import subprocess
from collections.abc import Mapping
from typing import Any

#: Without the console of whoever starts it; deaf to its Ctrl-C; behind everything that somebody waits for.
DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP, BELOW_NORMAL_PRIORITY_CLASS = 0x8, 0x200, 0x4000
#: What a process of Windows needs to find its system, its home and the network.
_NEEDED = ("SYSTEMROOT", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "TEMP", "TMP")


def start(command: list[str], environ: Mapping[str, str]) -> None:
    """Start a command that outlives this process and holds nothing of it open. Raises OSError."""
    process = subprocess.Popen(command, **settings(environ, os.environ))
    # Nobody waits for it: else Popen would warn our host, as it goes, of a child that still runs.
    process.returncode = 0


def settings(environ: Mapping[str, str], host: Mapping[str, str]) -> dict[str, Any]:
    """What Popen is given: no console, no handle of ours, and of the host's environment what Windows needs besides."""
    return {
        "env": {name: host[name] for name in _NEEDED if name in host} | dict(environ),
        "creationflags": DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP | BELOW_NORMAL_PRIORITY_CLASS,
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "close_fds": True,
    }
