"""What a stranger sends: bytes for one connection, drawn from a seed. Mostly almost right, for that goes deepest."""

import gzip
import json
import random
import zlib
from collections.abc import Callable
from urllib.parse import quote

from shipper.recording.line import new_id, seal_line
from tests.fixtures.wire_events import NOON, line

NAMES = ("wunderctl", "other", "shipper.losses", "shipper.late", "command", "a" * 64, "A/b+c<d>", "-", "0", "lib.E")
NUMBERS = (0, 1, -1, 2**31, 2**53, 2**63 - 1, -(2**63), 2**63, 10**40)
MOMENTS = ("2026-11-23T12:00:00.000Z", "2026-02-30T12:00:00.000Z", "9999-99-99T99:99:99.999Z")
PATHS = ("/", "/answers.json", "/public", "/metrics", "/healthz", "/v1/events", "/style.css", "/%00", "//", "/../x")
STARTS = (*("POST /v1/events HTTP/1.1",) * 8, "PUT /v1/events HTTP/1.1", "POST /v1/events HTTP/1.0", "POST /v1/events")
VERBS = ("GET", "GET", "HEAD", "OPTIONS", "TRACE")
TIMES = (0, NOON, NOON + 1, 253_402_300_799_999, 1_577_836_800_000, 2_524_608_000_000, 4_000_000_000_000)


def name(chance: random.Random) -> str:
    """A name: known, new, or none at all."""
    return chance.choice((*NAMES, f"n{chance.getrandbits(40):x}", "", "\u00e9", '"', "x" * 65, "=cmd", "\\u001b[31m"))


def value(chance: random.Random) -> str:
    """A field's value as JSON, closed or not."""
    return chance.choice(
        (
            lambda: json.dumps(name(chance)),
            lambda: str(chance.choice(NUMBERS)),
            lambda: chance.choice(("true", "false", "null", "1.5", "1e999", "NaN", "[]", "{}", "[" * 3000, '{"a":1}')),
        )
    )()


def fields(chance: random.Random) -> str:
    """What stands between the braces of `fields`."""
    count = chance.choice((0, 1, 3, 8, 64, 65, 200))
    return ",".join(f"{json.dumps(name(chance))}:{value(chance)}" for _ in range(count))


def event(chance: random.Random) -> bytes:
    """A line that is well formed, or a key of it is not; its checksum holds."""
    time = chance.choice((*TIMES, chance.randrange(1 << 47)))
    if chance.random() < 0.7:
        well = f'"{chance.choice(NAMES)}":"{chance.choice(NAMES)}","n":{chance.choice(NUMBERS[:7])}'
        kind = chance.choice(("command", "shipper.losses", f"e{chance.getrandbits(16)}"))
        app = chance.choice(("other", "stranger", f"app{chance.getrandbits(20)}"))
        version = f"1.{chance.getrandbits(16)}"
        who = chance.choice((None, f"p{chance.getrandbits(30)}"))
        return line(
            chance.getrandbits(40),
            name=kind,
            fields=well,
            time=time,
            app=app,
            user=who,
            version=version,
        )
    keys = {
        "v": chance.choice(("1", "2", "1" * 5000, "null")),
        "id": json.dumps(chance.choice((new_id(time, chance.randbytes(10)), "x", "0" * 36))),
        "time": json.dumps(chance.choice(MOMENTS)),
        "app": json.dumps(name(chance)),
        "version": json.dumps(name(chance)),
        "name": json.dumps(name(chance)),
        "session": json.dumps(name(chance)),
        "ci": chance.choice(("true", "false", "0", "null")),
        "os": json.dumps(name(chance)),
        "arch": json.dumps(name(chance)),
        "cpus": str(chance.choice(NUMBERS)),
        "runtime": json.dumps(name(chance)),
        "fields": f"{{{fields(chance)}}}",
    }
    if chance.random() < 0.3:
        keys[chance.choice((*keys, "user", "agent", "more"))] = value(chance)
    if chance.random() < 0.1:
        del keys[chance.choice(tuple(keys))]
    return seal_line("{" + ",".join(f'"{key}":{said}' for key, said in keys.items()))


def body(chance: random.Random) -> bytes:
    """Lines, some of them damaged."""
    lines = [event(chance) for _ in range(chance.choice((0, 1, 2, 20, 300, 1000, 1001)))]
    whole = bytearray(b"".join(lines))
    for _ in range(chance.choice((0, 0, 1, 10)) if whole else 0):
        whole[chance.randrange(len(whole))] = chance.randrange(256)
    return bytes(whole[: chance.choice((len(whole), len(whole), chance.randrange(len(whole) + 1)))])


def packed(chance: random.Random) -> bytes:
    """A body as it is sent: gzip that is whole, cut, damaged, a bomb, two in one, or with a size that is a lie."""
    plain = body(chance)
    whole = gzip.compress(plain, chance.choice((0, 1, 6)))
    return chance.choice(
        (
            lambda: whole,
            lambda: whole,
            lambda: whole[: chance.randrange(len(whole))],
            lambda: whole[:-4] + chance.randbytes(4),
            lambda: whole + whole,
            lambda: whole + b"\0" * chance.randrange(100),
            lambda: gzip.compress(chance.choice((b"\0", b"\n", b"[", b"{}\n")) * chance.choice((10**6, 10**7))),
            lambda: zlib.compress(plain),
            lambda: chance.randbytes(chance.randrange(2000)),
            lambda: plain,
            lambda: b"",
        )
    )()


def headers(chance: random.Random, size: int) -> list[str]:
    """A request's head lines, some of them twice, wrong or monstrous."""
    found = [
        "Host: x",
        f"Content-Length: {chance.choice((size, size, size, size, size - 1, size + 1, 0, -1, 10**12, '+5', '0x10', ''))}",
        f"Content-Type: {chance.choice(('application/x-ndjson', 'application/x-ndjson; charset=utf-8', 'text/plain'))}",
        f"Content-Encoding: {chance.choice(('gzip', 'gzip', 'gzip', 'identity', 'br', 'gzip, gzip'))}",
        f"Idempotency-Key: {chance.choice(('batch', 'k' * 200, 'k' * 201, '', 'a b'))}",
    ]
    odd = (
        "Transfer-Encoding: chunked", "Transfer-Encoding : chunked", "Transfer-Encoding: identity", "Content-Length: 0",
        "Expect: 100-continue", "Connection: close", "Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c",
        "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: " + "1," * 2000, "Authorization: Bearer x",
        "Authorization: Basic %%%",
        "Person-Secret: " + "s" * 300, "X: " + "x" * 8000, "X: " + "x" * 80_000, " folded: yes", "no colon", "\x00: nul",
    )  # fmt: skip
    return found + chance.sample(odd, chance.choice((0, 0, 0, 1, 2, 4)))


def address(chance: random.Random) -> str:
    """A path with a query."""
    day = ("2026-11-23", "0001-01-01", "9999-12-31", "2026-02-30", "x", "")
    asked = {
        "app": chance.choice((*NAMES, "")),
        "since": chance.choice(day),
        "until": chance.choice(day),
        "days": chance.choice(("30", "0", "-1", "9" * 400, "x", "\u0664")),
        "ci": chance.choice(("all", "only", "without", "?")),
        "version": name(chance),
        "uses": chance.choice(("command.command=up", "=", "a.b", "." * 500)),
    }
    query = "&".join(f"{key}={quote(said)}" for key, said in asked.items() if chance.random() < 0.4)
    path = chance.choice(PATHS)
    return f"{path}?{query}" if query else path


def request(chance: random.Random) -> bytes:
    """One request: events, a look, a person's own routes, or noise."""
    kind = chance.random()
    if kind < 0.6:
        content = packed(chance)
        start = chance.choice(STARTS)
        return _whole(start, headers(chance, len(content)), content)
    if kind < 0.75:
        return _whole(
            f"{chance.choice(VERBS)} {address(chance)} HTTP/1.1",
            headers(chance, 0)[:1],
            b"",
        )
    if kind < 0.9:
        who = quote(chance.choice((f"{chance.getrandbits(128):032x}", name(chance), "a/b", "x" * 3000)))
        verb = chance.choice(("DELETE", "GET", "POST"))
        secret = f"Person-Secret: {chance.choice((f'{chance.getrandbits(128):032x}', '', 'x' * 5000))}"
        return _whole(f"{verb} /v1/users/{who} HTTP/1.1", ["Host: x", secret], b"")
    return chance.randbytes(chance.choice((1, 100, 20_000)))


def _whole(start: str, head: list[str], content: bytes) -> bytes:
    return "\r\n".join((start, *head, "", "")).encode("latin-1", "replace") + content


#: How a stranger sends: all at once, several requests in one, in pieces, never to the end, or without listening.
WHOLE, AHEAD, PIECES, CUT, DEAF = "whole", "ahead", "pieces", "cut", "deaf"


def visit(chance: random.Random) -> tuple[str, bytes]:
    """How a connection is used, and what is sent on it."""
    how = chance.choices((WHOLE, AHEAD, PIECES, CUT, DEAF), (6, 1, 1, 1, 1))[0]
    content = b"".join(request(chance) for _ in range(chance.choice((2, 5, 20)) if how == AHEAD else 1))
    return how, content[: chance.randrange(len(content))] if how == CUT and content else content


Visit = Callable[[random.Random], tuple[str, bytes]]
