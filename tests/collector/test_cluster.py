"""Past one machine: two receivers before two replicas of one table, while parts of it die."""

import select
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from shipper.collector.stores.clickhouse import cluster
from shipper.collector.stores.clickhouse.cluster import Cluster
from shipper.collector.stores.clickhouse.schema import VIEWS
from shipper.collector.stores.clickhouse.store import ClickHouseStore
from shipper.collector.stores.store import StoreUnavailable, Window, person_of
from tests.collector.model import Model
from tests.collector.test_stores import assert_says
from tests.fixtures.clickhouse_servers import ClickHouse, ZooKeeper, needs_clickhouse
from tests.fixtures.event_world import NOW, world
from tests.fixtures.receiver_process import running
from tests.fixtures.senders import acknowledged_more, sending, tried_in_vain
from tests.fixtures.waiting import until

pytestmark = [pytest.mark.clickhouse, needs_clickhouse]

EVERYTHING = Window("wunderctl", 0, 40_000)


@dataclass
class Replicas:
    """Two servers that keep one table, and what keeps them together."""

    zookeeper: ZooKeeper
    one: ClickHouse
    two: ClickHouse

    def address(self, *servers: ClickHouse) -> str:
        hosts = ",".join(f"127.0.0.1:{server.http}" for server in servers)
        return f"clickhouse://{hosts}/telemetry?replicated=1"

    def counted(self, server: ClickHouse) -> int:
        """How many events one server counts, each once."""
        return int(server.ask("SELECT count() FROM telemetry.events FINAL"))


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[Replicas]:
    zookeeper = ZooKeeper(tmp_path / "zookeeper")
    one = ClickHouse(tmp_path / "one", "one", zookeeper)
    two = ClickHouse(tmp_path / "two", "two", zookeeper)
    try:
        zookeeper.up()
        one.up()
        two.up()
        yield Replicas(zookeeper, one, two)
    finally:
        for process in (one, two, zookeeper):
            process.kill()


def test_acknowledged_events_are_counted_events_while_a_replica_and_zookeeper_die_and_come_back(
    replicas: Replicas, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        receivers = [
            stack.enter_context(running(tmp_path, "--store", replicas.address(*order)))
            for order in ((replicas.one, replicas.two), (replicas.two, replicas.one))
        ]
        with sending(receivers) as senders:
            more = partial(acknowledged_more, senders)
            more()
            replicas.one.kill()
            more()  # by the other replica
            replicas.one.up()
            more()
            replicas.zookeeper.kill()
            tried_in_vain(senders)
            replicas.zookeeper.up()
            more()
            replicas.two.kill()
            more()
            replicas.two.up()
            more()
    acknowledged = {event for sender in senders for event in sender.acknowledged}
    tries = sum(sender.tries for sender in senders) * 20
    for server in (replicas.one, replicas.two):
        server.wait_until_caught_up()
        assert replicas.counted(server) == len(acknowledged)
    with capsys.disabled():
        print(f"\n{len(acknowledged)} events acknowledged in {tries} sent, {replicas.counted(replicas.one)} counted")


class Cut:
    """A way to a server that can lose a reply: the request goes through, the connection ends before its answer."""

    def __init__(self, server: ClickHouse) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.lose = False
        self.lost = 0
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self._server.http)) as server:
                self._pass_on(client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        """Pass bytes on both ways until one side ends, or until the reply to an INSERT begins and is to be lost."""
        inserting = False
        while True:
            for side in select.select([client, server], [], [])[0]:
                piece = side.recv(1 << 16)
                inserting = inserting or b"INSERT" in piece
                if not piece:
                    return
                if side is server and inserting and self.lose:
                    self.lost += 1  # the server answers, so it has the rows
                    return
                (server if side is client else client).sendall(piece)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def test_a_lost_acknowledgement_is_sent_again_to_the_other_replica_and_counted_once(replicas: Replicas) -> None:
    rows = [row for row, _ in world(2000)]
    with closing(Cut(replicas.one)) as cut:
        address = f"clickhouse://{cut.address},127.0.0.1:{replicas.two.http}/telemetry?replicated=1"
        with closing(ClickHouseStore(Cluster(address))) as store:
            cut.lose = True
            store.add([rows], NOW)
            assert cut.lost == 1
            cut.lose = False
            for server in (replicas.one, replicas.two):
                server.wait_until_caught_up()
                assert replicas.counted(server) == 2000
            assert_says(store.view(EVERYTHING), Model([(row, NOW // 60) for row in rows], EVERYTHING))


def test_a_person_is_forgotten_by_every_replica(replicas: Replicas) -> None:
    rows = [row for row, _ in world(2000)]
    theirs = sum(row.person == person_of("1") for row in rows)
    assert theirs > 10
    with (
        closing(ClickHouseStore(Cluster(replicas.address(replicas.one, replicas.two)))) as one,
        closing(ClickHouseStore(Cluster(replicas.address(replicas.two, replicas.one)))) as two,
    ):
        one.add([rows], NOW)
        assert one.forget([person_of("1")]) == [theirs]
        until(lambda: replicas.counted(replicas.two) == 2000 - theirs, 60, "the other replica has forgotten")
        two.add([rows], NOW)
        assert replicas.counted(replicas.two) == 2000 - theirs


def test_a_block_whose_insert_died_before_its_views_is_not_taken_for_a_duplicate(replicas: Replicas) -> None:
    rows = [row for row, _ in world(1000)]
    address = replicas.address(replicas.one)
    with closing(ClickHouseStore(Cluster(address))) as store:
        for view in VIEWS:
            replicas.one.ask(
                f"DROP TABLE telemetry.{view}"
            )  # what a server leaves that dies between a table and a view
        store.add([rows], NOW)
        assert replicas.counted(replicas.one) == 1000
    with closing(ClickHouseStore(Cluster(address))) as store:
        assert not store.view(EVERYTHING).values()
        store.add([rows], NOW)
        assert replicas.counted(replicas.one) == 1000
        assert_says(store.view(EVERYTHING), Model([(row, NOW // 60) for row in rows], EVERYTHING))


def test_a_replica_that_lacks_events_does_not_refresh_their_days(
    replicas: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CATCH_UP_SECONDS", 2)
    rows = [row for row, _ in world(1000)]
    with (
        closing(ClickHouseStore(Cluster(replicas.address(replicas.one)))) as one,
        closing(ClickHouseStore(Cluster(replicas.address(replicas.two)))) as two,
    ):
        replicas.two.ask("SYSTEM STOP FETCHES telemetry.events")
        one.add([rows], NOW)
        came = "SELECT sum(rows) FROM telemetry.touched"
        until(lambda: replicas.two.ask(came) == "1000", 60, "the other replica knows that rows came in")
        with pytest.raises(StoreUnavailable):
            two.refresh()
        assert two.view(EVERYTHING).as_of() is not None
        assert replicas.two.ask("SELECT count() FROM telemetry.daily") == "0"
        replicas.two.ask("SYSTEM START FETCHES telemetry.events")
        replicas.two.wait_until_caught_up()
        assert_says(two.view(EVERYTHING), Model([(row, NOW // 60) for row in rows], EVERYTHING))


def test_two_receivers_delete_one_person_at_once_through_two_replicas(replicas: Replicas) -> None:
    rows = [row for row, _ in world(2000)]
    whom = person_of("1")
    with (
        closing(ClickHouseStore(Cluster(replicas.address(replicas.one)))) as one,
        closing(ClickHouseStore(Cluster(replicas.address(replicas.two)))) as two,
        ThreadPoolExecutor(2) as threads,
    ):
        one.add([rows], NOW)
        one.refresh()
        replicas.two.wait_until_caught_up()
        assert all(list(threads.map(lambda store: len(store.forget([whom])) == 1, (one, two))))
        left = [(row, NOW // 60) for row in rows if row.person != whom]
        for server in (replicas.one, replicas.two):
            server.wait_until_caught_up()
        for store in (one, two):
            assert_says(store.view(EVERYTHING), Model(left, EVERYTHING))
