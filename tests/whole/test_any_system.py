"""The whole story on any system: recorded, shown, sent by hand and by a detached process, received, forgotten.

These tests use nothing that only Linux has: they are what macOS and Windows run first. On Linux the same command line is
also run with everything taken away that Windows lacks, so that nothing of it comes back unseen.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.command_line import PATIENCE, ROOT, Receiver, shipper
from tests.fixtures.waiting import until

PROGRAM = """
import argparse
from shipper import App, Event, command_names, milliseconds

telemetry = App("elsewhere", version="1.0", endpoint={url!r}, flush_interval=1,
                events=[Event("command", "Which commands people use.", command=command_names(),
                              duration_ms=milliseconds())])
parser = argparse.ArgumentParser("elsewhere")
parser.add_subparsers(dest="command", required=True).add_parser("hello")
telemetry.instrument(parser)
print(parser.parse_args().command)
"""
LACKING = {
    "os": (
        "F_TLOCK", "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "POSIX_SPAWN_CLOSE", "POSIX_SPAWN_DUP2",
        "ST_RDONLY", "WNOHANG", "fchmod", "fork", "geteuid", "getsid", "getuid", "lockf", "mkfifo", "nice", "posix_spawn",
        "posix_spawnp", "sched_getaffinity", "statvfs", "sysconf", "uname",
    ),
    "signal": (
        "ITIMER_REAL", "SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGSTOP", "SIG_BLOCK", "SIG_SETMASK", "SIG_UNBLOCK",
        "getitimer", "pthread_sigmask", "setitimer",
    ),
}  # fmt: skip
"""What a CPython of Windows has not, of all that we use or used: `dir(os)` and `dir(signal)` of a 3.13.2 there, compared."""
WITHOUT = f"""
import asyncio, ctypes.util, os, platform, signal, sqlite3, ssl, subprocess, sys, tempfile, types
import filelock, httpx, platformdirs, uvicorn
from uvicorn.protocols.http import h11_impl

lockf, F_TLOCK = os.lockf, os.F_TLOCK
whole = types.SimpleNamespace(**vars(os))
for name in ["ctypes.util", *(name for name in sys.modules if name.startswith("filelock."))]:
    vars(sys.modules[name])["os"] = whole  # what they do on Windows is their own affair
msvcrt = sys.modules["msvcrt"] = types.ModuleType("msvcrt")
msvcrt.LK_NBLCK = 2
msvcrt.locking = lambda fd, mode, size: lockf(fd, F_TLOCK, size)
asyncio.ProactorEventLoop = asyncio.SelectorEventLoop
platform.uname()
for module, names in {LACKING!r}.items():
    for name in names:
        delattr(sys.modules[module], name)
for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
os.supports_dir_fd = set()
sys.platform = "win32"
from shipper.cli import main
sys.exit(main(sys.argv[1:]))
"""


def python(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], env={**os.environ, **environ}, cwd=ROOT, capture_output=True, text=True,
        stdin=subprocess.PIPE, timeout=PATIENCE, check=False,
    )  # fmt: skip


def lines() -> list[str]:
    return shipper("show", "elsewhere").stdout.splitlines()


@pytest.fixture
def receiver(tmp_path: Path) -> Receiver:
    return Receiver(tmp_path)


@pytest.fixture
def program(tmp_path: Path, receiver: Receiver) -> str:
    path = tmp_path / "elsewhere.py"
    path.write_text(PROGRAM.format(url=receiver.url))
    return str(path)


def test_what_was_recorded_is_shown_sent_and_forgotten(program: str, receiver: Receiver) -> None:
    ran = python(program, "hello")
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, "hello", "")
    (line,) = lines()
    assert json.loads(line)["fields"]["command"] == "hello"
    assert python(program, "telemetry", "on", "--with-held").returncode == 0
    with receiver.up():
        sent = python(program, "telemetry", "flush")
        assert (sent.returncode, sent.stdout[:17]) == (0, "1 event delivered"), sent.stderr
        assert "hello" in shipper("report", "--from", receiver.url, "--question", "commands").stdout
        assert python(program, "telemetry", "forget").returncode == 0
    assert lines() == []


def test_a_detached_process_sends_what_is_due(program: str, receiver: Receiver) -> None:
    python(program, "telemetry", "on")
    with receiver.up():

        def delivered() -> bool:
            ran = python("-X", "dev", "-W", "error", program, "hello", SHIPPER_SPAWN="1")
            assert (ran.returncode, ran.stderr) == (0, "")
            return bool(shipper("show", "elsewhere", "--sent").stdout.strip())

        until(delivered, what="a pass that nobody waited for delivered")


def test_off_holds(program: str) -> None:
    python(program, "hello")
    assert python(program, "telemetry", "off").returncode == 0
    python(program, "hello")
    assert lines() == []


def test_doctor_finds_nothing_wrong_in_a_new_home(program: str) -> None:
    python(program, "hello")
    found = shipper("doctor")
    assert [line for line in found.stdout.splitlines() if line.startswith("wrong")] == []
    assert found.returncode == 0


def test_two_processes_that_record_at_once_lose_nothing(program: str) -> None:
    started = [
        subprocess.Popen([sys.executable, program, "hello"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(6)
    ]
    for process in started:
        process.communicate(timeout=PATIENCE)
    assert len(lines()) == len(started)


CATALOG = """
app = "deploy"
version = "1.2"
endpoint = "http://127.0.0.1:9"
[events.step]
reason = "Which steps a deployment takes."
fields.name = { type = "one_of", members = ["build", "push"] }
fields.exit_code = { type = "integer", range = [0, 255] }
"""
COMMANDS = {
    "record -c {toml} step name=build": (0, ""),
    "time -c {toml} step name=push -- {python} -c pass": (0, ""),
    "show deploy": (0, '"name":"build"'),
    "status deploy --why": (0, "held"),
    "status": (0, "deploy"),
    "docs {toml}": (0, "Which steps"),
    "on deploy --with-held": (0, "deploy: on"),
    "flush deploy": (3, "2 left"),
    "local deploy": (0, "deploy: local"),
    "retry deploy": (0, "quarantine"),
    "forget deploy": (0, "erased here"),
    "off deploy": (0, "deploy: off"),
    "help collect": (0, "--listen"),
    "run": (1, "the daemon needs a POSIX system"),
}
"""Each command on a system without POSIX, in one home: its exit code, and what is in its words.

`doctor` and `report --from` are left out: a library that they ask for the proxies of such a system wants that system.
"""


@pytest.mark.skipif(sys.platform != "linux", reason="what Windows lacks is taken away where all of it is there")
def test_no_command_needs_what_windows_lacks(tmp_path: Path) -> None:
    (tmp_path / "telemetry.toml").write_text(CATALOG)
    for command, (code, words) in COMMANDS.items():
        given = [word.format(toml=tmp_path / "telemetry.toml", python=sys.executable) for word in command.split()]
        ran = python("-c", WITHOUT, *given, SHIPPER_TRACEBACK="")
        assert ran.returncode == code, f"{command}\n{ran.stdout}{ran.stderr}"
        assert words in ran.stdout + ran.stderr, f"{command}\n{ran.stdout}{ran.stderr}"


@pytest.mark.skipif(sys.platform != "linux", reason="what Windows lacks is taken away where all of it is there")
def test_the_receiver_needs_nothing_that_windows_lacks(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT, "collect", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "data")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            said = "".join(process.stderr.readline() for _ in range(4))
            process.send_signal(signal.SIGTERM)
            assert "listening on http://127.0.0.1:" in said, said
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
