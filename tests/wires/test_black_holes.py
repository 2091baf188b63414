"""Networks that swallow everything, in a network namespace of their own: names that nobody answers for, hosts too."""

import os
import shutil
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import trustme

from shipper.wires.connecting import connect, in_turn

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


SEVERAL = """
set -e
mount --bind {hosts} /etc/hosts
ip link set lo up
nft 'add table inet swallow; add chain inet swallow out {{ type filter hook output priority 0; }}'
nft 'add rule inet swallow out ip daddr 127.0.0.2-127.0.0.5 drop'
nft 'add table ip forward; add chain ip forward out {{ type nat hook output priority -100; }}'
nft 'add rule ip forward out ip daddr 127.0.0.9 dnat to 127.0.0.1'
exec {python} -c "$PROGRAM"
"""
RACE = textwrap.dedent(
    """
    import socket, ssl, sys, time
    from shipper.testing.receiver import Receiver
    from shipper.wires import shipper
    from shipper.wires.message import Batch, Destination
    from shipper.wires.transport import Transport
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain({pem!r})
    with Receiver("status 200", tls=context) as receiver:
        endpoint = f"https://several.example:{{receiver.port}}"
        found = [each[4][0] for each in socket.getaddrinfo("several.example", receiver.port, type=socket.SOCK_STREAM)]
        batch = Batch("20261123T100000000Z-0a1b2c3d", (b"line",))
        with Transport(endpoint) as transport:
            outcome = transport.send(shipper.encode(batch, Destination("app", "1", endpoint)), 25.0, lambda: True)
        print(len(found), found[-1], type(outcome).__name__, len(receiver.requests))
    """
)


@pytest.mark.skipif(
    not can_isolate() or not shutil.which("nft"), reason="needs network namespaces, iproute2 and nftables"
)
def test_four_addresses_that_swallow_everything_stand_before_a_good_one_in_vain(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    authority.issue_cert("several.example").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    (tmp_path / "hosts").write_text(
        "".join(f"127.0.0.{last} several.example\n" for last in (2, 3, 4, 5)) + "127.0.0.9 several.example\n"
    )
    world = SEVERAL.format(hosts=tmp_path / "hosts", python=sys.executable)
    environ = {
        **os.environ,
        "PROGRAM": RACE.format(pem=str(tmp_path / "server.pem")),
        "SSL_CERT_FILE": str(tmp_path / "authority.pem"),
    }
    ended = subprocess.run(
        ["unshare", "-nm", "sh", "-c", world], env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.stdout.split() == ["5", "127.0.0.9", "Reply", "1"], ended.stderr


def test_families_take_turns() -> None:
    six, four = socket.AF_INET6, socket.AF_INET
    found = [(six, ("a",)), (six, ("b",)), (six, ("c",)), (four, ("d",))]
    assert [where[0] for _, where in in_turn(found)] == ["a", "d", "b", "c"]


def test_an_attempt_that_fails_at_once_makes_room_for_the_next() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_server(("127.0.0.1", 0)) as closed:
        refusing = closed.getsockname()
        closed.close()
        made = connect([(socket.AF_INET, refusing)] * 3 + [(socket.AF_INET, listening.getsockname())], 5.0)
        assert made.getpeername() == listening.getsockname()
        made.close()
        with pytest.raises(ConnectionRefusedError):
            connect([(socket.AF_INET, refusing)] * 2, 5.0)
