"""What carries a batch that does not leave the machine by the network: into a folder, or to standard output."""

import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from types import TracebackType
from urllib.parse import unquote, urlsplit

from shipper.delivery.outcome import Unreachable, plain
from shipper.wires.message import Reply, Request, Withdrawn

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class Local:
    """Carries requests of the wires `file` and `stdout`; a context manager with the face of `transport.Transport`."""

    def __init__(self, endpoint: str, by_hand: bool) -> None:
        """`by_hand`: whether somebody sees the standard output."""
        self._url, self._by_hand = urlsplit(endpoint), by_hand

    def __enter__(self) -> "Local":
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, wrong: BaseException | None, where: TracebackType | None
    ) -> None:
        return

    def send(self, request: Request, seconds: float, allowed: Callable[[], bool]) -> Reply | Unreachable:
        """Write one request. Raises Withdrawn when `allowed` says no. A disk has no deadline but the pass's own alarm."""
        del seconds
        if not allowed():
            raise Withdrawn
        try:
            return self._written(request)
        except BrokenPipeError:
            return Unreachable(cause="pipe", detail="whoever read the output went away", unsure=True)
        except OSError as wrong:
            detail = plain(f"{wrong.strerror}: {unquote(self._url.path)}")
            return Unreachable(cause="folder", detail=detail, unsure=True)

    def send_all(
        self, requests: Sequence[Request], seconds: float, allowed: Callable[[], bool]
    ) -> list[Reply | Unreachable]:
        """Write requests one after the other."""
        return [self.send(request, seconds, allowed) for request in requests]

    def _written(self, request: Request) -> Reply | Unreachable:
        if self._url.scheme == "stdout":
            if not self._by_hand:
                return Unreachable(cause="by-hand", detail="stdout: is written by `shipper flush` only")
            sys.stdout.buffer.write(request.body)
            sys.stdout.buffer.flush()
            return Reply(200, (), b"", time.time())
        if self._url.netloc not in ("", "localhost") or not self._url.path.startswith("/"):
            return Unreachable(cause="endpoint", detail="a file endpoint is file:///FOLDER")
        digest = _file(unquote(self._url.path), request.path, request.body)
        return Reply(200, (), digest.encode(), time.time())


def _file(folder: str, name: str, body: bytes) -> str:
    """Put a whole file into a folder under its name, on the disk, and return the digest of what stands there then."""
    path, temporary = os.path.join(folder, name), os.path.join(folder, f".{name}.{secrets.token_hex(8)}")
    fd = os.open(temporary, _NEW, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    with open(path, "rb") as file:
        digest = sha256(file.read()).hexdigest()
    at = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(at)
    finally:
        os.close(at)
    return digest
