"""A person with a real `systemd --user`, who exists for one test: see user_manager.sh."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import until

UID = 54321
HOME = "/home/visitor"
SHELL = Path(__file__).with_name("user_manager.sh")
CHECKOUT = SHELL.parent.parent.parent
NEEDED = (
    "unshare",
    "nsenter",
    "setpriv",
    "/usr/lib/systemd/systemd",
    "dbus-daemon",
    "/usr/lib/systemd/user/dbus.socket",
)


def missing() -> str:
    """Why no user manager can be started here; "" when it can."""
    if os.geteuid() != 0:
        return "needs root to make the namespaces of a user manager"
    for name in NEEDED:
        if not (os.path.exists(name) if name.startswith("/") else shutil.which(name)):
            return f"needs {name}: apt-get install dbus-user-session libpam-systemd util-linux"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--cgroup", "true"], capture_output=True, check=False
    )
    return "" if tried.returncode == 0 else f"no namespaces here: {tried.stderr.decode().strip()}"


@dataclass
class Person:
    """Somebody who is logged in. `home` is their home as seen from outside, `inside` leads a command into theirs."""

    home: Path
    inside: list[str]
    init: int

    def processes(self) -> tuple[int, list[int]]:
        """The daemon (0: none) and its passes, by the numbers that they have outside."""
        daemon, passes = 0, []
        for path in Path("/proc").iterdir():
            with suppress(OSError):
                if path.name.isdigit() and os.readlink(path / "ns/pid") == os.readlink(f"/proc/{self.init}/ns/pid"):
                    words = _read(str(path / "cmdline")).split(b"\0")
                    if words[-2:-1] == [b"run"]:
                        daemon = int(path.name)
                    elif b"--implicit" in words:
                        passes.append(int(path.name))
        return daemon, passes

    @property
    def state(self) -> Path:
        return self.home / ".local/state/shipper"

    def run(self, *command: str, code: int | None = 0, environ: Mapping[str, str] | None = None) -> str:
        """Run a command as the person and return all that it says. `code` is the exit code it must have."""
        variables = [f"{name}={value}" for name, value in (environ or {}).items()]
        done = subprocess.run(
            [*self.inside, *variables, *command], capture_output=True, text=True, timeout=40, check=False, cwd="/"
        )
        said = done.stdout + done.stderr
        assert code is None or done.returncode == code, said
        return said

    def shipper(self, *words: str, code: int | None = 0, environ: Mapping[str, str] | None = None) -> str:
        return self.run(sys.executable, "-m", "shipper", *words, code=code, environ=environ)

    def systemctl(self, *words: str, code: int | None = 0) -> str:
        return self.run("systemctl", "--user", "--no-pager", *words, code=code)

    def show(self, name: str, unit: str = "shipper.service") -> str:
        return self.systemctl("show", unit, f"--property={name}", "--value").strip()

    def write(self, path: str, text: str) -> Path:
        """Write a file into the person's home, as theirs."""
        target = self.home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        for each in (target, *target.parents):
            if self.home in each.parents:
                os.chown(each, UID, UID)
        return target

    def drop_in(self, text: str, unit: str = "shipper.service") -> None:
        """Change a unit for this test, and have the manager read it."""
        self.write(f".config/systemd/user/{unit}.d/test.conf", text)
        self.systemctl("daemon-reload")


@contextmanager
def person(home: Path, *also: Path, user_namespaces: bool = True) -> Iterator[Person]:
    """Log somebody in whose home is the folder `home`, and log them out again. They can read the checkout and `also`."""
    home.mkdir(mode=0o700)
    os.chown(home, UID, UID)
    reachable = {str(CHECKOUT), sys.prefix, sys.base_prefix, *map(str, also)}
    environ = {**os.environ, "NO_USER_NAMESPACES": "" if user_namespaces else "1"}
    log = home.with_name("manager.log")
    with open(log, "wb") as said:
        shell = subprocess.Popen(
            ["bash", str(SHELL), str(home), str(UID), *sorted(reachable)], env=environ, stdout=said, stderr=said
        )
    try:
        init = until(lambda: _first_process(shell), 10, "the namespaces are made")
        runtime = f"/run/user/{UID}"
        variables = {
            "HOME": HOME,
            "USER": "visitor",
            "PATH": "/usr/bin:/bin",
            "XDG_RUNTIME_DIR": runtime,
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/bus",
        }
        enter = ["nsenter", "--target", str(init), "--mount", "--pid", "--cgroup"]
        become = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "env", "-i"]
        visitor = Person(home, [*enter, *become, *(f"{name}={value}" for name, value in variables.items())], init)
        ready = ("systemctl", "--user", "is-system-running", "--wait")
        until(lambda: visitor.run(*ready, code=None).startswith("running"), 30, f"the user manager runs; see {log}")
        yield visitor
    finally:
        shell.kill()
        shell.wait()


def _first_process(shell: "subprocess.Popen[bytes]") -> int:
    """Process 1 of the new namespaces, once its mounts are made and it has started the manager."""
    assert shell.poll() is None, "user_manager.sh has ended"
    for init in _children(shell.pid):
        if any(b"systemd" in _read(f"/proc/{each}/cmdline") for each in _children(init)):
            return init
    return 0


def _children(process: int) -> list[int]:
    return [int(child) for child in _read(f"/proc/{process}/task/{process}/children").split()]


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:  # it has ended
        return b""
