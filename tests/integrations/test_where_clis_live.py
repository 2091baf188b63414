"""Recording works, or is silently nothing, wherever a CLI lives."""

import glob
import os
import shutil
import subprocess
import sys
import zipapp
from pathlib import Path

import pytest

from shipper.choices.saving import save_choice
from shipper.reader import decode
from shipper.recording.folder import open_config
from shipper.recording.modes import ALL, ON
from shipper.spool.pending import pending_lines
from tests.fixtures.recorded import recorded
from tests.fixtures.sample_app import lines, spool_of
from tests.integrations.test_budget import DECLARE
from tests.integrations.test_same_with_and_without import ROOT, on, run

__all__ = ["on"]

RECORD = DECLARE + "print(telemetry.record('command', command='up'))\n"
# Of every installed minor version one, found where pyenv and Debian put them; the one that runs this is among them.
FOUND = {
    Path(path).name: path
    for pattern in (
        "~/.pyenv/versions/3.*/bin/python3.[0-9]*",
        "/usr/bin/python3.[0-9]*",
        "/usr/local/bin/python3.[0-9]*",
    )
    for path in glob.glob(os.path.expanduser(pattern))
    if Path(path).name.removeprefix("python3.").isdigit()
}
SUPPORTED = ("python3.11", "python3.12", "python3.13")


def said(*line: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        line, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)} | more, timeout=60
    )


@pytest.mark.parametrize("version", SUPPORTED)
def test_every_supported_python_records_the_same(version: str) -> None:
    if version not in FOUND:
        pytest.skip(f"{version} is not installed here")

    done = said(FOUND[version], "-c", RECORD)
    assert (done.stdout, done.stderr) == ("True\n", "")
    with spool_of(dict(os.environ), "sample") as spool:
        (event,) = lines(spool)
    assert str(event["runtime"]).startswith(f"cpython {version.removeprefix('python')}.")


@pytest.mark.parametrize("version", SUPPORTED)
@pytest.mark.parametrize("program", ["with_argparse", "with_function"])
def test_every_supported_python_runs_an_instrumented_program_the_same(version: str, program: str) -> None:
    if version not in FOUND:
        pytest.skip(f"{version} is not installed here")

    for typed in ("up bug", "up"):
        assert run(program, typed, FOUND[version]) == run(program, typed, FOUND[version], SAMPLE_BARE="1")
    assert len(recorded()) == 2


def test_a_zipapp_records(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT / "shipper", source / "shipper", ignore=shutil.ignore_patterns("__pycache__"))
    (source / "__main__.py").write_text(RECORD)
    zipapp.create_archive(source, tmp_path / "tool.pyz")

    done = said(sys.executable, "-I", str(tmp_path / "tool.pyz"), PYTHONPATH="")
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_an_isolated_interpreter_records() -> None:
    assert said(sys.executable, "-I", "-c", RECORD).stdout == "True\n"


def test_a_frozen_program_records_and_starts_no_process() -> None:
    due = "import os, sys; sys.frozen = True; os.posix_spawn = None\n"
    flush = DECLARE.replace('version="1.0"', 'version="1.0", flush_interval=1') + (
        "from shipper.recording.due import write_due\nfrom shipper.recording.folder import open_app, open_state\n"
        "print(telemetry.record('command', command='up'))\n"
        "with open_state(os.environ) as state, open_app(state, 'sample') as spool: write_due(spool, 0, 1)\n"
        "print(telemetry.record('command', command='up'))\n"
    )

    done = said(sys.executable, "-c", due + flush, SHIPPER_SPAWN="")
    assert (done.stdout, done.stderr) == ("True\nTrue\n", "")


@pytest.mark.parametrize("home", ["", "relative", "/nonexistent/home", "/dev/null", "/proc/self"])
def test_without_a_home_a_program_is_what_it_is_without_shipper(home: str) -> None:
    more = {"SHIPPER_HOME": "", "HOME": home, "XDG_STATE_HOME": "", "XDG_CONFIG_HOME": ""}
    if home in ("", "relative"):
        more |= {"XDG_STATE_HOME": "/proc/nowhere", "XDG_CONFIG_HOME": "/proc/nowhere"}  # else the system's own answer

    assert run("with_click", "up", **more) == run("with_click", "up", SAMPLE_BARE="1", **more)


def test_a_read_only_root_is_a_silent_nothing(tmp_path: Path) -> None:
    home = tmp_path / "read-only"
    home.mkdir()
    script = f'mount -t tmpfs -o ro tmpfs {home} && exec {sys.executable} -c "$RECORD"'
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("no mount namespace can be made here")

    done = said("unshare", "-m", "sh", "-c", script, SHIPPER_HOME=str(home / "home"), RECORD=RECORD)
    assert (done.stdout, done.stderr, done.returncode) == ("False\n", "", 0)


def test_two_versions_of_one_app_share_a_spool_side_by_side() -> None:
    for version in ("1.0", "2.0", "1.0"):
        assert said(sys.executable, "-c", RECORD.replace('version="1.0"', f'version="{version}"')).stdout == "True\n"

    with spool_of(dict(os.environ), "sample") as spool:
        assert [event["version"] for event in lines(spool)] == ["1.0", "2.0", "1.0"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="to be root in another's home takes root")
def test_root_in_somebody_elses_home_writes_nothing_there(tmp_path: Path) -> None:
    home = tmp_path / "theirs"
    home.mkdir()
    os.chown(home, 12345, 12345)

    done = said(sys.executable, "-c", RECORD, HOME=str(home), SHIPPER_HOME="")
    assert (done.stdout, done.stderr) == ("False\n", "")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_the_processes_of_multiprocessing_record_each_for_itself(method: str, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        f"{DECLARE}\n"
        "import multiprocessing\n"
        "def work(number): return telemetry.record('command', command='up')\n"
        "if __name__ == '__main__':\n"
        f"    multiprocessing.set_start_method({method!r})\n"
        "    with multiprocessing.Pool(3) as pool:\n"
        "        results = pool.map(work, range(12), chunksize=1)\n"
        "        pool.close(); pool.join()\n"
        "    print(sum(results), telemetry.record('command', command='up'))\n"
    )

    done = said(sys.executable, "-W", "ignore", str(script))
    assert (done.stdout, done.stderr) == ("12 True\n", "")
    with spool_of(dict(os.environ), "sample") as spool:
        # Where the lock is busy an event lies beside the active file.
        events = [decode(line) for line in pending_lines(spool, held=True)]
    assert len({event["id"] for event in events}) == 13


def test_a_flusher_that_a_program_starts_holds_none_of_its_pipes() -> None:
    """`x=$(cli)` and `cli | cat` return when the CLI does, whatever the flusher is waiting for."""
    from shipper.testing.receiver import Receiver
    from tests.fixtures.waiting import until

    with Receiver("hang") as receiver, open_config(os.environ, create=True) as config:
        save_choice(config, ALL, ON, "test", 0)
        more = {"SAMPLE_ENDPOINT": receiver.endpoint, "SHIPPER_SPAWN": ""}
        assert run("with_click", "up", **more)[2] == 0
        with spool_of(dict(os.environ), "sample") as spool:
            from shipper.recording.due import write_due

            write_due(spool, 0, 1)
        # Returns at the end of its stdout and stderr, while the flusher that it started still waits for an answer.
        assert run("with_click", "up", **more)[:2] == run("with_click", "up", SAMPLE_BARE="1")[:2]
        until(lambda: receiver.requests, 30, "the flusher that was started has sent")
