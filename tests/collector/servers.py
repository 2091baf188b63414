"""ClickHouse and ZooKeeper as ordinary processes on loopback, each with a folder and a configuration of its own."""

import glob
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from tests.waiting import until

PROGRAMS = ("clickhouse-server", "java")
ZOOKEEPER_JARS = "/usr/share/java/zookeeper.jar"


def missing() -> str:
    """What is not installed here of what a cluster needs, or nothing."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    return ", ".join(absent + ([] if glob.glob(ZOOKEEPER_JARS) else ["zookeeper"]))


needs_clickhouse = pytest.mark.skipif(bool(missing()), reason=f"not installed: {missing()}")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Process:
    """A program that can be killed and started again on the same folder."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.command = command
        self.folder = folder
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its output goes to a file in its folder."""
        with open(self.folder / "output", "ab") as output:
            self.running = subprocess.Popen(self.command, cwd=self.folder, stdout=output, stderr=output)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.running is not None:
            self.running.kill()
            self.running.wait()
            self.running = None

    def output(self) -> str:
        """The end of what it said."""
        return (self.folder / "output").read_text(errors="replace")[-2000:]


class ZooKeeper(Process):
    """One ZooKeeper."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (self.port,) = free_ports(1)
        (folder / "zoo.cfg").write_text(
            f"dataDir={folder}/data\nclientPort={self.port}\nclientPortAddress=127.0.0.1\ntickTime=500\n"
            "admin.enableServer=false\n4lw.commands.whitelist=ruok\n"
        )
        jars = ":".join(sorted(glob.glob("/usr/share/java/*.jar")))
        main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
        super().__init__(["java", "-Xmx128m", "-cp", jars, main, str(folder / "zoo.cfg")], folder)

    def ready(self) -> bool:
        """Whether it serves."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"ruok")
                return connection.recv(16) == b"imok"
        except OSError:
            return False

    def up(self) -> None:
        """Start, and wait until it serves."""
        self.start()
        until(self.ready, 60, "ZooKeeper serves")


class ClickHouse(Process):
    """One ClickHouse server; with a ZooKeeper a replica of the others of its shard that have it too."""

    def __init__(
        self, folder: Path, replica: str = "one", zookeeper: ZooKeeper | None = None, shard: str = "1"
    ) -> None:
        folder.mkdir()
        self.replica = replica
        self.http, self.tcp, self.between = free_ports(3)
        cluster = (
            f"<zookeeper><node><host>127.0.0.1</host><port>{zookeeper.port}</port></node>"
            "<session_timeout_ms>4000</session_timeout_ms></zookeeper>"
            f"<macros><shard>{shard}</shard><replica>{replica}</replica></macros>"
            if zookeeper
            else ""
        )
        (folder / "config.xml").write_text(
            f"<yandex><logger><level>warning</level><log>{folder}/log</log><errorlog>{folder}/errors</errorlog></logger>"
            f"<http_port>{self.http}</http_port><tcp_port>{self.tcp}</tcp_port><listen_host>127.0.0.1</listen_host>"
            f"<interserver_http_port>{self.between}</interserver_http_port>"
            "<interserver_http_host>127.0.0.1</interserver_http_host>"
            f"<path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><users_config>users.xml</users_config>"
            "<default_profile>default</default_profile><default_database>default</default_database>"
            # A fetch whose source dies leaves its folder behind; 18.16 then tries in vain until that is a day old.
            "<merge_tree><temporary_directories_lifetime>10</temporary_directories_lifetime>"
            "<cleanup_delay_period>5</cleanup_delay_period>"
            "<cleanup_delay_period_random_add>1</cleanup_delay_period_random_add></merge_tree>"
            f"<mark_cache_size>67108864</mark_cache_size>{cluster}</yandex>"
        )
        (folder / "users.xml").write_text(
            "<yandex><profiles><default/></profiles><quotas><default/></quotas><users><default><password></password>"
            "<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>"
            "</yandex>"
        )
        super().__init__(["clickhouse-server", f"--config-file={folder}/config.xml"], folder)

    def join(self, name: str, *shards: Sequence["ClickHouse"]) -> None:
        """Learn, before it starts, of which shards a cluster is made, and which servers are replicas of each."""
        parts = "".join(
            "<shard><internal_replication>true</internal_replication>"
            + "".join(f"<replica><host>127.0.0.1</host><port>{each.tcp}</port></replica>" for each in servers)
            + "</shard>"
            for servers in shards
        )
        (self.folder / "config.d").mkdir()
        (self.folder / "config.d" / "cluster.xml").write_text(
            f"<yandex><remote_servers><{name}>{parts}</{name}></remote_servers></yandex>"
        )

    def ready(self) -> bool:
        """Whether it serves."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.http}/ping", timeout=1, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def up(self) -> None:
        """Start, and wait until it serves."""
        self.start()
        until(self.ready, 60, "ClickHouse serves")

    def ask(self, statement: str) -> str:
        """Run a statement on exactly this server."""
        reply = httpx.post(f"http://127.0.0.1:{self.http}/", content=statement, timeout=60, trust_env=False)
        assert reply.status_code == 200, reply.text
        return reply.text.strip()

    def caught_up(self) -> bool:
        """Whether a replica is back in the cluster, has read the common log to its end and done all that is in it."""
        waiting = self.ask(
            # An empty log, as a table has that nobody wrote to, is one whose last entry and next entry are both 0.
            "SELECT sum(queue_size + is_readonly + (log_max_index > 0 AND log_pointer <= log_max_index)"
            " + (active_replicas < total_replicas)) FROM system.replicas WHERE database = 'telemetry'"
        )
        return waiting == "0"

    def wait_until_caught_up(self) -> None:
        """Wait for it: a killed server is back when its old session is over, and a failed fetch is tried after a pause."""
        try:
            until(self.caught_up, 240, f"replica {self.replica} has caught up")
        except AssertionError:
            print(self.ask("SELECT * FROM system.replicas FORMAT Vertical"))
            print(self.ask("SELECT * FROM system.replication_queue FORMAT Vertical"))
            raise
