"""The pseudonymous id of a person for one app: made, put aside, or taken over once from an earlier telemetry.

An event reads it by `consent.read_identity`; what stands here happens once in a person's time with an app. The id is
for one app only and is the hash of a secret that is random and stays on this machine: who shows the secret is the
person whose events bear the id, and a receiver erases them for nobody else. An id that was taken over has no secret.
"""

import json
import os

from shipper import files
from shipper.errors import Busy
from shipper.recording.consent import read_identity, read_line
from shipper.recording.folder import Folder
from shipper.recording.lock import PATIENCE, Lock
from shipper.recording.names import valid_id

#: Ends the name of the file that says when a person was forgotten.
FORGOTTEN = ".forgotten"
#: Stands in the name of the file that holds the secret of an id, before the id.
SECRET = ".secret-"  # noqa: S105 - a part of a name
#: Bytes of the other program's file that are read: a configuration, not a database.
MAX_FILE = 1024 * 1024
#: Characters. Anything shorter is a flag or a counter, not a random id.
SHORTEST_ID = 8


def make_identity(
    config: Folder, app: str, randomness: bytes, adopt: str = "", patience: float = PATIENCE
) -> tuple[str, float]:
    """Make this person's id for this app, 32 hexadecimal digits, of 16 random bytes, unless it is there already.

    adopt ("FILE" or "FILE#key") names where an earlier telemetry kept its id, which is taken over once. However many
    first runs race, one id is made, under a lock waited for at most patience seconds. Returns the id, "" where somebody
    else has been making it all that time, and the seconds waited. Raises OSError where it can be neither read nor made.
    """
    lock = Lock(config, patience, app + ".lock")
    try:
        with lock:
            found = read_identity(config, app)
            if not found:
                found = _adopted(config, app, adopt) or _made(config, app, randomness.hex())
                files.replace(config, app + ".id", found.encode("ascii") + b"\n", config)
    except Busy:
        found = ""
    return found, lock.waited


def _made(config: Folder, app: str, secret: str) -> str:
    """Keep the secret, then return its id: whatever interrupts this, no id is without its secret."""
    found = identity_of(secret)
    files.replace(config, app + SECRET + found, secret.encode("ascii") + b"\n", config)
    return found


def identity_of(secret: str) -> str:
    """The id that belongs to a secret: 32 hexadecimal digits of SHA-256."""
    from hashlib import sha256  # only here: once in a person's time with an app

    return sha256(b"shipper id " + secret.encode("ascii", "replace")).hexdigest()[:32]


def secret_of(config: Folder, app: str, found: str) -> str:
    """The secret of an id, "" for one that was taken over from an earlier telemetry."""
    return read_line(config, app + SECRET + found) or ""


def retire(config: Folder, app: str) -> None:
    """Put the id aside, by one rename, as `<app>.formerly-<random>`; the next event has a new one."""
    files.rename(config, app + ".id", config, f"{app}.formerly-{os.urandom(8).hex()}")


def former_identities(config: Folder, app: str) -> dict[str, str]:
    """Return the ids that were put aside, by the names of their files."""
    names = [name for name in files.names(config) if name.startswith(app + ".formerly-")]
    return {name: line for name in names if valid_id(line := read_line(config, name)) and line}


def _adopted(config: Folder, app: str, adopt: str) -> str:
    # An id that was put aside or forgotten was replaced on purpose: it must not come back from where it was taken.
    if not adopt or former_identities(config, app) or app + FORGOTTEN in files.names(config):
        return ""
    return adopted_id(adopt)


def adopted_id(place: str) -> str:
    """Return the id that stands at place, "" when there is none that could be one.

    place is "FILE", whose whole text is the id, or "FILE#key", a JSON file and the key of the id, dotted when it lies
    deeper. `~` is the home. Names and addresses of people are no ids: what holds an "@" or a blank is not taken.
    """
    path, _, key = place.partition("#")
    try:
        with open(os.path.expanduser(path), "rb") as file:
            text = file.read(MAX_FILE).decode("utf-8")
        found = _at(json.loads(text), key) if key else text.strip()
    except (OSError, ValueError, RecursionError):
        return ""
    return found if isinstance(found, str) and len(found) >= SHORTEST_ID and valid_id(found) else ""


def _at(document: object, key: str) -> object:
    if isinstance(document, dict) and key in document:
        return document[key]
    for part in key.split("."):
        document = document.get(part) if isinstance(document, dict) else None
    return document
