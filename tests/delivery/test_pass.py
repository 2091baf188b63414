"""A pass over a real spool to a real receiver on loopback, which may misbehave."""

import json
import signal
import socket
import subprocess
import sys
import textwrap

import pytest

from shipper import files
from shipper.delivery.policy import TRIALS
from shipper.errors import Busy
from shipper.recording.due import read_due
from shipper.recording.line import seal_line
from shipper.spool import Spool
from shipper.spool.locks import flusher_lock
from tests.fixtures.faults import FAULTS, Faults, Received, acknowledge
from tests.fixtures.passes import NOW, choose, flush, id_of, journal, line, sealed, sending_to, waiting
from tests.fixtures.spools import record, told, tree

DAY = 86400.0


def test_what_is_acknowledged_is_gone_and_noted_and_what_is_recorded_now_is_included() -> None:
    with Faults() as receiver, sending_to(receiver.endpoint) as spool:
        old = sealed(spool, [line(1), line(2)])
        record(spool, [line(3)])
        result = flush()
        assert (result.delivered, result.duplicate, result.left, result.why) == (3, 0, 0, "")
        assert len(receiver.events) == 3
        assert receiver.requests[0].key == old
        assert waiting(spool) == []
        assert tree(spool) == {}
        assert [entry["events"] for entry in spool.history()] == [2, 1]
        assert journal(spool).success == NOW


def test_a_segment_arrives_byte_for_byte_under_its_own_name() -> None:
    with Faults() as receiver, sending_to(receiver.endpoint) as spool:
        lines = [line(number) for number in range(5)]
        name = sealed(spool, lines)
        flush()
    assert [(request.key, request.body) for request in receiver.requests] == [(name, b"".join(lines))]


@pytest.mark.parametrize(
    "fault",
    sorted(set(FAULTS) - {"acknowledge", "limited", "poisoned", "rejecting", "deferring", "hang", "drip", "flood"})
    + [f"status {code}" for code in (301, 400, 401, 403, 404, 408, 409, 413, 415, 422, 425, 429, 500, 503, 511)],
)
def test_what_is_not_acknowledged_stays_and_the_next_try_has_a_time(fault: str) -> None:
    with Faults(fault) as receiver, sending_to(receiver.endpoint) as spool:
        lines = [line(1), line(2)]
        sealed(spool, lines)
        before = tree(spool)
        result = flush()
        assert (result.delivered, result.quarantined, result.left) == (0, 0, 2)
        assert result.why
        assert tree(spool) == before
        assert journal(spool).failures == 1
        assert journal(spool).not_before > NOW
        assert read_due(spool.folder)[0] > NOW


def test_the_same_bytes_go_under_the_same_key_until_they_are_acknowledged() -> None:
    with Faults("status 500", "page", "acknowledge") as receiver, sending_to(receiver.endpoint) as spool:
        sealed(spool, [line(1), line(2)])
        assert [flush().left for _ in range(3)] == [2, 2, 0]
    assert len({(request.key, request.body) for request in receiver.requests}) == 1
    assert len(receiver.requests) == 3


def test_a_pass_that_nobody_waits_for_obeys_the_wait_and_one_by_hand_does_not() -> None:
    with Faults("status 500", "acknowledge") as receiver, sending_to(receiver.endpoint) as spool:
        sealed(spool, [line(1)])
        flush()
        result = flush(NOW + 1, by_hand=False)
        assert (result.left, len(receiver.requests)) == (1, 1)
        assert "next try" in result.why
        assert flush(NOW + 2).left == 0


def test_the_receiver_s_retry_after_is_obeyed_by_the_next_process_too() -> None:
    with Faults("status 429 Retry-After: 600", "acknowledge") as receiver, sending_to(receiver.endpoint) as spool:
        sealed(spool, [line(1)])
        flush(random=0.0)
        assert journal(spool).not_before == NOW + 600
        assert flush(NOW + 599, by_hand=False).left == 1
        assert flush(NOW + 601, by_hand=False).left == 0


def test_a_rejected_event_is_in_quarantine_with_the_receiver_s_reason_and_the_loss_is_told() -> None:
    lines = [line(number) for number in range(3)]
    with (
        Faults("rejecting", poison=frozenset({id_of(lines[1])})) as receiver,
        sending_to(receiver.endpoint) as spool,
    ):
        sealed(spool, lines)
        result = flush()
        assert (result.delivered, result.quarantined, result.left) == (3, 1, 0)  # two events and the tale of the loss
        (one,) = spool.quarantined()
        assert (one.id, one.reason, one.detail) == (id_of(lines[1]), "rejected", "not in the catalog")
        assert told(spool) == {}
        assert json.loads(list(receiver.events.values())[-1])["fields"] == {"rejected": 1}


def test_a_deferred_event_waits_and_is_not_refused() -> None:
    lines = [line(number) for number in range(3)]
    with (
        Faults("deferring", poison=frozenset({id_of(lines[1])})) as receiver,
        sending_to(receiver.endpoint) as spool,
    ):
        sealed(spool, lines)
        result = flush()
        assert (result.delivered, result.quarantined) == (2, 0)
        assert lines[1].removesuffix(b"\n") in list(spool.pending())
        assert told(spool) == {}
        receiver.poison = frozenset()
        assert flush(NOW + 2 * DAY).left == 0
        assert sorted(receiver.events) == sorted(map(id_of, lines))


def later_passes(spool: Spool) -> int:
    """Passes with two fresh events each until nothing else waits; how many."""
    for number in range(1, 60):
        sealed(spool, [line(1), line(2)], NOW + number * 900)
        if not flush(NOW + number * 900, random=(number * 0.618) % 1).left:
            return number
    raise AssertionError("something waits for ever")


@pytest.mark.parametrize("place", [0, 17, 63])
def test_one_poison_event_is_found_alone_and_all_others_are_delivered(place: int) -> None:
    lines = [line(number) for number in range(64)]
    with (
        Faults("poisoned", poison=frozenset({id_of(lines[place])})) as receiver,
        sending_to(receiver.endpoint) as spool,
    ):
        name = sealed(spool, lines)
        result = flush()
        assert (result.quarantined, result.left, result.delivered) == (0, 1, 63)
        assert {id_of(each) for each in lines} - set(receiver.events) == {id_of(lines[place])}
        assert len(receiver.requests) <= 1 + 2 * 6  # the whole, and 2 log2 64
        later_passes(spool)
        assert [one.id for one in spool.quarantined()] == [id_of(lines[place])]
        assert sum(id_of(lines[place]) in request.ids for request in receiver.requests) == TRIALS + 1
        keys = [request.key for request in receiver.requests if id_of(lines[place]) in request.ids]
        assert keys[0] == name
        assert all(key.startswith(name + ".") for key in keys[1:])
        assert receiver.duplicates == 0


def test_a_receiver_that_refuses_everything_quarantines_nothing_and_is_not_asked_for_ever() -> None:
    for failures, fault in enumerate(("status 400", "status 422", "status 413"), 1):
        with Faults(fault) as receiver, sending_to(receiver.endpoint) as spool:
            for number in range(12):
                sealed(spool, [line(number) for number in range(40)], NOW + number)
            result = flush(NOW + 60)
            assert (result.quarantined, result.delivered) == (0, 0)
            assert result.left == sum(1 for _ in spool.pending())
            assert len(receiver.requests) <= 24 + 8
            assert (journal(spool).failures, journal(spool).limit) == (failures, None)
            spool.purge()


def test_a_single_event_is_believed_to_be_poison_after_so_many_trials() -> None:
    poison = line(0)
    with (
        Faults("poisoned", poison=frozenset({id_of(poison)})) as receiver,
        sending_to(receiver.endpoint) as spool,
    ):
        sealed(spool, [poison])
        sealed(spool, [line(1)], NOW + 1)
        result = flush()
        assert result.left == 1
        assert "repeated refusals" in result.why
        assert later_passes(spool) >= 2
        assert [one.id for one in spool.quarantined()] == [id_of(poison)]
        assert sum(id_of(poison) in request.ids for request in receiver.requests) == TRIALS + 1
        assert journal(spool).suspects == {}


def test_a_poison_segment_at_the_front_holds_nobody_up() -> None:
    poison = [line(0), line(1)]
    with Faults("poisoned", poison=frozenset(map(id_of, poison))) as receiver, sending_to(receiver.endpoint) as spool:
        sealed(spool, poison)
        later = line(2)
        sealed(spool, [later], NOW + 1)
        result = flush(NOW + 2)
        assert id_of(later) in receiver.events
        assert (result.quarantined, result.left) == (0, 2)
        later_passes(spool)
        assert sorted(one.id for one in spool.quarantined()) == sorted(map(id_of, poison))


def test_a_batch_that_is_too_large_is_split_and_the_limit_is_remembered() -> None:
    lines = [line(number) for number in range(32)]
    limit = sum(map(len, lines)) // 5
    with Faults("limited", limit=limit) as receiver, sending_to(receiver.endpoint) as spool:
        sealed(spool, lines)
        assert flush().left == 0
        assert len(receiver.events) == 32
        refused = sum(len(request.body) > limit for request in receiver.requests)
        sealed(spool, [line(number) for number in range(32)], NOW + 60)
        assert flush(NOW + 60).left == 0
        assert sum(len(request.body) > limit for request in receiver.requests) == refused


def test_a_single_event_that_is_too_large_for_a_receiver_that_takes_others_is_quarantined() -> None:
    small, large = line(1), line(10**3000)
    with Faults("limited", limit=1500) as receiver, sending_to(receiver.endpoint) as spool:
        sealed(spool, [small, large])
        result = flush()
        assert (result.left, result.quarantined) == (1, 0)
        later_passes(spool)
        assert [(one.id, one.reason) for one in spool.quarantined()] == [(id_of(large), "too-large")]


def test_without_consent_no_connection_is_made() -> None:
    for mode in ("local", "off"):
        with Faults() as receiver, sending_to(receiver.endpoint) as spool:
            sealed(spool, [line(1)])
            choose(mode)
            result = flush()
            assert result.forbidden
            assert receiver.requests == []
            assert waiting(spool) == ([] if mode == "off" else waiting(spool))


def test_a_lasting_off_empties_the_spool_and_a_variable_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with Faults() as receiver, sending_to(receiver.endpoint) as spool:
        sealed(spool, [line(1)])
        monkeypatch.setenv("DO_NOT_TRACK", "1")
        assert flush().left == 1
        monkeypatch.delenv("DO_NOT_TRACK")
        choose("off")
        assert flush().left == 0
        assert tree(spool) == {}
    assert receiver.requests == []


def test_consent_withdrawn_between_two_batches_stops_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    with Faults() as receiver, sending_to(receiver.endpoint) as spool:
        for number in range(3):
            sealed(spool, [line(number)], NOW + number)

        def then_off(receiver: Faults, connection: socket.socket, request: Received) -> None:
            choose("off")
            acknowledge(receiver, connection, request)

        monkeypatch.setitem(FAULTS, "acknowledge", then_off)
        result = flush(NOW + 10)
        assert result.forbidden
        assert len(receiver.requests) == 1


def test_two_passes_never_run_at_once() -> None:
    with Faults() as receiver, sending_to(receiver.endpoint) as spool:
        sealed(spool, [line(1)])
        with flusher_lock(spool.folder, 0), pytest.raises(Busy):
            flush(by_hand=False)
    assert receiver.requests == []


def test_a_request_for_erasure_is_sent_whatever_the_mode_and_stays_until_it_is_confirmed() -> None:
    with Faults("status 404", "erased") as receiver, sending_to(receiver.endpoint) as spool:
        with spool.folder.folder("deletions", create=True) as deletions:
            files.write(deletions, "0123456789abcdef", b"")
        choose("off")
        assert flush().deletions == 1
        assert flush(NOW + 7200).deletions == 0
    assert [(request.method, request.path) for request in receiver.requests] == [
        ("DELETE", "/v1/users/0123456789abcdef")
    ] * 2


@pytest.mark.parametrize("fault", ["page", "empty object", "no content", "acknowledge"])
def test_a_request_for_erasure_is_not_done_because_something_said_200(fault: str) -> None:
    with Faults(fault) as receiver, sending_to(receiver.endpoint) as spool:
        with spool.folder.folder("deletions", create=True) as deletions:
            files.write(deletions, "0123456789abcdef", b"")
        assert flush().deletions == 1


def test_a_line_that_is_no_event_is_set_aside_before_a_wire_that_reads_events_sees_it() -> None:
    odd = seal_line('{"v":1,"id":"019ab0c8-7e00-7000-8000-000000000009","surprise":true')
    with Faults("empty object") as receiver, sending_to(receiver.endpoint, wire="otlp") as spool:
        sealed(spool, [line(1), odd, line(2)])
        result = flush()
        assert (result.left, result.delivered) == (0, 3)  # two events, and the tale of the loss
        (entry,) = spool.quarantined()
        assert (entry.reason, entry.raw) == ("damaged", odd[:-1])


PASS = textwrap.dedent(
    """
    import os, sys
    from shipper.flusher import run_pass
    run_pass("demo", environ=os.environ, by_hand=False)
    """
)


def test_a_pass_killed_between_acknowledgement_and_deletion_sends_the_same_again_and_it_counts_once() -> None:
    code = PASS.replace(
        "run_pass(", "from shipper.spool import Spool\nSpool.delete = lambda *_: os.kill(os.getpid(), 9)\nrun_pass("
    )
    with Faults() as receiver, sending_to(receiver.endpoint) as spool:
        sealed(spool, [line(1), line(2)])
        ended = subprocess.run([sys.executable, "-c", code], check=False)
        assert ended.returncode == -signal.SIGKILL
        assert len(receiver.events) == 2
        assert journal(spool).failure is not None  # as journalled before the send
        result = flush()
        assert (result.delivered, result.duplicate, result.left) == (2, 2, 0)
    assert len({(request.key, request.body) for request in receiver.requests}) == 1
    assert len(receiver.events) == 2


HANGING = """
from shipper.wakeup import alarm
limit = alarm.hard_limit
alarm.hard_limit = lambda seconds: limit(min(seconds, 1.0))
from shipper.wires.transport import Transport
Transport.send_all = lambda *_: __import__("signal").sigwait([])
run_pass("""


def test_a_pass_that_hangs_is_ended_by_its_alarm_and_has_counted_its_attempt() -> None:
    with sending_to("https://hangs.invalid") as spool:
        name = sealed(spool, [line(1)])
        ended = subprocess.run([sys.executable, "-c", PASS.replace("run_pass(", HANGING)], check=False, timeout=20)
        assert ended.returncode == -signal.SIGALRM
        failure = journal(spool).failure
        assert failure is not None
        assert (failure.kind, journal(spool).failures) == ("interrupted", 1)
        spool.recover()
        assert waiting(spool) == [name]


def test_while_the_receiver_is_away_a_pass_that_nobody_waits_for_asks_with_what_waits_already() -> None:
    with Faults("status 500", "status 500", "acknowledge") as receiver, sending_to(receiver.endpoint) as spool:
        first = sealed(spool, [line(1)])
        for now in (NOW, NOW + 3600):
            assert flush(now, by_hand=False).left == 1
            assert waiting(spool) == [first]
            record(spool, [line(2)])
        result = flush(NOW + 7200, by_hand=False, random=0.0)
        assert (result.delivered, result.left) == (3, 0)
        assert [len(request.lines) for request in receiver.requests] == [1, 1, 1, 2]
        assert tree(spool) == {}
