"""Who may send and who may look, by the tokens in a file.

A token file has one token a line: `TOKEN` lets a sender send and ask for a deletion, `read TOKEN` lets a person or a
scraper look at the answers and the metrics. An empty line or one that begins with # is passed over. The kinds do not
stand in for each other: a sender's token is in every copy of a CLI and no secret.
"""

import base64
import binascii
import hmac
import os
from dataclasses import dataclass
from hashlib import sha256

from shipper.errors import BadCall

#: Bytes of a token file: hundreds of tokens.
MAX_FILE = 64 * 1024
SEND, READ = "send", "read"


@dataclass(frozen=True, slots=True)
class Access:
    """The digests of the tokens of each kind; without a file everything is allowed."""

    tokens: dict[str, frozenset[bytes]] | None = None

    def allows(self, kind: str, authorization: str) -> bool:
        """Whether a request with this Authorization header may do what `kind` names, SEND or READ.

        Takes `Bearer TOKEN`, and for people in a browser `Basic`, any name with the token as password.
        """
        if self.tokens is None:
            return True
        given = sha256(_token(authorization)).digest()
        # All of them are compared, each in constant time: how long it takes tells nothing.
        return sum([hmac.compare_digest(given, known) for known in self.tokens[kind]]) > 0


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
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith(b"#")]
    if not all(len(words) == 1 or (len(words) == 2 and words[0] == b"read") for words in lines):
        raise BadCall(f"the token file {path} has a line that is no token", "Write TOKEN or read TOKEN, one a line.")
    if not lines:
        raise BadCall(f"the token file {path} has no token", "Write one token a line, at least one.")
    send = frozenset(sha256(words[0]).digest() for words in lines if len(words) == 1)
    read = frozenset(sha256(words[1]).digest() for words in lines if len(words) == 2)
    return Access({SEND: send, READ: read})
