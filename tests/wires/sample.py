"""Events as an app would have recorded them, with every byte fixed, so that a request can be compared whole."""

from shipper.recording.line import seal_line
from shipper.wires.message import Batch, Destination

PERSON = "0123456789abcdef0123456789abcdef"
SESSION = "00112233aabbccdd"
KEY = "20261123T100000000Z-0a1b2c3d"
ABOUT = Destination("wunderctl", "0.150.0", "https://telemetry.example.com", write_key="phc_public", token="hush")

_HEAD = (
    '{{"v":1,"id":"019ab0c8-7e00-7000-8000-00000000000{n}","time":"2026-11-23T10:00:0{n}.123Z","app":"wunderctl",'
    '"version":"{version}","name":"{name}",{user}"session":"' + SESSION + '","ci":{ci},"os":"linux","arch":"x86_64",'
    '"cpus":8,"runtime":"cpython 3.12.1","fields":{{{fields}}}'
)


def line(
    n: int = 1, name: str = "command", fields: str = "", version: str = "0.150.0", user: str = PERSON, ci: bool = False
) -> bytes:
    """One event line with its newline; `fields` is the inside of the JSON object."""
    person = f'"user":"{user}",' if user else ""
    head = _HEAD.format(n=n, name=name, user=person, fields=fields, version=version, ci=str(ci).lower())
    return seal_line(head)


UP = line(1, fields='"command":"up","duration_ms":1234,"outcome":"ok","cached":true')
SOURCE = line(2, "datasource", '"kind":"postgres"')
IN_CI = line(3, fields='"command":"generate","duration_ms":50,"outcome":"error","error":"OSError"', user="", ci=True)
LOSSES = line(4, "shipper.losses", '"full":12,"rejected":1', user="")


def batch(*lines: bytes) -> Batch:
    return Batch(KEY, lines)
