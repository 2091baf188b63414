"""A reply is lost, and then a bound removes what it spoke of: what is counted as lost has not arrived as well (D15)."""

import os
import socket

import pytest

from shipper.delivery.journal import Journal
from shipper.delivery.plan import order
from shipper.delivery.policy import SHUFFLE_AFTER, UNSURE_MOST
from shipper.spool import Spool
from shipper.testing.faults import shut
from tests.fixtures.faults import FAULTS, Faults, Received
from tests.fixtures.passes import NOW, flush, id_of, line, sealed, sending_to, waiting
from tests.fixtures.spools import DAY, told


def fill(spool: Spool, segments: int, now: float = NOW) -> list[bytes]:
    """Segments of ten lines each, until the bound of the spool is passed."""
    lines = [[line(number, now=now + each) for number in range(10)] for each in range(segments)]
    for each, one in enumerate(lines):
        sealed(spool, one, now + each)
    return [each for one in lines for each in one]


def taking_silently(receiver: Faults, connection: socket.socket, request: Received) -> None:
    """Store the events and close: the reply is lost."""
    receiver.events.update({id_of(raw): raw for raw in request.lines})
    shut(connection)


def test_what_arrived_and_was_then_too_much_is_delivered_and_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "silent", taking_silently)
    with Faults("silent") as receiver, sending_to(receiver.endpoint, limits={"bytes": 20_000}) as spool:
        first = [line(number) for number in range(10)]
        name = sealed(spool, first)
        assert flush(by_hand=False).delivered == 0
        promised = first + fill(spool, 10, NOW + DAY)
        spool.enforce_bounds(NOW + DAY, {})
        assert waiting(spool)[0] == name
        receiver.script = ["acknowledge"]
        while waiting(spool) or spool.counts().lost:
            flush(NOW + DAY)
        delivered = {id_of(raw) for raw in promised} & set(receiver.events)
        assert told(spool) == {}
        lost = [raw for raw in receiver.events.values() if b'"shipper.losses"' in raw]
    assert len(lost) == 1
    assert f'"full":{len(promised) - len(delivered)}}}'.encode() in lost[0]
    assert 0 < len(delivered) < len(promised)


@pytest.mark.parametrize(
    ("faults", "unsure"),
    [
        (["close"], True),
        (["hang"], True),
        (["status 502"], True),
        (["status 500"], True),
        (["page"], True),
        (["cut"], True),
        (["status 429"], False),
        (["status 401"], False),
        (["status 404"], False),
        (["redirect"], False),
        (["close", "status 429"], True),
        (["status 502", "status 429"], True),
    ],
)
def test_only_an_answer_that_proves_that_nothing_arrived_leaves_no_mark(
    faults: list[str], unsure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shipper.delivery.plan.SEND_SECONDS", 6.0)
    with Faults(*faults) as receiver, sending_to(receiver.endpoint) as spool:
        name = sealed(spool, [line(1)])
        flush()
        assert spool.unconfirmed() == ({name} if unsure else set())
        receiver.script = ["acknowledge"]
        flush()
        assert spool.unconfirmed() == set()


def test_where_nobody_listens_nothing_arrives() -> None:
    with sending_to("http://127.0.0.1:1") as spool:
        sealed(spool, [line(1)])
        flush()
        assert spool.unconfirmed() == set()


def test_a_later_answer_about_another_try_proves_nothing_of_the_first() -> None:
    with Faults("close") as receiver, sending_to(receiver.endpoint) as spool:
        name = sealed(spool, [line(1)])
        flush()
        receiver.script = ["status 429"]
        flush()
        assert spool.unconfirmed() == {name}


def test_who_dies_amid_a_send_leaves_the_mark() -> None:
    with sending_to("http://127.0.0.1:1") as spool:
        name = sealed(spool, [line(1)])
        spool.claim(name)
        spool.mark_sent(name)
        spool.recover()
        assert (waiting(spool), spool.unconfirmed()) == ([name], frozenset({name}))
        spool.purge()
        assert os.listdir(os.path.join(spool.folder.path, "unconfirmed")) == []


def test_where_many_may_have_arrived_no_other_is_tried_but_seldom() -> None:
    names, unsure = [f"s{number:02}" for number in range(20)], {"s03", "s07", "s11", "s15"}
    assert len(unsure) == UNSURE_MOST
    failing = Journal(failures=SHUFFLE_AFTER)
    first = [order(names, failing, number / 1000, unsure)[0].name for number in range(1000)]
    others = sum(name not in unsure for name in first)
    assert set(first) >= unsure
    assert 0 < others < 100
    assert {order(names, failing, number / 1000, {"s03"})[0].name for number in range(1000)} == set(names)
    assert [each.name for each in order(names, Journal(), 0.5, unsure)][:5] == ["s03", "s07", "s11", "s15", "s00"]
    known = Journal(put_last=tuple(sorted(unsure)))
    assert [each.name for each in order(names, known, 0.5, unsure)][-4:] == sorted(unsure)
