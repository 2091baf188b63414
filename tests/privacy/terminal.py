"""A real pseudo-terminal for the stderr of real processes."""

import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager


class Screen:
    """What was written to a pseudo-terminal; `slave` is its end for processes."""

    def __init__(self, master: int, slave: int) -> None:
        self.master, self.slave = master, slave
        self._shown = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        try:
            while piece := os.read(self.master, 65536):
                self._shown += piece
        except OSError:  # EIO: the last process has let go of its end
            pass

    def text(self) -> str:
        """Everything shown, once the terminal is closed."""
        self._reader.join()
        return self._shown.decode().replace("\r\n", "\n")

    def close(self) -> None:
        """Let go of the processes' end, so that reading comes to an end."""
        if self.slave >= 0:
            os.close(self.slave)
            self.slave = -1


@contextmanager
def screen() -> Iterator[Screen]:
    """A terminal to hand to processes; close() it before text()."""
    master, slave = pty.openpty()
    shown = Screen(master, slave)
    try:
        yield shown
    finally:
        shown.close()
        shown.text()
        os.close(master)


def on_terminal(
    code: str, environ: Mapping[str, str] | None = None, arguments: Sequence[str] = ()
) -> tuple[int, bytes, str]:
    """Run Python code with its stderr on a terminal and its stdout in a pipe: (exit code, stdout, what was shown)."""
    with screen() as shown:
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            stderr=shown.slave,
            env={**os.environ, **(environ or {})},
            check=False,
        )
        shown.close()
        return done.returncode, done.stdout, shown.text()
