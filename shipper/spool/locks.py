"""flusher.lock: one pass at a time per app (S5). filelock owns it; writers and sealers have shipper.recording.lock."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from shipper.errors import Busy, Refused
from shipper.recording.folder import Folder

NAME = "flusher.lock"
#: Seconds between two tries while a pass by hand waits for a running one.
PAUSE = 0.05


@contextmanager
def flusher_lock(folder: Folder, seconds: float) -> Iterator[None]:
    """Hold the right to run this app's pass; wait for it at most `seconds` (0: one try).

    Raises Busy while another pass runs, another OSError where the file cannot be made or the file system has no locks.
    The lock is the kernel's and dies with its holder; the file stays.
    """
    # filelock follows no link, but it would take a folder or a FIFO for a file that is busy for ever.
    fd = folder.open(NAME, os.O_RDWR | os.O_CREAT)
    os.close(fd)
    lock = FileLock(os.path.join(folder.path, NAME), mode=0o600, fallback_to_soft=False, thread_local=False)
    try:
        lock.acquire(timeout=seconds, poll_interval=PAUSE)
    except Timeout:
        raise Busy(errno.EAGAIN, "another pass is running", os.path.join(folder.path, NAME)) from None
    except RuntimeError as error:  # filelock's word for the same file held by this very thread
        raise Refused(errno.EDEADLK, str(error)) from None
    try:
        yield
    finally:
        lock.release()
