"""Who may do what, by the tokens in a file, which is read again when it changes.

A token file has one token a line, `KIND TOKEN [APP ...]`; with apps the token is for these alone:

    send TOKEN      a sender's: it sends events, and asks for what a person may ask with their secret. It is in every copy
                    of a CLI and no secret. A line of one word is a send token.
    read TOKEN      looks at the page, the answers and the metrics
    delete TOKEN    deletes a person without their secret: for who answers their letters
    operate TOKEN   looks at the metrics

An empty line or one that begins with # is passed over. The kinds do not stand in for each other.
"""

import base64
import binascii
import hmac
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from shipper.errors import BadCall, ShipperError
from shipper.recording.names import valid_name

#: Bytes of a token file: hundreds of tokens.
MAX_FILE = 64 * 1024
SEND, READ, DELETE, OPERATE = "send", "read", "delete", "operate"
KINDS = (SEND, READ, DELETE, OPERATE)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a request's token allows: the apps it is for (None: all), and a name for it that tells nobody the token."""

    apps: frozenset[str] | None = None
    token: str = "-"  # noqa: S105 - what stands where there is none

    def covers(self, app: str) -> bool:
        """Whether this is allowed for an app."""
        return self.apps is None or app in self.apps


@dataclass(frozen=True, slots=True)
class Access:
    """The grants of each kind by their tokens' digests; without a file everything but DELETE is allowed."""

    tokens: Mapping[str, Mapping[bytes, Grant]] | None = field(default=None)

    def grant(self, kind: str, authorization: str) -> Grant | None:
        """What a request with this Authorization header is allowed of `kind`, one of KINDS; None for nothing.

        Takes `Bearer TOKEN`, and for people in a browser `Basic`, any name with the token as password.
        """
        if self.tokens is None:
            return None if kind == DELETE else Grant()
        given = sha256(_token(authorization)).digest()
        # All of them are compared, each in constant time: how long it takes tells nothing.
        found = [grant for known, grant in self.tokens[kind].items() if hmac.compare_digest(given, known)]
        return found[0] if found else None


class TokenFile:
    """The access that a token file gives now. `say` is told in a sentence what became of a change."""

    def __init__(self, path: str | None, say: Callable[[str], object] = lambda _: None) -> None:
        """Read the file, if there is one. Raises BadCall."""
        self._path = path
        self._say = say
        self._state = _state(path)
        self._access = read_tokens(path) if path else Access()

    @property
    def given(self) -> bool:
        """Whether there is a file at all."""
        return self._path is not None

    def current(self) -> Access:
        """The access as the file gives it now; a file that is wrong changes nothing, and is told."""
        state = _state(self._path)
        if self._path and state != self._state:
            self._state = state
            try:
                self._access = read_tokens(self._path)
                self._say("the tokens were read again")
            except ShipperError as error:
                self._say(f"the tokens stay as they were: {error}")
        return self._access


def _state(path: str | None) -> tuple[int, int, int]:
    try:
        found = os.stat(path) if path else None
    except OSError:
        found = None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if found else (0, 0, 0)


def _token(authorization: str) -> bytes:
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("utf-8", "surrogateescape")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""


def read_tokens(path: str) -> Access:
    """Read a token file. Raises BadCall when it cannot be read, is open to others, or has no token."""
    tokens: dict[str, dict[bytes, Grant]] = {kind: {} for kind in KINDS}
    for words in _lines(path):
        kind, token, *apps = words if len(words) > 1 else (SEND, *words)
        if kind not in KINDS or not all(map(valid_name, apps)):
            raise BadCall(
                f"the token file {path} has a line that is no token", f"Write {'|'.join(KINDS)} TOKEN [APP ...]."
            )
        digest = sha256(token.encode()).digest()
        tokens[kind][digest] = Grant(frozenset(apps) if apps else None, digest.hex()[:8])
    if not any(tokens.values()):
        raise BadCall(f"the token file {path} has no token", "Write one token a line, at least one.")
    return Access(tokens)


def _lines(path: str) -> list[list[str]]:
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(MAX_FILE + 1)
    except OSError as error:
        raise BadCall(f"the token file {path} cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise BadCall(f"the token file {path} can be read by others", f"chmod 600 {path}")
    if len(text) > MAX_FILE:
        raise BadCall(f"the token file {path} is larger than {MAX_FILE} bytes")
    lines = text.decode("utf-8", "replace").splitlines()
    return [line.split() for line in lines if line.strip() and not line.startswith("#")]
