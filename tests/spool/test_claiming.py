"""Claiming (S5), and what makes a segment go (S4)."""

import os

import pytest

from shipper.errors import Busy
from shipper.spool import spool as spool_module
from shipper.spool.locks import flusher_lock
from tests.fixtures.spools import NOW, a_spool, id_of, line, record, sealed, tree


def test_a_claimed_segment_is_read_byte_for_byte() -> None:
    with a_spool() as spool:
        lines = [line(number) for number in range(5)]
        name = sealed(spool, lines)
        segment = spool.claim(name)
        assert segment
        assert [one.raw + b"\n" for one in segment.lines] == lines
        assert [one.id for one in segment.lines] == [id_of(one) for one in lines]
        assert [one.number for one in segment.lines] == [1, 2, 3, 4, 5]
        assert list(tree(spool)) == [f"sending/{name}.ndjson"]
        assert spool.waiting() == []


def test_the_oldest_segment_waits_in_front() -> None:
    with a_spool() as spool:
        found = [sealed(spool, [line()], NOW + second) for second in range(4)]
        assert [one.name for one in spool.waiting()] == found


def test_a_released_segment_waits_again_unchanged() -> None:
    with a_spool() as spool:
        name = sealed(spool, [line()])
        before = tree(spool)
        spool.claim(name)
        spool.release(name)
        assert tree(spool) == before


def test_an_acknowledged_segment_is_gone() -> None:
    with a_spool() as spool:
        name = sealed(spool, [line()])
        spool.claim(name)
        spool.delete(name)
        spool.delete(name)
        assert tree(spool) == {}


def test_what_a_dead_pass_had_claimed_waits_again_under_its_name() -> None:
    with a_spool() as spool:
        name = sealed(spool, [line()])
        spool.claim(name)
        spool.recover()
        assert [one.name for one in spool.waiting()] == [name]


def test_a_segment_that_is_gone_cannot_be_claimed() -> None:
    with a_spool() as spool:
        name = sealed(spool, [line()])
        spool.purge()
        assert spool.claim(name) is None


def test_a_segment_without_a_line_goes_at_once() -> None:
    with a_spool() as spool:
        record(spool, [b"\n", b"\n\n"])
        name = spool.seal(NOW)
        assert name
        assert spool.claim(name) is None
        assert tree(spool) == {}


def test_a_link_in_the_place_of_a_segment_is_not_followed() -> None:
    with a_spool() as spool:
        name = sealed(spool, [line()])
        path = os.path.join(spool.folder.path, "sealed", f"{name}.ndjson")
        os.rename(path, path + ".elsewhere")
        os.symlink(path + ".elsewhere", path)
        with pytest.raises(OSError, match="link"):
            spool.claim(name)
        assert [one.name for one in spool.waiting()] == []


def test_one_pass_at_a_time() -> None:
    with a_spool() as spool:
        with flusher_lock(spool.folder, 0), pytest.raises(Busy, match="another pass"), flusher_lock(spool.folder, 0):
            pytest.fail("two passes")
        with flusher_lock(spool.folder, 0):
            pass
        assert oct(spool.folder.stat("flusher.lock").st_mode & 0o777) == "0o600"


def test_a_folder_or_a_link_in_the_place_of_the_lock_is_an_error_and_no_endless_wait() -> None:
    with a_spool() as spool:
        path = os.path.join(spool.folder.path, "flusher.lock")
        os.mkdir(path)
        with pytest.raises(IsADirectoryError), flusher_lock(spool.folder, 30):
            pytest.fail("locked a folder")
        os.rmdir(path)
        os.symlink("/dev/null", path)
        with pytest.raises(OSError, match="link"), flusher_lock(spool.folder, 30):
            pytest.fail("locked a link")


def test_the_lock_is_free_when_its_holder_dies_though_a_child_of_it_lives() -> None:
    with a_spool() as spool:
        ready, tell = os.pipe()
        live, let_die = os.pipe()
        holder = os.fork()
        if holder == 0:
            with flusher_lock(spool.folder, 0):
                if os.fork() == 0:  # it has the descriptor too
                    os.close(let_die)
                    os.write(tell, b"!")
                    os.read(live, 1)
                    os._exit(0)
                os.read(ready, 1)
                os._exit(0)
        os.close(tell)
        os.waitpid(holder, 0)
        with flusher_lock(spool.folder, 5):
            pass
        os.close(let_die)
        os.close(live)
        os.close(ready)


def test_claiming_waits_for_a_writer_and_then_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from shipper.recording.lock import Lock

    monkeypatch.setattr(spool_module, "PATIENCE", 0.05)
    with a_spool() as spool:
        name = sealed(spool, [line()])
        with Lock(spool.folder, 0), pytest.raises(Busy):
            spool.claim(name)
        assert [one.name for one in spool.waiting()] == [name]
