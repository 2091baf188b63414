"""A request's body: how large it may be, and how it is unpacked."""

import zlib

#: Bytes of a body, as it comes in and once unpacked. A sender's batch is at most 256 KiB before compression.
MAX_BODY = 1024 * 1024


class RequestRefused(Exception):
    """A request that is not taken, with the HTTP status and a sentence for whoever reads the sender's log."""

    def __init__(self, status: int, why: str, retry_after: int = 0) -> None:
        super().__init__(why)
        self.status = status
        self.why = why
        self.retry_after = retry_after
        """Seconds after which it makes sense to try again; 0 where it does not say."""


def unpacked_size(encoding: str, body: bytes) -> int:
    """Say how many bytes a whole body will have once unpacked, before anything is unpacked.

    A gzip body ends with its size (RFC 1952, section 2.3.1); `unpack` holds it to that. Raises RequestRefused: 413 for
    more than MAX_BODY, 415 for an unknown encoding, 400 for no gzip.
    """
    if encoding not in ("", "identity", "gzip"):
        raise RequestRefused(415, "the body's encoding must be gzip or none")
    if encoding == "gzip" and not body.startswith(b"\x1f\x8b"):
        raise RequestRefused(400, "the body is not gzip")
    size = int.from_bytes(body[-4:], "little") if encoding == "gzip" else len(body)
    if size > MAX_BODY:
        raise RequestRefused(413, f"the unpacked body is larger than {MAX_BODY} bytes")
    return size


def unpack(encoding: str, body: bytes) -> bytes:
    """Unpack a whole body; never more is unpacked than `unpacked_size` said. Raises RequestRefused, 400 for no gzip."""
    size = unpacked_size(encoding, body)
    if encoding != "gzip":
        return body
    inflate = zlib.decompressobj(wbits=31)
    try:
        unpacked = inflate.decompress(
            body, size + 1
        )  # one byte more tells a body that just fits from one that does not
    except zlib.error:
        raise RequestRefused(400, "the body is not gzip") from None
    if inflate.unused_data:
        raise RequestRefused(400, "something follows the end of the gzip body")
    if not inflate.eof:
        raise RequestRefused(400, "the gzip body ends too soon, or is larger than it says")
    return unpacked
