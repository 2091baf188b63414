"""The line in which an event is kept.

One event is one line of compact JSON in UTF-8, keys in a fixed order, at most 16 KiB with its newline:

    {"v":1,"id":"<uuid7>","time":"2026-11-23T10:00:00.123Z","app":"wunderctl","version":"0.150.0","name":"command",
     "user":"<pseudonymous id>","session":"<random, one per process>","ci":false,"os":"linux","arch":"x86_64","cpus":8,
     "runtime":"cpython 3.12.1","fields":{"command":"up","duration_ms":1234,"outcome":"ok"},"sum":"0fdd1a26"}

A line of the level "none" holds nothing that another line holds because both come from one machine: no `user`, no
`session`, nothing of the machine, a day for a time, and an id of random bits alone (UUID version 4):

    {"v":1,"id":"<uuid4>","time":"2026-11-23","app":"wunderctl","version":"0.150.0","name":"command","ci":false,
     "fields":{"command":"up","duration_ms":1234,"outcome":"ok"},"sum":"3b9e6f21"}

`user` is left out in CI, in homes made for one run, and while another process is making the id. After `ci` stands
`"agent":"<name>"` where a coding agent runs the host (`automation.AGENTS`). `sum` is the checksum of
the line without its newline and its last 18 bytes (`,"sum":"xxxxxxxx"}`): its bytes as one big-endian number modulo
2**32 - 5. So a flipped bit, a run of NULs or two glued lines cost only themselves.

The line is written by hand: importing json would cost the host more than everything else that recording does. Nothing
needs escaping, because every string in it is checked when it is declared (`valid_name`). Reading a line back is the
work of `shipper.reader`, which a process that only records never loads.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.recording.app import App

#: The format's version, first in every line. A reader leaves a newer one alone.
VERSION = 1
#: Bytes of a line, newline included. An event is a few hundred; what is larger was never declared by us.
MAX_LINE = 16 * 1024
#: Bytes of `,"sum":"xxxxxxxx"}`.
SUM_TAIL = 18
#: The checksum's modulus: prime, and 2 is a primitive root of it, so every single and double flipped bit and every burst of
#: up to 31 bits changes the remainder, as with a CRC-32; of all other damage one in four thousand million is missed.
MODULUS = 2**32 - 5
# S13: drawn again when the process id has changed, so that a forked child is a session of its own.
_session = (0, "")
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}


def new_id(milliseconds: "int", randomness: "bytes") -> "str":
    """Make a UUID version 7 (RFC 9562, section 5.7) from Unix milliseconds and ten random bytes (74 bits are used)."""
    top = (milliseconds & 0xFFFFFFFFFFFF) << 16 | 0x7000 | (randomness[0] << 8 | randomness[1]) & 0x0FFF
    low = int.from_bytes(randomness[2:10], "big") & 0x3FFFFFFFFFFFFFFF | 0x8000000000000000
    digits = f"{top:016x}{low:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def format_time(milliseconds: "int") -> "str":
    """Write Unix milliseconds as RFC 3339 in UTC; what lies before 1970 or past 9999 is moved to the nearest end."""
    seconds, rest = divmod(min(max(milliseconds, 0), 253402300799999), 1000)
    # By arithmetic: gmtime() reads the file of the local zone. A year begins in March, so that a leap day is its last.
    days, second = divmod(seconds, 86400)
    era, day = divmod(days + 719468, 146097)  # since March of the year 0, in spans of 400 years
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day += 1 - (153 * month + 2) // 5
    year += 400 * era + month // 10
    month += 3 if month < 10 else -9
    hour, minute = second // 3600, second // 60 % 60
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second % 60:02d}.{rest:03d}Z"


def surroundings() -> "str":
    """Describe this machine's kind in closed values: the keys os, arch, cpus and runtime, as they stand in the line."""
    system = _SYSTEMS.get(sys.platform, "other")
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    arch = _ARCHITECTURES.get(machine.lower(), "other")
    runtime = f"{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}.{sys.version_info[2]}"
    # The processors that this process may use, asked of the scheduler: os.cpu_count() reads a file.
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f'"os":"{system}","arch":"{arch}","cpus":{cpus},"runtime":"{runtime}"'


def checksum(data: "bytes") -> "int":
    """The checksum of data: what it leaves as one big-endian number modulo 2**32 - 5. It needs no table and no import."""
    return int.from_bytes(data, "big") % MODULUS


def seal_line(text: "str") -> "bytes":
    """Close an open line (everything up to, not including, the sum) with its checksum and newline."""
    body = text.encode("ascii")
    return b'%s,"sum":"%08x"}\n' % (body, checksum(body))


def event_line(
    app: "App", now: "int", moment: "str", name: "str", said: "str", user: "str", ci: "str", agent: "str"
) -> "bytes":
    """Write a whole line of an app of the level "pseudonymous".

    `now` is Unix milliseconds, `moment` the same as text; `said` are the fields as JSON; user, ci, agent may be "".
    """
    global _session
    if _session[0] != os.getpid():
        _session = (os.getpid(), os.urandom(8).hex())
    person = f'"user":"{user}",' if user else ""
    driver = f',"agent":"{agent}"' if agent else ""
    return seal_line(
        f'{{"v":{VERSION},"id":"{new_id(now, os.urandom(10))}","time":"{moment}",'
        f'"app":"{app.name}","version":"{app.version}","name":"{name}",{person}"session":"{_session[1]}",'
        f'"ci":{"true" if ci else "false"}{driver},{surroundings()},"fields":{{{said}}}'
    )
