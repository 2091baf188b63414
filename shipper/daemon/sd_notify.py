"""How the daemon speaks: to the service manager by sd_notify(3), to the journal by sd-daemon(3)'s levels."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

WARNING, NOTICE, INFO = 4, 5, 6


def notify(environ: "Mapping[str, str]", state: "str") -> "bool":
    """Send one state (READY=1, STATUS=..., lines of it) to the manager. False where there is none, or it is not heard.

    NOTIFY_SOCKET is a path, or begins with @ for the abstract namespace; systemd speaks AF_UNIX datagrams to user units.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    import socket

    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
            speaker.setblocking(False)  # a manager that does not read must not hold up the passes
            speaker.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)
    except OSError:
        return False
    return True


def watchdog(environ: "Mapping[str, str]", process: "int") -> "float | None":
    """Seconds between two signs of life that the manager expects of `process`: half of what it waits. None: it does not."""
    try:
        wanted = int(environ.get("WATCHDOG_USEC", ""))
        meant = int(environ.get("WATCHDOG_PID", process))
    except ValueError:
        return None
    return wanted / 2_000_000 if wanted > 0 and meant == process else None


def log(environ: "Mapping[str, str]", level: "int", text: "str") -> "None":
    """Say one line on stderr, with its level where stderr is the journal; nothing stops a daemon that nobody reads."""
    prefix = f"<{level}>" if to_journal(environ) else "shipper run: "
    try:
        os.write(2, f"{prefix}{text}\n".encode("utf-8", "backslashreplace"))
    except OSError:
        return


def to_journal(environ: "Mapping[str, str]") -> "bool":
    """Say whether stderr is the journal: JOURNAL_STREAM names its device and inode (systemd.exec(5))."""
    try:
        found = os.fstat(2)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
