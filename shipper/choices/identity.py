"""The pseudonymous id of a person for one app at one receiver: made, put aside, or taken over from an earlier telemetry.

An event reads it by `consent.read_identity`; what stands here happens once in a person's time with an app. The id is
for one app and receiver only and is the hash of a secret that is random and stays on this machine: who shows the secret is
the person whose events bear the id, and a receiver erases them for nobody else. An id that was taken over has no secret: it
is random by its form, or it is hashed with a salt that nobody keeps.
"""

import json
import os
import re

from shipper import files
from shipper.errors import Busy
from shipper.recording.consent import read_identity, read_line
from shipper.recording.folder import Folder
from shipper.recording.lock import PATIENCE, Lock, patience, set_patience
from shipper.recording.names import valid_id

#: Ends the name of the file that says when a person was forgotten.
FORGOTTEN = ".forgotten"
#: Stands in the name of the file that holds the secret of an id, before the id.
SECRET = ".secret-"  # noqa: S105 - a part of a name
#: Bytes of the other program's file that are read: a configuration, not a database.
MAX_FILE = 1024 * 1024
#: Characters. Anything shorter is a flag or a counter, not a random id.
SHORTEST_ID = 8
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# 128 bits or more. Every digit of a name in hexadecimal would have to be one by chance.
_HEX = re.compile(r"[0-9a-fA-F]{32,64}")
# github.com/segmentio/ksuid: 20 bytes in 27 characters of base 62, of which the first of this century's are 0, 1 or 2.
_KSUID = re.compile(r"[0-2][0-9A-Za-z]{26}")


def first_identity(config: Folder, spool: str, app: str, adopt: str) -> str:
    """Make the id with which an event of an app is recorded for the first time, out of this process's patience.

    adopt is where an earlier telemetry kept its id: the receiver that the app declares may know it, no other does. Where
    somebody else is making the id the event goes without: it counts for nobody, which is better than not at all.
    """
    user, waited = make_identity(config, spool, os.urandom(16), adopt if spool == app else "", patience())
    set_patience(patience() - waited)
    return user


def make_identity(
    config: Folder, spool: str, randomness: bytes, adopt: str = "", seconds: float = PATIENCE
) -> tuple[str, float]:
    """Make this person's id for one spool, 32 hexadecimal digits, of 16 random bytes, unless it is there already.

    A spool is an app's at one endpoint: another receiver knows the person by another id. adopt ("FILE" or "FILE#key")
    names where an earlier telemetry kept its id, which is taken over once. However many first runs race, one id is made,
    under a lock waited for at most so many seconds. Returns the id, "" where somebody else has been making it all that
    time, and the seconds waited. Raises OSError where it can be neither read nor made.
    """
    lock = Lock(config, seconds, spool + ".lock")
    try:
        with lock:
            found = read_identity(config, spool)
            if not found:
                found = _adopted(config, spool, adopt, randomness) or _made(config, spool, randomness.hex())
                files.replace(config, spool + ".id", found.encode("ascii") + b"\n", config)
    except Busy:
        found = ""
    return found, lock.waited


def _made(config: Folder, spool: str, secret: str) -> str:
    """Keep the secret, then return its id: whatever interrupts this, no id is without its secret."""
    found = identity_of(secret)
    files.replace(config, spool + SECRET + found, secret.encode("ascii") + b"\n", config)
    return found


def identity_of(secret: str) -> str:
    """The id that belongs to a secret: 32 hexadecimal digits of SHA-256."""
    from hashlib import sha256  # only here: once in a person's time with an app

    return sha256(b"shipper id " + secret.encode("ascii", "replace")).hexdigest()[:32]


def secret_of(config: Folder, spool: str, found: str) -> str:
    """The secret of an id, "" for one that was taken over from an earlier telemetry."""
    return read_line(config, spool + SECRET + found) or ""


def identities(config: Folder, app: str = "") -> list[str]:
    """Return the spools of an app, or of all, for which there is an id."""
    found = [name.removesuffix(".id") for name in files.names(config) if name.endswith(".id")]
    return [spool for spool in found if app in ("", spool.partition("@")[0])]


def retire(config: Folder, spool: str) -> None:
    """Put the id aside, by one rename, as `<spool>.formerly-<random>`; the next event has a new one."""
    files.rename(config, spool + ".id", config, f"{spool}.formerly-{os.urandom(8).hex()}")


def former_identities(config: Folder, spool: str) -> dict[str, str]:
    """Return the ids that were put aside, by the names of their files."""
    names = [name for name in files.names(config) if name.startswith(spool + ".formerly-")]
    return {name: line for name in names if valid_id(line := read_line(config, name)) and line}


def _adopted(config: Folder, spool: str, adopt: str, salt: bytes) -> str:
    # An id that was put aside or forgotten was replaced on purpose: it must not come back from where it was taken.
    if not adopt or former_identities(config, spool) or spool + FORGOTTEN in files.names(config):
        return ""
    found = adopted_id(adopt)
    if not found or is_random(found):
        return found
    # Who knows a person's machine name can hash it: with a salt that nobody keeps the result says nothing about it.
    import hashlib

    return hashlib.sha256(salt + found.encode("ascii")).hexdigest()[:32]


def is_random(text: str) -> bool:
    """Say whether an id is random by its form: a UUID that no clock and no machine is in, 32 or more hex digits, a KSUID."""
    if _UUID.fullmatch(text):
        return text[14] == "4" or text[14] == "7"
    return (_HEX.fullmatch(text) or _KSUID.fullmatch(text)) is not None


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
