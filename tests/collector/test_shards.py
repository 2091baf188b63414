"""Past one shard: two receivers before the servers of one cluster, each event on one shard for ever."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from shipper.collector.stores.clickhouse.cluster import Cluster
from shipper.collector.stores.clickhouse.store import ClickHouseStore
from shipper.collector.stores.store import StoreUnavailable, person_of
from tests.collector.model import Model
from tests.collector.test_stores import WINDOWS, assert_says, fill
from tests.fixtures.clickhouse_servers import ClickHouse, ZooKeeper, needs_clickhouse
from tests.fixtures.event_world import NOW, world
from tests.fixtures.receiver_process import running
from tests.fixtures.senders import acknowledged_more, sending, tried_in_vain
from tests.fixtures.wire_events import line

pytestmark = [pytest.mark.clickhouse, needs_clickhouse]

COUNT = "SELECT count() FROM telemetry.events FINAL"


def address(*servers: ClickHouse, cluster: str = "shards", replicated: bool = False) -> str:
    hosts = ",".join(f"127.0.0.1:{server.http}" for server in servers)
    return f"clickhouse://{hosts}/telemetry?cluster={cluster}" + "&replicated=1" * replicated


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[list[ClickHouse]]:
    """Two servers, a shard each."""
    servers = [ClickHouse(tmp_path / name, name) for name in ("one", "two")]
    try:
        for server in servers:
            server.join("shards", *([each] for each in servers))
            server.up()
        yield servers
    finally:
        for server in servers:
            server.kill()


def test_answers_over_shards_are_what_the_rows_say_whoever_took_a_row_and_whoever_is_asked(
    pair: list[ClickHouse],
) -> None:
    with (
        closing(ClickHouseStore(Cluster(address(*pair)))) as one,
        closing(ClickHouseStore(Cluster(address(*reversed(pair))))) as two,
    ):
        arrived = fill(one, 2000)
        two.add([[row for row, _ in arrived]], NOW)  # everything again, through the other server
        each = [int(server.ask(COUNT)) for server in pair]
        assert sum(each) == 2000
        assert min(each) > 800
        for store, window in ((one, WINDOWS[0]), (two, WINDOWS[0]), (two, WINDOWS[4])):
            assert_says(store.view(window), Model(arrived, window))
        assert two.apps() == ["gadget", "wunderctl"]
        assert sorted(one.versions("wunderctl")) == ["0.148.2", "0.149.0", "0.150.0"]


def test_a_person_is_forgotten_by_every_shard(pair: list[ClickHouse]) -> None:
    rows = [row for row, _ in world(2000)]
    whom = person_of("1")
    theirs = [row for row in rows if row.person == whom]
    assert len(theirs) > 10
    with (
        closing(ClickHouseStore(Cluster(address(*pair)))) as one,
        closing(ClickHouseStore(Cluster(address(*reversed(pair))))) as two,
    ):
        one.add([rows], NOW)
        assert one.forget([whom]) == [len(theirs)]
        two.add([rows], NOW)
        for server in pair:
            assert server.ask(f"SELECT count() FROM telemetry.events WHERE person = '{whom}'") == "0"
        assert sum(int(server.ask(COUNT)) for server in pair) == 2000 - len(theirs)
        pair[1].kill()
        with pytest.raises(StoreUnavailable):  # no receipt for half of a deletion
            one.forget([person_of("2")])


def test_nothing_is_acknowledged_while_a_shard_is_away(pair: list[ClickHouse]) -> None:
    rows = [row for row, _ in world(100)]
    with closing(ClickHouseStore(Cluster(address(*pair)))) as store:
        pair[1].kill()
        with pytest.raises(StoreUnavailable):
            store.add([rows], NOW)
        with pytest.raises(StoreUnavailable):
            store.apps()
        pair[1].up()
        store.add([rows], NOW)
    assert sum(int(server.ask(COUNT)) for server in pair) == 100


def test_a_cluster_that_the_servers_do_not_know_is_told_in_words(pair: list[ClickHouse]) -> None:
    with pytest.raises(StoreUnavailable, match="cluster"):
        ClickHouseStore(Cluster(address(*pair, cluster="nobody")))


@dataclass
class Fleet:
    """Two shards, of two replicas and of one, and what keeps them together."""

    zookeeper: ZooKeeper
    first: ClickHouse
    second: ClickHouse
    other: ClickHouse

    @property
    def servers(self) -> list[ClickHouse]:
        return [self.first, self.second, self.other]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    zookeeper = ZooKeeper(tmp_path / "zookeeper")
    first = ClickHouse(tmp_path / "first", "first", zookeeper)
    second = ClickHouse(tmp_path / "second", "second", zookeeper)
    other = ClickHouse(tmp_path / "other", "other", zookeeper, shard="2")
    fleet = Fleet(zookeeper, first, second, other)
    try:
        zookeeper.up()
        for server in fleet.servers:
            server.join("shards", [first, second], [other])
            server.up()
        yield fleet
    finally:
        for process in (*fleet.servers, zookeeper):
            process.kill()


def test_acknowledged_events_are_counted_events_while_a_replica_and_a_whole_shard_die_and_come_back(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        receivers = [
            stack.enter_context(running(tmp_path, "--store", address(*order, replicated=True)))
            for order in (fleet.servers, list(reversed(fleet.servers)))
        ]
        with sending(receivers) as senders:
            more = partial(acknowledged_more, senders, 200)
            more()
            fleet.first.kill()
            more()  # through its replica
            fleet.other.kill()
            tried_in_vain(senders)
            fleet.other.up()
            more()
            fleet.first.up()
            more()
        acknowledged = sorted({event for sender in senders for event in sender.acknowledged})
        # Acknowledgements are lost, and everything is sent once more, each batch through the other receiver.
        for number, start in enumerate(range(0, len(acknowledged), 100)):
            lines = (line(event, user=f"person-{event % 50}") for event in acknowledged[start : start + 100])
            assert receivers[number % 2].post(*lines).status_code == 200
    for server in fleet.servers:
        server.wait_until_caught_up()
    counted = int(fleet.other.ask("SELECT count() FROM telemetry.all_events FINAL"))
    with capsys.disabled():
        print(f"\n{len(acknowledged)} events acknowledged, each sent again, {counted} counted over two shards")
    assert counted == len(acknowledged)
    shards = [int(server.ask(COUNT)) for server in (fleet.first, fleet.other)]
    assert sum(shards) == len(acknowledged)
    assert min(shards) > len(acknowledged) / 3
