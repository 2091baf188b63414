"""Places, folders, lock, append and due: each rule met with the thing that would break it."""

import contextlib
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper import files
from shipper.errors import Busy, Refused
from shipper.recording.active import append_line, is_full
from shipper.recording.due import DUE_STEP, LONGEST_WAIT, next_due, read_due, write_due
from shipper.recording.folder import home_path, open_config, open_folder, open_state
from shipper.recording.lock import PATIENCE, Lock
from shipper.recording.platforms import base_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir(mode=0o700)
    return made


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"XDG_STATE_HOME": "/x/state", "XDG_CONFIG_HOME": "/x/config"},
        {"XDG_STATE_HOME": "relative", "XDG_CONFIG_HOME": "./relative"},
        {"XDG_STATE_HOME": "", "XDG_CONFIG_HOME": "  "},
        {"XDG_STATE_HOME": "/x/", "XDG_CONFIG_HOME": "~/x"},
        {"HOME": "/"},
        {"HOME": "relative"},
        {"HOME": ""},
        {"HOME": "/x/"},
    ],
    ids=str,
)
def test_the_two_folders_are_those_of_platformdirs(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHIPPER_HOME")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def same(path: str, other: str) -> bool:
        return os.path.normpath(path) == os.path.normpath(other)

    assert same(home_path(os.environ, "state"), platformdirs.user_state_dir("shipper"))
    assert same(home_path(os.environ, "config"), platformdirs.user_config_dir("shipper"))


def test_macos_and_windows_have_those_of_platformdirs_without_loading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from platformdirs.macos import MacOS
    from platformdirs.windows import Windows, get_win_folder_from_env_vars

    if sys.platform != "win32":  # there it asks the system
        monkeypatch.setattr("platformdirs.windows.get_win_folder", get_win_folder_from_env_vars)
    environ = {"HOME": "/Users/ada", "LOCALAPPDATA": "/Users/ada/AppData/Local"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    for platform, folders in (("darwin", MacOS("shipper")), ("win32", Windows("shipper"))):
        assert base_folder("state", environ, platform) == folders.user_state_dir
        assert base_folder("config", environ, platform) == folders.user_config_dir


def test_shipper_home_holds_both_folders() -> None:
    assert home_path({"SHIPPER_HOME": "/x"}, "state") == "/x/state/shipper"
    assert home_path({"SHIPPER_HOME": "/x"}, "config") == "/x/config/shipper"


def test_folders_are_0700_and_files_0600_whatever_the_umask(home: Path) -> None:
    code = (
        "import os; os.umask(0)\n"
        "from tests.fixtures.sample_app import sample\n"
        "assert sample().record('datasource', kind='mysql')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

    for root, folders, found in os.walk(home):
        assert [name for name in folders if os.stat(os.path.join(root, name)).st_mode & 0o777 != 0o700] == []
        assert [name for name in found if os.stat(os.path.join(root, name)).st_mode & 0o777 != 0o600] == []


def test_a_missing_home_is_never_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SHIPPER_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))

    with pytest.raises(Refused, match="missing"):
        open_state(os.environ, create=True)
    assert not (tmp_path / "nobody").exists()


def test_a_link_is_never_followed(folder: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (folder / "active.ndjson").symlink_to(victim)
    (folder / "sealed").symlink_to(tmp_path)

    with open_folder(str(folder)) as opened:
        with pytest.raises(Refused, match="link"):
            append_line(opened, b"x\n")
        with pytest.raises(Refused, match="link"):
            opened.folder("sealed", create=True)
    assert victim.read_bytes() == b"mine"


def test_what_is_no_file_of_ours_alone_is_refused_without_waiting(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(folder / "fifo")
    (folder / "second").write_bytes(b"")
    os.link(folder / "second", tmp_path / "first")

    with open_folder(str(folder)) as opened:
        with pytest.raises(Refused, match="regular"):
            opened.open("fifo", os.O_RDWR)
        with pytest.raises(Refused, match="second name"):
            opened.open("second", os.O_RDWR)


def test_a_folder_that_others_may_write_into_is_refused(folder: Path) -> None:
    folder.chmod(0o770)

    with pytest.raises(Refused, match="others may write"):
        open_folder(str(folder))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(folder: Path) -> None:
    os.chown(folder, 12345, 12345)

    with pytest.raises(Refused, match="somebody else"):
        open_folder(str(folder))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is root")
def test_root_leaves_nothing_in_the_home_of_somebody_else(home: Path) -> None:
    home.mkdir()
    os.chown(home, 12345, 12345)

    for opening in (open_state, open_config):
        with pytest.raises(Refused, match="root does not write"):
            opening(os.environ, create=True)
    assert os.listdir(home) == []


def test_a_tail_that_a_killed_writer_left_costs_only_itself(folder: Path) -> None:
    (folder / "active.ndjson").write_bytes(b'whole\n{"torn')

    with open_folder(str(folder)) as opened:
        append_line(opened, b"next\n")
    assert (folder / "active.ndjson").read_bytes() == b'whole\n{"torn\nnext\n'


def test_a_short_write_is_taken_back(folder: Path) -> None:
    (folder / "active.ndjson").write_bytes(b"first\n")
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from shipper.recording.active import append_line\nfrom shipper.recording.folder import open_folder\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))\n"
        "with open_folder(sys.argv[1]) as folder:\n"
        "    try: append_line(folder, b'y' * 30 + b'\\n')\n"
        "    except OSError: sys.exit(7)\n"
    )

    assert subprocess.run([sys.executable, "-c", code, str(folder)]).returncode == 7
    assert (folder / "active.ndjson").read_bytes() == b"first\n"


def test_a_file_that_a_full_disk_left_half_written_is_removed_again(folder: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with open_folder(str(folder)) as opened, pytest.raises(OSError, match=r"No space|too large"):
            files.write(opened, "new", b"z" * 30)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(folder) == []


def test_a_file_is_full_by_its_bytes_or_by_its_lines(folder: Path) -> None:
    with open_folder(str(folder)) as opened:
        assert not is_full(opened, 0, 300, "active.ndjson")
        (folder / "active.ndjson").write_bytes(b"x" * (256 * 1024 - 300))
        assert not is_full(opened, opened.stat("active.ndjson").st_size, 300, "active.ndjson")
        assert is_full(opened, opened.stat("active.ndjson").st_size, 301, "active.ndjson")
        (folder / "active.ndjson").write_bytes((b"x" * 250 + b"\n") * 999)
        assert not is_full(opened, opened.stat("active.ndjson").st_size, 300, "active.ndjson")
        (folder / "active.ndjson").write_bytes((b"x" * 250 + b"\n") * 1000)
        assert is_full(opened, opened.stat("active.ndjson").st_size, 300, "active.ndjson")


HOLDER = (
    "import sys\n"
    "from shipper.recording.folder import open_folder\nfrom shipper.recording.lock import Lock\n"
    "with open_folder(sys.argv[1]) as folder, Lock(folder, 5):\n"
    "    print('held', flush=True); sys.stdin.read()\n"
)


def test_two_processes_never_hold_the_lock_together_and_death_sets_it_free(folder: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with open_folder(str(folder)) as opened:
        lock = Lock(opened, PATIENCE)
        with pytest.raises(Busy), lock:
            pass
        assert lock.waited >= PATIENCE
        holder.kill()
        holder.communicate()
        with Lock(opened, 5):
            pass


def test_two_threads_never_hold_the_lock_together_and_the_wait_for_a_turn_counts(folder: Path) -> None:
    inside, most, rounds = 0, 0, 200

    def work() -> None:
        nonlocal inside, most
        for _ in range(rounds):
            with open_folder(str(folder)) as mine, Lock(mine, 30) as lock:
                inside += 1
                most = max(most, inside)
                os.sched_yield()
                inside -= 1
                assert lock.fd >= 0

    with open_folder(str(folder)) as opened, Lock(opened, 0):
        late = Lock(opened, PATIENCE)
        with pytest.raises(Busy), late:
            pass
        assert late.waited >= PATIENCE
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most) == (0, 1)


def test_a_child_forked_while_a_thread_has_the_lock_waits_for_the_process_and_for_nobody_who_is_gone(
    folder: Path,
) -> None:
    with open_folder(str(folder)) as opened:
        source, sink = os.pipe()
        with Lock(opened, 0):
            child = os.fork()
            if child == 0:
                try:
                    with contextlib.suppress(Busy), Lock(opened, 0):
                        os.write(sink, b"both ")
                    os.write(sink, b"busy ")
                    with Lock(opened, 30):
                        os.write(sink, b"mine")
                finally:
                    os._exit(0)
            os.close(sink)
            assert os.read(source, 100) == b"busy "
        assert os.read(source, 100) == b"mine"
        os.waitpid(child, 0)
        os.close(source)


def test_a_holder_that_dies_sets_the_lock_free_though_its_child_lives_on(folder: Path) -> None:
    program = (
        "import os, sys\nfrom shipper.recording.folder import open_folder\nfrom shipper.recording.lock import Lock\n"
        "with open_folder(sys.argv[1]) as folder, Lock(folder, 5):\n"
        "    if os.fork() == 0: sys.stdin.read(); os._exit(0)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE) as holder:
        holder.wait()
        with open_folder(str(folder)) as opened, Lock(opened, 0):
            pass


def test_the_lock_is_let_go_by_its_holder_even_while_a_forked_child_holds_the_descriptor(folder: Path) -> None:
    with open_folder(str(folder)) as opened:
        waiting, done = os.pipe()
        with Lock(opened, 0):
            child = os.fork()
            if child == 0:
                os.read(waiting, 1)
                os._exit(0)
        with Lock(opened, 0):
            pass
        os.write(done, b"!")
        os.waitpid(child, 0)
        os.close(waiting)
        os.close(done)


def test_due_survives_garbage_and_is_replaced_whole(folder: Path) -> None:
    with open_folder(str(folder)) as opened:
        assert read_due(opened) == (0, 0)
        write_due(opened, 5, 1_800_000_000)
        assert read_due(opened) == (5, 1_800_000_000)
        for garbage in (b"", b"\0" * 24, b"now and then", b"1 2 3", b"\xff\xfe"):
            (folder / "due").write_bytes(garbage)
            assert read_due(opened) == (0, 0)
        write_due(opened, 1 << 60, 7)
        assert read_due(opened)[1] == 7


NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("found", "full", "fires"),
    [
        ((0, 0), False, False),
        ((0, 0), True, True),
        ((0, NOW), False, True),
        ((0, NOW - 1), False, True),
        ((0, NOW + 1), False, False),
        ((0, NOW + 1), True, False),  # somebody has found it due and moved it on, or it is as near
        ((0, NOW + DUE_STEP), True, False),
        ((0, NOW + DUE_STEP + 1), True, True),
        ((0, NOW), True, True),
        ((NOW + 1, NOW), False, False),
        ((NOW + 1, NOW), True, False),
        ((NOW, NOW), False, True),
        ((NOW + LONGEST_WAIT + 1, NOW), False, True),
        ((0, NOW + LONGEST_WAIT + 1), False, False),
    ],
)
def test_a_pass_is_due_when_its_time_has_come_and_no_wait_forbids_it(
    found: tuple[int, int], full: bool, fires: bool
) -> None:
    (_, due), fire = next_due(found, NOW, 900, full)

    assert fire is fires
    if fire:
        assert due == NOW + DUE_STEP


@given(st.integers(0, 1 << 36), st.integers(0, 1 << 36), st.integers(1, LONGEST_WAIT), st.booleans())
def test_no_due_time_ever_silences_a_spool(not_before: int, due: int, interval: int, full: bool) -> None:
    (kept, then), fire = next_due((not_before, due), NOW, interval, full)

    assert kept <= NOW + LONGEST_WAIT
    assert 0 < then <= NOW + LONGEST_WAIT
    assert fire or then > NOW or kept > NOW
    # Whoever comes next does not start a second pass.
    assert not (fire and next_due((kept, then), NOW, interval, False)[1])
