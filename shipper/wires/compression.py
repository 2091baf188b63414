"""gzip out, and gzip in without trust: what comes from the network is unpacked a bounded piece at a time."""

import zlib
from collections.abc import Iterable, Iterator

#: gzip's level. See `tests/bench/compression.py`: level 6 saves most of what 9 does, in a third of its time.
LEVEL = 6
#: Bytes that one step of unpacking may yield; a bomb of 200 MB costs this much at a time.
PIECE = 64 * 1024
#: zlib's window setting for "a gzip header", and for "gzip or zlib, as the header says".
_GZIP, _EITHER = 31, 47


def gzip(body: bytes) -> bytes:
    """Compress a body. The same body gives the same bytes: no time stands in the header (S3)."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
    return packer.compress(body) + packer.flush()


def unpacked(raw: Iterable[bytes], coding: str, most: int) -> tuple[bytes, bool]:
    """Decode the body of a reply, at most so many bytes of it, and say whether it went on.

    `coding` is its Content-Encoding; one that we did not ask for and do not know is taken as it stands. Raises zlib.error.
    """
    kept = bytearray()
    for piece in gunzip(raw) if coding.strip().lower() in ("gzip", "x-gzip", "deflate") else raw:
        kept += piece[: most + 1 - len(kept)]
        if len(kept) > most:
            return bytes(kept[:most]), True
    return bytes(kept), False


def gunzip(raw: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack a gzip or zlib stream piece by piece; raises zlib.error when it is neither or is cut off."""
    unpacker = zlib.decompressobj(_EITHER)
    for packed in raw:
        while packed and not unpacker.eof:
            yield unpacker.decompress(packed, PIECE)
            packed = unpacker.unconsumed_tail
    if not unpacker.eof:
        raise zlib.error("the compressed reply is cut off")
