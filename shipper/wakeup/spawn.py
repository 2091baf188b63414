"""How a CLI that found a pass due gets it under way: by the doorbell of a running daemon, else by a flusher of its own."""

import os
import sys
import time

from shipper.recording.automation import signs
from shipper.recording.due import DUE
from shipper.recording.folder import open_app, open_state
from shipper.recording.foreign import is_foreign
from shipper.wakeup.doorbell import OVERDUE, mark, ring
from shipper.wakeup.isolation import begun, cut, program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# The flusher that this process started before: reaped when the next one is, so that a host which lives for days has at
# most one dead child it does not know of.
_before = 0


def request_pass(environ: "Mapping[str, str]", spool: "str", prefix: "str", news: "str") -> "None":
    """Act on what advance_due() said: start a pass that is due now, or tell a sleeping daemon when one will be."""
    if news == DUE:
        start_pass(environ, spool, prefix)
    elif news:
        tell_daemon(environ)


def start_pass(environ: "Mapping[str, str]", spool: "str", prefix: "str") -> "None":
    """Ring the doorbell, and where nobody answers start `shipper flush --implicit <spool>`, detached from this process.

    `prefix` is the app's own (WUNDERCTL_TELEMETRY): of its variables the flusher sees all. Nothing secret is in argv.
    Never raises: the event is in the spool, and the next invocation tries again.
    """
    try:
        with open_state(environ) as state:
            with open_app(state, spool) as folder:
                waited = mark(folder, time.time())
            if ring(state) and waited < OVERDUE:
                return
        if may_spawn(environ):
            start_flusher(environ, spool, prefix)
    except (OSError, NotImplementedError) as error:  # no room for a process, or no posix_spawn that makes a session
        if is_foreign(error):
            raise


def tell_daemon(environ: "Mapping[str, str]") -> "None":
    """Ring the doorbell because a first event set the time of a pass: a daemon that sleeps does not know it yet."""
    try:
        with open_state(environ) as state:
            ring(state)
    except OSError as error:
        if is_foreign(error):
            raise


def start_flusher(environ: "Mapping[str, str]", spool: "str", prefix: "str") -> "None":
    """Start a flusher in a session of its own that holds nothing of this process open. Raises OSError."""
    global _before
    if os.name == "nt":
        from shipper.wakeup.windows import start

        return start(program(spool), cut(environ, prefix, begun()))
    _reap()
    null = os.open(os.devnull, os.O_RDWR)
    try:
        actions: list[tuple[int, ...]] = [(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)]
        # A descriptor that our parent let us inherit may be the pipe that somebody waits on.
        actions += [(os.POSIX_SPAWN_CLOSE, fd) for fd in _inheritable()]
        _before = os.posix_spawn(
            sys.executable,
            program(spool),
            cut(environ, prefix, begun()),
            file_actions=actions,
            setsid=True,
            setsigmask=(),
        )
    finally:
        os.close(null)


def _reap() -> "None":
    if _before:
        try:
            os.waitpid(_before, os.WNOHANG)
        except ChildProcessError as error:
            if is_foreign(error):  # else the host waits for all its children, or we are a fork of who started it
                raise


def _inheritable() -> "list[int]":
    found = []
    for fd in map(int, os.listdir("/dev/fd")):
        try:
            if fd > 2 and os.get_inheritable(fd):
                found.append(fd)
        except OSError as error:
            if is_foreign(error):  # else it is the descriptor of the listing itself
                raise
    return found


def interpreter() -> "list[str]":
    """This very shipper under this very interpreter, as a command without its arguments, for the unit of the service.

    By the path of its file, and -P: were it found by its name, a folder called `shipper` where somebody happens to work
    would be run instead.
    """
    flags = ["-P", *["-E"] * sys.flags.ignore_environment, *["-s"] * sys.flags.no_user_site]
    return [
        sys.executable,
        *flags,
        os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "__main__.py"),
    ]


def may_spawn(environ: "Mapping[str, str]") -> "bool":
    """Say whether a process may be started: not in CI, under an agent, from one frozen file, or with SHIPPER_SPAWN=0."""
    return (
        environ.get("SHIPPER_SPAWN") != "0"
        and signs(environ) == ("", "")
        and bool(sys.executable)
        and not getattr(sys, "frozen", False)
        and (hasattr(os, "posix_spawn") or os.name == "nt")
    )
