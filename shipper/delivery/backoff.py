"""How long to wait: Retry-After in all its forms, and the backoff.

A wait is never negative, never above its cap, and never shorter than what the receiver asked for up to 24 h.
"""

import re
from collections.abc import Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime

from shipper.delivery.outcome import Outcome, Throttled, Unauthorized, Unavailable
from shipper.delivery.policy import BACKOFF_CAP, BACKOFF_FIRST, RETRY_AFTER_CAP

_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
#: Digits of a wait that is worth parsing: 24 h have five. More is clamped without building a huge number first.
_DIGITS = 12
#: Characters of a date; the longest form that HTTP allows has 33.
_DATE = 64


def retry_after(values: Sequence[str], date: str | None, now: float) -> float | None:
    """Read the Retry-After headers of one reply: seconds to wait, at most 24 h, or None when none can be read.

    `values` are the header's values as they came (RFC 9110, section 10.2.3: seconds or a date; a date is measured from
    the reply's own `date`, so that neither clock needs to be right, else from `now` in Unix seconds). Where it came
    twice the longer one holds. What is negative or cannot be read says nothing; what lies in the past says zero.
    """
    waits = [wait for value in values for wait in _waits(value.strip(), date, now)]
    return max(waits) if waits else None


def _waits(value: str, date: str | None, now: float) -> list[float]:
    if all(_SECONDS.fullmatch(piece.strip()) for piece in value.split(",")):
        return [_seconds(piece.strip()) for piece in value.split(",")]
    then = _moment(value)
    if then is None:
        return []
    base = _moment(date) if date else None
    return [min(max(then - (now if base is None else base), 0.0), RETRY_AFTER_CAP)]


def _seconds(digits: str) -> float:
    whole, _, fraction = digits.partition(".")
    whole = whole.lstrip("0")
    if len(whole) > _DIGITS:
        return RETRY_AFTER_CAP
    return min(float(whole or "0") + (1.0 if fraction.strip("0") else 0.0), RETRY_AFTER_CAP)


def _moment(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text[:_DATE])
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None


def backoff_step(failures: int) -> float:
    """The ceiling of the wait after so many failures in a row: 30 s, doubling, at most 1 h."""
    return float(min(BACKOFF_CAP, BACKOFF_FIRST * 2.0 ** min(max(failures - 1, 0), 30)))


def wait_after(outcome: Outcome, failures: int, random: float) -> float:
    """Seconds to wait after an outcome, `failures` in a row with this one; `random` is drawn from 0 to 1.

    Full jitter after the cap. Retry-After is a minimum and the jitter comes on top, so that clients told the same
    moment do not come at the same moment.
    """
    hopeless = isinstance(outcome, Unauthorized) or (isinstance(outcome, Unavailable) and outcome.longest)
    jittered = (BACKOFF_CAP if hopeless else backoff_step(failures)) * min(max(random, 0.0), 1.0)
    asked = outcome.retry_after if isinstance(outcome, Throttled | Unavailable) else None
    return jittered if asked is None else min(max(asked, 0.0) + jittered, RETRY_AFTER_CAP)
