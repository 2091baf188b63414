"""What each reply means: the table of the wire's own page, row by row, with status, body and headers."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest

from shipper.delivery.outcome import (
    Accepted,
    Outcome,
    Rejected,
    Throttled,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from shipper.wires import shipper
from shipper.wires.message import Batch, Reply

KEY = "20261123T100000000Z-0a1b2c3d"
LINES = tuple(b'{"v":1,"id":"%d"}\n' % number for number in range(3))
BATCH = Batch(KEY, LINES)
#: 09:55:00 by our clock, five minutes behind the receiver's in HTTP_DATE.
NOW = 1_795_427_700.0
ACKNOWLEDGEMENT: dict[str, object] = {
    "batch": KEY,
    "sha256": sha256(b"".join(LINES)).hexdigest(),
    "accepted": 3,
    "duplicate": 0,
    "rejected": [],
}
REFUSED = {"id": "1", "reason": "unknown event"}


def reply(status: int, body: bytes = b"", **headers: str) -> Reply:
    return Reply(status, named(headers), body, NOW)


def named(headers: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", "-").lower(), value) for name, value in headers.items())


def said(status: int = 200, content_type: str = "application/json", **changes: object) -> Reply:
    body = {name: value for name, value in {**ACKNOWLEDGEMENT, **changes}.items() if value != "absent"}
    return reply(status, json.dumps(body).encode(), content_type=content_type)


def read(answer: Reply) -> Outcome:
    return shipper.read(answer, BATCH)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, TooLarge) for status in (413,)),
        *((status, Rejected) for status in (400, 422)),
        *((status, Unauthorized) for status in (401, 403)),
        *((status, Throttled) for status in (408, 409, 425, 429)),
        *((status, Unavailable) for status in (500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 599)),
        *((status, Unavailable) for status in (300, 301, 302, 303, 304, 307, 308)),
        *((status, Unavailable) for status in (402, 404, 405, 406, 407, 410, 411, 412, 414, 415, 416, 417, 418, 421)),
        *((status, Unavailable) for status in (423, 424, 426, 428, 431, 451, 499)),
        *((status, Unavailable) for status in (201, 202, 203, 204, 205, 206, 207, 226)),
        *((status, Unavailable) for status in (0, 100, 101, 199, 600, 999)),
    ],
)
@pytest.mark.parametrize("body", ["nothing", "a true acknowledgement"])
def test_a_status_other_than_200_means_what_the_table_says_whatever_the_body(
    status: int, kind: type[Outcome], body: str
) -> None:
    answer = reply(status) if body == "nothing" else said(status)
    assert type(read(answer)) is kind


NOT_ACKNOWLEDGED: dict[str, tuple[Reply, str]] = {
    "a page": (reply(200, b"<html>", content_type="text/html"), "page"),
    "an acknowledgement that says it is a page": (said(content_type="text/html"), "page"),
    "an acknowledgement of no type": (reply(200, json.dumps(ACKNOWLEDGEMENT).encode()), "page"),
    "a page that says it is JSON": (reply(200, b"<html>", content_type="application/json"), "page"),
    "nothing": (reply(200, content_type="application/json"), "empty"),
    "blanks": (reply(200, b" \r\n", content_type="application/json"), "empty"),
    "half of it": (reply(200, json.dumps(ACKNOWLEDGEMENT).encode()[:-9], content_type="application/json"), "page"),
    "no UTF-8": (reply(200, b'{"batch":"\xff"}', content_type="application/json"), "page"),
    "a list": (reply(200, b"[]", content_type="application/json"), "page"),
    "a number": (reply(200, b"3", content_type="application/json"), "page"),
    "null": (reply(200, b"null", content_type="application/json"), "page"),
    "an empty object": (reply(200, b"{}", content_type="application/json"), "other-batch"),
    "deep brackets": (reply(200, b'{"a":' + b"[" * 100_000, content_type="application/json"), "page"),
    "another batch": (said(batch="20261123T100000000Z-ffffffff"), "other-batch"),
    "a part of the batch": (said(batch=KEY + ".1-3"), "other-batch"),
    "no batch": (said(batch="absent"), "other-batch"),
    "a batch that is a list": (said(batch=[KEY]), "other-batch"),
    "another digest": (said(sha256="0" * 64), "digest"),
    "no digest": (said(sha256="absent"), "digest"),
    "a digest in capitals": (said(sha256=str(ACKNOWLEDGEMENT["sha256"]).upper()), "digest"),
    "one event less": (said(accepted=2), "counts"),
    "one event more": (said(accepted=4), "counts"),
    "no count": (said(accepted="absent"), "counts"),
    "a count that is null": (said(accepted=None), "counts"),
    "a count that is text": (said(accepted="3"), "counts"),
    "a count with a fraction": (said(accepted=3.0), "counts"),
    "a count that is true": (said(accepted=2, duplicate=True), "counts"),
    "a negative count": (said(accepted=4, duplicate=-1), "counts"),
    "no duplicates": (said(duplicate="absent"), "counts"),
    "no list of rejected ones": (said(rejected="absent"), "counts"),
    "a rejected one that is no list": (said(rejected={"1": "bad"}, accepted=2), "counts"),
    "a rejected one that is text": (said(rejected=["1"], accepted=2), "counts"),
    "a rejected one without its id": (said(rejected=[{"reason": "bad"}], accepted=2), "counts"),
    "a rejected one that was not sent": (said(rejected=[{"id": "9", "reason": "bad"}], accepted=2), "counts"),
    "one rejected twice": (said(rejected=[REFUSED, REFUSED], accepted=1), "counts"),
    "one rejected and accepted too": (said(rejected=[REFUSED]), "counts"),
    "one deferred that was not sent": (said(deferred=[{"id": "9", "reason": "new"}], accepted=2), "counts"),
    "one deferred and rejected": (said(deferred=[REFUSED], rejected=[REFUSED], accepted=1), "counts"),
    "one deferred and accepted too": (said(deferred=[REFUSED]), "counts"),
    "deferred ones that are no list": (said(deferred=None), "counts"),
    "an endless reply": (replace(said(), cut=True), "endless"),
}


@pytest.mark.parametrize("name", NOT_ACKNOWLEDGED)
def test_a_200_that_does_not_prove_itself_is_not_delivered(name: str) -> None:
    answer, cause = NOT_ACKNOWLEDGED[name]
    outcome = read(answer)
    assert type(outcome) is Unavailable
    assert outcome.cause == cause
    assert outcome.detail


ACKNOWLEDGED: dict[str, tuple[Reply, int, dict[str, str]]] = {
    "all accepted": (said(), 0, {}),
    "all of them known already": (said(accepted=0, duplicate=3), 3, {}),
    "some of them known already": (said(accepted=1, duplicate=2), 2, {}),
    "one rejected": (said(accepted=2, rejected=[REFUSED]), 0, {"1": "unknown event"}),
    "all rejected": (
        said(accepted=0, rejected=[{"id": str(number), "reason": "no"} for number in range(3)]),
        0,
        {"0": "no", "1": "no", "2": "no"},
    ),
    "one rejected without a reason": (said(accepted=2, rejected=[{"id": "1"}]), 0, {"1": "no reason given"}),
    "a reason that steers the terminal": (
        said(accepted=2, rejected=[{"id": "1", "reason": "a\x1b[2J\u202eb\nc"}]),
        0,
        {"1": "a [2J b c"},
    ),
    "a reason that is long": (said(accepted=2, rejected=[{"id": "1", "reason": "x" * 500}]), 0, {"1": "x" * 63 + "…"}),
    "more than was asked for": (said(more={"anything": [1]}), 0, {}),
    "a charset": (said(content_type="application/json; charset=utf-8"), 0, {}),
    "a type in capitals": (said(content_type="Application/JSON"), 0, {}),
}


@pytest.mark.parametrize("name", ACKNOWLEDGED)
def test_an_acknowledgement_that_accounts_for_every_event_is_believed(name: str) -> None:
    answer, duplicate, rejected = ACKNOWLEDGED[name]
    outcome = read(answer)
    assert isinstance(outcome, Accepted)
    assert (outcome.duplicate, dict(outcome.rejected)) == (duplicate, rejected)


def test_an_acknowledgement_may_defer_what_the_receiver_cannot_take_yet() -> None:
    newer = {"id": "2", "reason": "demo 1.1 is newer than the catalog"}
    outcome = read(said(accepted=1, rejected=[REFUSED], deferred=[newer]))
    assert isinstance(outcome, Accepted)
    assert (dict(outcome.rejected), dict(outcome.deferred)) == ({"1": "unknown event"}, {"2": newer["reason"]})


HTTP_DATE = "Mon, 23 Nov 2026 10:00:00 GMT"
WAITS: dict[str, tuple[dict[str, str], float | None]] = {
    "none": ({}, None),
    "seconds": ({"retry_after": "7"}, 7),
    "zero": ({"retry_after": "0"}, 0),
    "seconds with blanks": ({"retry_after": "  7 "}, 7),
    "a fraction, rounded up": ({"retry_after": "1.5"}, 2),
    "leading zeros": ({"retry_after": "0000000000000000000000000000000000000000000000007"}, 7),
    "a day and a second": ({"retry_after": "86401"}, 86400),
    "a huge number": ({"retry_after": "99999999999"}, 86400),
    "a number of 5,000 digits": ({"retry_after": "9" * 5000}, 86400),
    "negative": ({"retry_after": "-1"}, None),
    "plus": ({"retry_after": "+7"}, None),
    "hexadecimal": ({"retry_after": "0x10"}, None),
    "exponent": ({"retry_after": "1e9"}, None),
    "infinite": ({"retry_after": "inf"}, None),
    "not a number": ({"retry_after": "nan"}, None),
    "digits of another script": ({"retry_after": "\u0667"}, None),
    "words": ({"retry_after": "soon"}, None),
    "empty": ({"retry_after": ""}, None),
    "twice in one line": ({"retry_after": "7, 9"}, 9),
    "a date, by the reply's own clock": ({"retry_after": "Mon, 23 Nov 2026 10:02:00 GMT", "date": HTTP_DATE}, 120),
    "a date in the past": ({"retry_after": "Mon, 23 Nov 2026 09:00:00 GMT", "date": HTTP_DATE}, 0),
    "a date far ahead": ({"retry_after": "Mon, 23 Nov 2099 10:00:00 GMT", "date": HTTP_DATE}, 86400),
    "a date with two digits of the year": ({"retry_after": "Monday, 23-Nov-26 10:02:00 GMT", "date": HTTP_DATE}, 120),
    "a date in the form of asctime": ({"retry_after": "Mon Nov 23 10:02:00 2026", "date": HTTP_DATE}, 120),
    "a date that does not exist": ({"retry_after": "Mon, 99 Nov 2026 10:02:00 GMT", "date": HTTP_DATE}, None),
    "a date beyond all years": ({"retry_after": "Mon, 23 Nov 99999 10:02:00 GMT", "date": HTTP_DATE}, None),
    "a date, with the reply's own unreadable": ({"retry_after": "Mon, 23 Nov 2026 10:02:00 GMT", "date": "soon"}, 420),
}


@pytest.mark.parametrize("status", [429, 503, 408, 302])
@pytest.mark.parametrize("name", WAITS)
def test_retry_after_is_read_in_all_its_forms(name: str, status: int) -> None:
    headers, expected = WAITS[name]
    outcome = read(Reply(status, named(headers), b"", NOW))
    assert isinstance(outcome, Throttled | Unavailable)
    assert outcome.retry_after == expected


def test_of_two_retry_after_headers_the_longer_holds() -> None:
    answer = Reply(503, (("retry-after", "5"), ("retry-after", "60"), ("retry-after", "soon")), b"", NOW)
    outcome = read(answer)
    assert isinstance(outcome, Unavailable)
    assert outcome.retry_after == 60
