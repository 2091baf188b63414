"""Status that explains: what came back, what it means, when the next try is."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shipper
from shipper.delivery import journal
from shipper.delivery.journal import Failure, Journal
from shipper.delivery.messages import MEANINGS, explain_failure, explain_left
from shipper.delivery.outcome import KINDS, Outcome, Throttled, Unauthorized, Unavailable, Unreachable, plain
from shipper.delivery.plan import Finish
from shipper.durations import wait
from tests.fixtures import passes
from tests.fixtures.faults import Faults
from tests.fixtures.passes import flush, line, sealed, sending_to

NOW = 1_795_428_000.0
PACKAGE = Path(shipper.__file__).parent


def explained(outcome: Outcome) -> str:
    found = explain_failure(journal.after(Journal(), outcome, NOW, 0.5), NOW + 1)
    assert found is not None
    return found.line


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (
            Unavailable(status=200, detail="a reply of type text/html instead of JSON", cause="page"),
            "200, a reply of type text/html instead of JSON: a page came back instead of an acknowledgement: "
            "a captive portal or a proxy?",
        ),
        (
            Unavailable(status=500, cause="server"),
            "500: the receiver is in trouble itself: there is nothing to do here",
        ),
        (
            Unavailable(status=302, cause="redirect"),
            "302: the address redirects, which is never followed: is the endpoint right, or is it a captive portal?",
        ),
        (
            Unauthorized(status=401),
            "401: the receiver does not accept our token: is it missing, wrong or expired?",
        ),
        (Throttled(status=429), "429: the receiver asks for patience"),
        (
            Unreachable(cause="dns", detail="the host's name could not be looked up"),
            "the host's name could not be looked up: no network, or the endpoint's host does not exist",
        ),
        (
            Unreachable(cause="refused", detail="the connection was refused"),
            "the connection was refused: nothing listens there: the receiver is down, or a firewall refuses",
        ),
    ],
)
def test_a_failure_is_explained_in_one_plain_line(outcome: Outcome, words: str) -> None:
    assert explained(outcome) == words


def test_when_all_went_well_there_is_nothing_to_explain() -> None:
    assert explain_failure(Journal(success=NOW), NOW) is None


def test_an_attempt_whose_end_nobody_wrote_is_explained_too() -> None:
    found = explain_failure(journal.before(Journal(), NOW, 0.5), NOW + 1)
    assert found is not None
    assert (found.kind, found.next_try, found.failures) == ("interrupted", NOW + 15, 1)


def test_a_next_try_that_is_due_is_not_in_the_past() -> None:
    found = explain_failure(journal.after(Journal(), Unreachable(), NOW, 0.5), NOW + 60)
    assert found is not None
    assert found.next_try == 0.0


def test_every_cause_that_the_code_knows_is_explained() -> None:
    known = set()
    for room in ("delivery", "wires"):
        for path in sorted((PACKAGE / room).glob("*.py")):
            text = path.read_text()
            known |= set(re.findall(r'cause="([a-z-]+)"', text))
            known |= set(re.findall(r'NotOurs\([^)]*?"([a-z-]+)"\)', text, re.DOTALL))
            if path.name == "transport.py":
                known |= set(re.findall(r'Error, "([a-z]+)",|Exception, "([a-z]+)",', text)[0])
            if path.name == "outcome.py":
                known |= set(re.findall(r'[0-9]{3}: "([a-z-]+)"', text)) | set(re.findall(r'return "([a-z-]+)"', text))
    assert len(known) > 25
    assert known - {""} <= set(MEANINGS)


def test_every_kind_of_failure_is_explained() -> None:
    assert set(KINDS.values()) - {"accepted"} <= set(MEANINGS)
    assert "interrupted" in MEANINGS


@given(st.sampled_from(sorted(MEANINGS)), st.text(max_size=300), st.integers(0, 999))
def test_no_word_of_a_receiver_steers_a_terminal_or_breaks_the_line(cause: str, detail: str, status: int) -> None:
    found = explain_failure(Journal(failure=Failure("unavailable", NOW, status, cause, detail)), NOW)
    assert found is not None
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]", found.line)
    assert found.to_json() == asdict(found)


@given(st.text(), st.integers(2, 200))
def test_plain_text_is_one_short_line_and_stays_as_it_is_when_it_is_plain_already(text: str, limit: int) -> None:
    once = plain(text, limit)
    assert len(once) <= limit
    assert plain(once, limit) == once


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "now"),
        (0, "now"),
        (0.2, "in 1 s"),
        (59, "in 59 s"),
        (60, "in 1 min"),
        (3540, "in 59 min"),
        (3600, "in 1 h"),
        (11100, "in 3 h 5 min"),
        (86400, "in 1 d"),
    ],
)
def test_a_wait_is_said_in_words(seconds: float, words: str) -> None:
    assert wait(seconds) == words


def test_why_something_is_left_says_what_comes_next() -> None:
    failed = journal.after(Journal(), Unavailable(status=500, cause="server"), NOW, 1.0)
    assert explain_left(failed, Finish("failed"), False, NOW) == (
        "500: the receiver is in trouble itself: there is nothing to do here; the next try is in 30 s"
    )
    assert "a minute" in explain_left(Journal(), Finish("time"), False, NOW)
    assert "doctor" in explain_left(Journal(), Finish("empty"), False, NOW)


@pytest.mark.parametrize(
    ("fault", "meaning"),
    [
        ("page", "page"),
        ("status 503 Retry-After: 7", "server"),
        ("status 401", "unauthorized"),
        ("status 413", "refused-all"),
        ("redirect", "redirect"),
        ("garbage", "reset"),
        ("other bytes", "digest"),
    ],
)
def test_a_real_failure_is_explained_from_the_journal_on_disk(fault: str, meaning: str) -> None:
    with Faults(fault) as receiver, sending_to(receiver.endpoint) as spool:
        sealed(spool, [line(1)])
        result = flush()
        found = explain_failure(passes.journal(spool), NOW)
    assert found is not None
    assert found.means == MEANINGS[meaning]
    assert result.why.startswith(found.line)
