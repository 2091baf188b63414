"""S5: a POSIX lock is gone when any descriptor of its file is closed, so while one is held nothing else opens the file."""

import os
from collections.abc import Callable, Iterator

import pytest

from shipper.cli import main
from tests.fixtures.faults import Faults
from tests.fixtures.passes import choose
from tests.fixtures.sample_app import sample

Inode = tuple[int, int]


def inode(fd: int) -> Inode:
    found = os.fstat(fd)
    return found.st_dev, found.st_ino


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The locks that a closed descriptor of the same file took away."""
    holders: dict[Inode, int] = {}
    taken: list[str] = []
    lockf, close = os.lockf, os.close

    def locks(fd: int, command: int, length: int) -> None:
        lockf(fd, command, length)
        holders[inode(fd)] = fd

    def closes(fd: int) -> None:
        file = inode(fd)
        if holders.get(file) == fd:
            del holders[file]
        elif file in holders:
            taken.append(os.readlink(f"/proc/self/fd/{fd}"))
        close(fd)

    monkeypatch.setattr(os, "lockf", locks)
    monkeypatch.setattr(os, "close", closes)
    yield taken
    assert holders == {}, "a lock was not let go"


@pytest.mark.parametrize(
    "work",
    [
        lambda: main(["flush", "wunderctl"]),
        lambda: main(["doctor"]),
        lambda: main(["status"]),
        lambda: main(["show", "wunderctl"]),
        lambda: main(["local", "wunderctl"]),
        lambda: main(["off", "wunderctl"]),
        lambda: main(["forget", "wunderctl"]),
    ],
    ids=["flush", "doctor", "status", "show", "local", "off", "forget"],
)
def test_no_lock_is_lost_by_closing_its_file_a_second_time(work: Callable[[], int], lost: list[str]) -> None:
    choose("on", "wunderctl")
    with Faults("status 422", "acknowledge") as receiver:
        app = sample(endpoint=receiver.endpoint, max_files=4)
        assert all(app.record("datasource", kind="mysql") for _ in range(2100))  # two full segments and a rest
        assert work() in (0, 1, 3, 5)
        app.record("datasource", kind="mysql")
    assert lost == []
