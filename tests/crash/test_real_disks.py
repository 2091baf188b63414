"""Disks that are really full, read-only or somebody else's (S11), and a home that somebody tampered with (S10)."""

import importlib
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shipper import App
from shipper.errors import Refused
from tests.crash.points import in_child
from tests.crash.receiver import receiving
from tests.crash.workshop import FRESH, declare, flush, look, opened, promise, promised
from tests.fixtures.disks import disk

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="mounting and changing users needs root")

#: nobody: what root becomes to meet permissions.
NOBODY = 65534


@pytest.fixture(autouse=True)
def on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_TELEMETRY", "on")


HOST = """
import os, sys
from shipper import App, Event, integer
app = App("demo", version="1.0", endpoint="http://127.0.0.1:9",
          events=[Event("tick", "What the crash tests count.", number=integer(0, 999_999_999))])
print([app.record("tick", number=number) for number in range(int(sys.argv[1]))].count(True))
sys.exit(7)
"""


def host(home: Path, count: int = 3, **environ: str) -> subprocess.CompletedProcess[str]:
    """A host program of its own that records and ends with its own exit code."""
    return subprocess.run(
        [sys.executable, "-c", HOST, str(count)],
        env=os.environ | {"SHIPPER_HOME": str(home), "HOME": str(home)} | environ,
        capture_output=True,
        text=True,
        timeout=30,
    )


def unharmed(done: subprocess.CompletedProcess[str]) -> int:
    """Check that the host saw nothing; returns how many events were promised."""
    assert (done.returncode, done.stderr) == (7, "")
    return int(done.stdout)


def flush_and_record(app: App) -> None:
    flush()
    assert promise(app, FRESH)
    flush()


@root_only
def test_on_a_full_disk_recording_stops_quietly_and_a_pass_frees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with disk(tmp_path / "small", "size=96k") as small, receiving() as receiver:
        monkeypatch.setenv("SHIPPER_HOME", str(small))
        app = declare(receiver.url)

        def fill() -> None:
            for number in range(2000):
                promise(app, number)

        status, told = in_child(fill)
        obliged = promised(told)
        assert status == 0
        assert 50 < len(obliged) < 2000, "the disk is never full"
        status, told = in_child(lambda: flush_and_record(app))
        assert status == 0
        assert look(receiver.memory()).verdict(obliged) == []


@root_only
def test_without_inodes_the_host_sees_nothing_and_recording_comes_back(
    tmp_path: Path,
) -> None:
    with disk(tmp_path / "small", "size=1m,nr_inodes=5") as small:
        assert unharmed(host(small)) == 0
        subprocess.run(["mount", "-o", "remount,nr_inodes=100", str(small)], check=True)
        assert unharmed(host(small)) == 3


@root_only
def test_a_read_only_disk_keeps_what_is_there_and_the_host_sees_nothing(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "size=1m") as place:
        assert unharmed(host(place)) == 3
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        assert unharmed(host(place)) == 0
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
        assert unharmed(host(place)) == 3


def test_a_limit_on_file_size_cuts_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource
    import signal

    with receiving() as receiver:
        monkeypatch.setenv("SHIPPER_HOME", str(tmp_path / "home"))
        app = declare(receiver.url)

        def limited() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
            for number in range(50):
                promise(app, number)

        status, told = in_child(limited)
        obliged = promised(told)
        assert status == 0
        assert 3 < len(obliged) < 50
        with opened() as spool:
            assert len(list(spool.pending())) == len(obliged)
        in_child(lambda: flush_and_record(app))
        assert look(receiver.memory()).verdict(obliged) == []


HOMES: dict[str, tuple[Callable[[Path], object], bool]] = {
    "of their own": (Path.mkdir, True),
    "missing": (str, False),
    "a file": (Path.touch, False),
    "a dangling link": (lambda home: home.symlink_to("nowhere"), False),
    "not to be entered": (lambda home: home.mkdir(mode=0), False),
    "not to be written": (lambda home: home.mkdir(mode=0o500), False),
}


RARE = (
    "recording.platforms", "spool.segments", "spool.limits", "spool.manifest_upgrade", "spool.without_lock", "wakeup.spawn",
)  # fmt: skip
"""What is loaded while it records, on a rare way."""


@root_only
@pytest.mark.parametrize("kind", HOMES)
def test_an_unprivileged_person_without_a_usable_home_sees_nothing(
    kind: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.chmod(place, 0o755)  # nobody has to get at it
    home = place / "person"
    make, usable = HOMES[kind]
    make(home)
    if home.is_dir():
        os.chown(home, NOBODY, NOBODY)
    monkeypatch.delenv("SHIPPER_HOME")
    monkeypatch.setenv("HOME", str(home))
    for module in RARE:
        importlib.import_module(f"shipper.{module}")  # where the interpreter lies may be closed to nobody

    def as_nobody() -> None:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        begun = time.thread_time()
        promise(declare("http://127.0.0.1:9"), 1)
        assert time.thread_time() - begun < 0.05

    status, told = in_child(as_nobody, loud=True)
    assert (status, told) == (0, b"1\n" if usable else b"")


@root_only
def test_root_in_the_home_of_somebody_else_leaves_nothing_there(tmp_path: Path) -> None:
    home = tmp_path / "theirs"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    assert unharmed(host(home, SHIPPER_HOME="", HOME=str(home))) == 0
    assert list(home.iterdir()) == []


def used(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a few events; returns the app's folder."""
    monkeypatch.setenv("SHIPPER_HOME", str(home))
    app = declare("http://127.0.0.1:9")
    assert all(app.record("tick", number=number) for number in range(3))
    with opened() as spool:
        return Path(spool.folder.path)


def test_everything_is_for_its_owner_alone_even_under_umask_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.umask(0)
    try:
        folder = used(tmp_path / "home", monkeypatch)
        with opened() as spool:
            spool.seal(1.8e9)
            spool.claim(spool.waiting()[0].name)
            spool.write_journal({"failures": 1})
            spool.add_history({"events": 1})
            spool.schedule(0, 0)
    finally:
        os.umask(before)
    for path in (folder, *folder.rglob("*"), *(tmp_path / "home" / "config").rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path}: {mode:o}"


FOLDERS = ("", "sealed", "tmp", "quarantine", "lost", "sending", "held")


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("trap", ["a link", "a file", "group-writable"])
def test_a_folder_that_is_not_as_we_made_it_is_refused(
    name: str, trap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = used(tmp_path / "home", monkeypatch)
    with opened() as spool:
        spool.seal(1.8e9)
        spool.recover()
        spool.enforce_bounds(1.8e9, {})
        for room in FOLDERS[1:]:
            with spool.folder.folder(room, create=True):
                pass
    place = folder / name if name else folder
    elsewhere = tmp_path / "elsewhere"
    if trap == "group-writable":
        os.chmod(place, 0o770)
    else:
        os.rename(place, elsewhere)
        place.symlink_to(elsewhere) if trap == "a link" else place.write_text("")
    before = sorted((path, path.lstat().st_size) for path in (tmp_path / "elsewhere").rglob("*"))
    app = declare("http://127.0.0.1:9")
    kept = app.record("tick", number=7)
    assert kept == (name != ""), "only the spool's own folder is in a writer's way"
    with (
        pytest.raises(OSError, match=r"link|others|folder belongs"),
        opened() as spool,
        spool.folder.folder(name or "."),
    ):
        pass
    after = sorted((path, path.lstat().st_size) for path in (tmp_path / "elsewhere").rglob("*"))
    assert after == before, "something was written through the link"


@pytest.mark.parametrize("trap", ["a link", "a folder", "a FIFO", "a second name"])
@pytest.mark.parametrize("name", ["active.ndjson", "spool.lock", "due", "app.json"])
def test_a_file_that_is_not_a_file_of_ours_alone_is_never_used(
    name: str, trap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = used(tmp_path / "home", monkeypatch)
    place, victim = folder / name, tmp_path / "victim"
    victim.write_bytes(place.read_bytes())
    place.unlink()
    if trap == "a link":
        place.symlink_to(victim)
    elif trap == "a folder":
        place.mkdir()
    elif trap == "a FIFO":
        os.mkfifo(place)
    else:
        os.link(victim, place)
    content = victim.read_bytes()
    begun = time.monotonic()
    declare("http://127.0.0.1:9").record("tick", number=7)
    assert time.monotonic() - begun < 1, "it waited for somebody at the other end"
    assert victim.read_bytes() == content, "a file was written through another name"


@root_only
def test_what_belongs_to_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = used(tmp_path / "home", monkeypatch)
    os.chown(folder / "active.ndjson", NOBODY, NOBODY)
    app = declare("http://127.0.0.1:9")
    assert not app.record("tick", number=7)
    os.chown(folder, NOBODY, NOBODY)
    assert not app.record("tick", number=7)
    with pytest.raises(Refused, match="somebody else"), opened():
        pass


def test_a_file_system_without_locks_is_no_place_to_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    monkeypatch.setenv("SHIPPER_HOME", str(tmp_path / "home"))

    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    app = declare("http://127.0.0.1:9")
    assert app.record("tick", number=1)
    with monkeypatch.context() as patch:
        patch.setattr(os, "lockf", none)  # what an NFS server without lockd answers
        patch.setattr(time, "sleep", lambda _: pytest.fail("it waited for a lock that cannot be had"))
        app.record("tick", number=2)
    assert app.record("tick", number=3)
    with opened() as spool:
        assert len(list(spool.pending())) in (2, 3)
