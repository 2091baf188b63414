"""A receiver behind its senders: what it defers waits, is tried once a day, by hand at once, and not for ever."""

from shipper.delivery.policy import DEFERRED_DAYS
from tests.fixtures.faults import Faults
from tests.fixtures.passes import NOW, flush, id_of, journal, line, sealed, sending_to, waiting
from tests.fixtures.spools import DAY, told, tree

HOUR = 3600.0


def test_what_is_deferred_waits_alone_and_the_rest_is_delivered_once() -> None:
    lines = [line(number) for number in range(5)]
    newer = frozenset(map(id_of, lines[1:3]))
    with Faults("deferring", poison=newer) as receiver, sending_to(receiver.endpoint) as spool:
        name = sealed(spool, lines)
        result = flush()
        assert (result.delivered, result.deferred, result.left, result.quarantined) == (3, 2, 0, 0)
        assert result.deferred_why == "newer than the catalog"
        assert (waiting(spool), spool.counts().deferred, spool.counts().events) == ([], 2, 2)
        assert told(spool) == {}
        assert flush(NOW + HOUR).deferred == 2
        assert [(each.key, len(each.lines)) for each in receiver.requests] == [(name, 5), (f"{name}.2-3", 2)]
        receiver.poison = frozenset()
        assert (flush(NOW + 2 * HOUR).delivered, receiver.duplicates) == (2, 0)
        assert sorted(receiver.events) == sorted(map(id_of, lines))
        assert tree(spool) == {}


def test_a_pass_that_nobody_waits_for_tries_them_once_a_day() -> None:
    newer = line(0)
    with Faults("deferring", poison=frozenset({id_of(newer)})) as receiver, sending_to(receiver.endpoint) as spool:
        sealed(spool, [newer])
        flush(by_hand=False)
        tried = []
        for hour in range(1, 73):
            sealed(spool, [line(1)], NOW + hour * HOUR)
            before = len(receiver.requests)
            flush(NOW + hour * HOUR, by_hand=False, random=0.0)
            tried.append(sum(id_of(newer) in each.ids for each in receiver.requests[before:]))
    assert sum(tried) == 3


def test_what_is_deferred_for_too_long_is_set_aside_and_its_loss_is_told() -> None:
    newer = line(0)
    with Faults("deferring", poison=frozenset({id_of(newer)})) as receiver, sending_to(receiver.endpoint) as spool:
        sealed(spool, [newer, line(1)])
        flush()
        assert flush(NOW + (DEFERRED_DAYS - 1) * DAY).deferred == 1
        result = flush(NOW + DEFERRED_DAYS * DAY)
        assert (result.deferred, result.quarantined) == (0, 1)
        (entry,) = spool.quarantined()
        assert (entry.id, entry.detail) == (id_of(newer), f"deferred for {DEFERRED_DAYS} days: newer than the catalog")
        assert spool.retry() == 1
        receiver.poison = frozenset()
        assert flush(NOW + 40 * DAY).delivered == 2  # the event, and the tale that it came after all
        assert told(spool) == {}


def test_a_count_of_losses_that_is_refused_is_never_lost_in_its_turn() -> None:
    for fault in ("rejecting", "poisoned"):
        with Faults("acknowledge") as receiver, sending_to(receiver.endpoint) as spool:
            sealed(spool, [line(1)])
            segment = spool.claim(waiting(spool)[0])
            assert segment
            spool.quarantine(segment.name, 1, segment.lines[0].raw, "rejected", "no")
            spool.delete(segment.name)
            (losses,) = [spool.collect_losses(NOW)]
            assert losses
            receiver.poison = frozenset(id_of(raw) for raw in spool.pending())
            receiver.script = [fault]
            for day in range(40):
                sealed(spool, [line(2)], NOW + day * DAY)
                flush(NOW + day * DAY)
            assert told(spool) == {"rejected": 1}
            assert len(list(spool.quarantined())) == 1
            receiver.script = ["acknowledge"]
            flush(NOW + 50 * DAY)
            assert (told(spool), journal(spool).failures) == ({}, 0)
            assert any(b"shipper.losses" in raw for raw in receiver.events.values())
            spool.purge()
