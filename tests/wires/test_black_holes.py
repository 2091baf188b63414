"""Networks that swallow everything, in a network namespace of their own: names that nobody answers for, hosts too."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

# Two addresses lead to the far end of a cable that nobody listens at: what goes there is never heard of again, DNS
# questions included.
WORLD = """
set -e
mount --bind {resolv} /etc/resolv.conf
ip link set lo up
ip link add hole type veth peer name far
ip addr add 10.99.0.1/24 dev hole
ip link set hole up
ip link set far up
ip neigh add 10.99.0.2 lladdr 02:00:00:00:00:02 dev hole
ip neigh add 10.99.0.9 lladdr 02:00:00:00:00:02 dev hole
exec {python} -c "$PROGRAM"
"""
PROGRAM = textwrap.dedent(
    """
    import sys, time
    from shipper.wires import shipper
    from shipper.wires.message import Batch, Destination
    from shipper.wires.transport import Transport
    endpoint = {endpoint!r}
    request = shipper.encode(Batch("20261123T100000000Z-0a1b2c3d", (b"line",)), Destination("app", "1", endpoint))
    begun = time.monotonic()
    outcome = Transport(endpoint).send(request, 2.0, lambda: True)
    print(outcome.kind, outcome.cause, time.monotonic() - begun < 3.0)
    """
)


CABLE = ["unshare", "-nm", "ip", "link", "add", "hole", "type", "veth", "peer", "name", "far"]


def can_isolate() -> bool:
    if not (sys.platform == "linux" and shutil.which("unshare") and shutil.which("ip")):
        return False
    return subprocess.run(CABLE, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_isolate(), reason="needs the right to make network namespaces, and iproute2")
@pytest.mark.parametrize("endpoint", ["https://telemetry.example.com", "https://10.99.0.2"])
def test_a_send_into_a_black_hole_ends_at_its_deadline_and_the_process_with_it(endpoint: str, tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 10.99.0.9\n")
    world = WORLD.format(resolv=tmp_path / "resolv.conf", python=sys.executable)
    environ = {**os.environ, "PROGRAM": PROGRAM.format(endpoint=endpoint)}
    ended = subprocess.run(
        ["unshare", "-nm", "sh", "-c", world], env=environ, capture_output=True, text=True, check=False, timeout=20
    )
    assert ended.stdout.split() == ["unreachable", "timeout", "True"], ended.stderr
