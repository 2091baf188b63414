"""One event <-> one line.

An event is one line of compact JSON in UTF-8, keys in a fixed order, at most 16 KiB with its newline:

    {"v":1,"id":"<uuid7>","time":"2026-11-23T10:00:00.123Z","app":"wunderctl","version":"0.150.0","name":"command",
     "user":"<pseudonymous id>","session":"<random, one per process>","ci":false,"os":"linux","arch":"x86_64","cpus":8,
     "runtime":"cpython 3.12.1","fields":{"command":"up","duration_ms":1234,"outcome":"ok"},"crc":"1c291ca3"}

`user` is left out in CI, in homes made for one run, and while another process is making the id. `crc` is the CRC-32 of
the line without its newline and its last 18 bytes (`,"crc":"xxxxxxxx"}`), so a flipped bit, a run of NULs or two glued
lines cost only themselves.

The line is written by hand: importing json would cost the host more than everything else that recording does. Nothing
needs escaping, because every string in it is checked when it is declared (`valid_name`). Reading a line back is the
work of `shipper.reader`, which a process that only records never loads.
"""

import os
import sys
import time

#: The format's version, first in every line. A reader leaves a newer one alone.
VERSION = 1
#: Bytes of a line, newline included. An event is a few hundred; what is larger was never declared by us.
MAX_LINE = 16 * 1024
#: Characters of a name, version, member or class.
MAX_NAME = 64
#: Bytes of `,"crc":"xxxxxxxx"}`.
CRC_TAIL = 18

#: How a checksum is folded by hand: in each row the bits of the message above `height` come back into the `height` bits
#: below them, multiplied by x^height modulo the CRC-32's polynomial (IEEE 802.3, zlib's); a product of polynomials over
#: GF(2) is the xor of shifted copies, and these are the shifts. Heights near half of the one before, with few shifts.
_FOLDS = (
    (16596, (1, 3, 4, 5, 12, 16, 22, 31)),
    (8453, (10, 15, 24, 26, 27, 28, 29, 31)),
    (4243, (2, 7, 9, 15, 19, 25, 26, 30, 31)),
    (2151, (4, 7, 10, 11, 14, 15, 16, 27, 29, 30, 31)),
    (1210, (3, 6, 8, 13, 15, 18, 22, 23, 24, 31)),
    (664, (3, 7, 11, 12, 13, 18, 22, 27, 30, 31)),
    (381, (3, 7, 8, 13, 14, 15, 21, 23, 27, 29, 31)),
    (206, (7, 8, 11, 14, 15, 20, 22, 25, 26, 27, 29)),
    (128, (0, 1, 2, 4, 8, 10, 13, 17, 19, 21, 22, 29, 31)),
    (80, (1, 4, 5, 6, 7, 9, 11, 13, 14, 15, 17, 18, 20, 27, 31)),
    (62, (0, 1, 3, 7, 11, 14, 15, 16, 19, 25, 27, 29, 31)),
)
#: Bytes of the longest message that these rows fold: a row takes at most 2 x height - 31 bits, 32 of them are padding.
_LONGEST_BY_HAND = 4096
#: How many more checksums this process makes by hand. One takes 0.02 ms; to load binascii takes 0.5 ms where it is a
#: shared library, which drags zlib in, and most invocations record one or two events.
_by_hand = 8

_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:+/<>-")
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}


def valid_name(text: "object") -> "bool":
    """Say whether text matches `[A-Za-z0-9_.:+/<>-]{1,64}`: what may stand in a line unescaped."""
    return isinstance(text, str) and 0 < len(text) <= MAX_NAME and _NAME_CHARACTERS.issuperset(text)


def valid_id(text: "object") -> "bool":
    """Say whether text can be a person's id: a name without the signs that mean something in a path or an address."""
    return valid_name(text) and str(text).replace("-", "").replace("_", "").isalnum()


def new_id(milliseconds: "int", randomness: "bytes") -> "str":
    """Make a UUID version 7 (RFC 9562, section 5.7) from Unix milliseconds and ten random bytes (74 bits are used)."""
    top = (milliseconds & 0xFFFFFFFFFFFF) << 16 | 0x7000 | (randomness[0] << 8 | randomness[1]) & 0x0FFF
    low = int.from_bytes(randomness[2:10], "big") & 0x3FFFFFFFFFFFFFFF | 0x8000000000000000
    digits = f"{top:016x}{low:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def format_time(milliseconds: "int") -> "str":
    """Write Unix milliseconds as RFC 3339 in UTC; what lies before 1970 or past 9999 is moved to the nearest end."""
    seconds, rest = divmod(min(max(milliseconds, 0), 253402300799999), 1000)
    year, month, day, hour, minute, second = time.gmtime(seconds)[:6]
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}.{rest:03d}Z"


def surroundings() -> "str":
    """Describe this machine's kind in closed values: the keys os, arch, cpus and runtime, as they stand in the line."""
    system = _SYSTEMS.get(sys.platform, "other")
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    arch = _ARCHITECTURES.get(machine.lower(), "other")
    runtime = f"{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}.{sys.version_info[2]}"
    # The processors that this process may use, asked of the scheduler: os.cpu_count() reads a file.
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f'"os":"{system}","arch":"{arch}","cpus":{cpus},"runtime":"{runtime}"'


def crc32(data: "bytes") -> "int":
    """The CRC-32 of data, as zlib's."""
    global _by_hand
    if _by_hand <= 0 or len(data) > _LONGEST_BY_HAND or "binascii" in sys.modules:
        import binascii

        return binascii.crc32(data)
    _by_hand -= 1
    # The message as one number, its first bit lowest; 32 zero bits follow it, as in every CRC.
    rest, bits = int.from_bytes(data, "little") ^ 0xFFFFFFFF, 8 * len(data) + 32
    for height, shifts in _FOLDS:
        above = bits - height
        if above > 0:
            high, product = rest & (1 << above) - 1, 0
            for shift in shifts:
                product ^= high << shift
            rest, bits = rest >> above ^ product << height - above - 31, height
    for _ in range(bits - 32):
        rest = rest >> 1 ^ (0xEDB88320 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF


def seal_line(text: "str") -> "bytes":
    """Close an open line (everything up to, not including, the crc) with its checksum and newline."""
    body = text.encode("ascii")
    return b'%s,"crc":"%08x"}\n' % (body, crc32(body))
