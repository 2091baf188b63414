"""How a service manager's own command is asked."""

import subprocess

from shipper.errors import ShipperError

#: Seconds for one command. launchctl waits for a service to end, and that for the passes in hand, which end within seconds.
PATIENCE = 60.0


class NoManager(ShipperError):
    """No service manager answers here."""


class Refusal(ShipperError):
    """The manager did not do what it was asked to."""


def ask(*words: str) -> str:
    """Run a command to its end and return its stdout. Raises NoManager where there is none, Refusal where it fails."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except FileNotFoundError:
        raise NoManager(f"this system has no {words[0]}", INSTEAD) from None
    except subprocess.TimeoutExpired:
        raise Refusal(f"{' '.join(words)} did not answer", "Try again in a moment.") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().partition("\n")[0]
        raise Refusal(f"{' '.join(words[:2])} failed: {said or done.returncode}", INSTEAD)
    return done.stdout


INSTEAD = "Nothing is lost without it: each CLI starts its passes itself."
