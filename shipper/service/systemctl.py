"""The person's service manager, spoken with by `systemctl --user` as people do."""

import os
import subprocess
from collections.abc import Mapping

from shipper.service.asking import NoManager, Refusal

#: Seconds for one command: a start waits for READY=1 and a stop for the passes in hand, which end within seconds.
PATIENCE = 60.0


def ask(*words: str) -> str:
    """Run `systemctl --user` and return what it says. Raises NoManager or Refusal."""
    try:
        done = subprocess.run(
            ["systemctl", "--user", "--no-pager", *words], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except FileNotFoundError:
        raise NoManager("this system has no systemd", INSTEAD) from None
    except subprocess.TimeoutExpired:
        raise Refusal(f"systemctl --user {' '.join(words)} did not answer", "See `systemctl --user status`.") from None
    if done.returncode:
        said = done.stderr.strip().partition("\n")[0]
        if "connect to bus" in done.stderr.lower() or "XDG_RUNTIME_DIR" in done.stderr:
            raise NoManager(f"no systemd user manager answers here: {said}", REACH + INSTEAD)
        raise Refusal(said or f"systemctl --user {' '.join(words)} failed", "See `systemctl --user status shipper`.")
    return done.stdout


INSTEAD = (
    "Nothing is lost without it: each CLI starts its passes itself. `shipper run` serves under any other supervisor, "
    "`shipper run --once` from a crontab."
)
REACH = "It runs for who has logged in, not behind su or sudo: log in, or `ssh` or `machinectl shell` to yourself. "


def show(unit: str, *names: str) -> dict[str, str]:
    """Some properties of a unit."""
    said = ask("show", unit, *(f"--property={name}" for name in names))
    return dict(line.partition("=")[::2] for line in said.splitlines() if "=" in line)


def folder(environ: Mapping[str, str]) -> str:
    """Where the manager looks for the units of this person. Raises NoManager, Refusal."""
    base = environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    wanted = os.path.join(base, "systemd", "user")
    known = ask("show", "--property=UnitPath", "--value").split()
    if wanted in known:
        return wanted
    usual = os.path.join(os.path.expanduser("~"), ".config", "systemd", "user")  # the manager has its own environment
    if usual in known:
        return usual
    raise Refusal(f"the user manager does not read {wanted}", f"It reads: {' '.join(known)}")


def lingers(user: str) -> bool:
    """Say whether this person's manager outlives their logout (loginctl enable-linger)."""
    return os.path.exists(os.path.join("/var/lib/systemd/linger", user))
