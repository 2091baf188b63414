"""What a send came to: one class per outcome, and the reading of status codes that all wires share.

| status | outcome |
|---|---|
| 413 | TooLarge |
| 400, 422 | Rejected |
| 401, 403 | Unauthorized |
| 408, 409, 425, 429 | Throttled |
| every other one, an unproven 2xx included | Unavailable |
| no reply at all | Unreachable |

Only a wire can say Accepted: it alone knows what its receiver's acknowledgement looks like.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from shipper.delivery.policy import DETAIL, REASON

#: C0, DEL, C1, and the characters that reorder or hide text: none of a server's words may steer a terminal.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]+"
)
_SPACES = re.compile(r"\s+")


def plain(text: object, limit: int = DETAIL) -> str:
    """Make text from elsewhere fit for a terminal: one line of at most `limit`, without characters that steer it."""
    line = _SPACES.sub(" ", _UNPRINTABLE.sub(" ", str(text)[: 8 * limit])).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def plain_reason(text: object) -> str:
    """Cut a receiver's reason for one event to what quarantine keeps: 64 plain characters, never empty."""
    return plain(text, REASON) or "no reason given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What every outcome carries: plain words, the status that came back (0 = none), and a slug for `messages`.

    `unsure`: the receiver may have the events all the same. A reply was lost, or somebody between it and us answered.
    """

    detail: str = ""
    status: int = 0
    cause: str = ""
    unsure: bool = field(default=False, compare=False)

    @property
    def kind(self) -> str:
        """The outcome's name in the journal and in output."""
        return KINDS[type(self)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Outcome):
    """The receiver holds these events, save those that it names in `rejected` and `deferred` (event id -> reason).

    It will never take the rejected ones, and cannot take the deferred ones yet. `unnamed` is a number of events that it
    refused as well without saying which; `detail` then has its words.
    """

    rejected: Mapping[str, str] = field(default_factory=dict)
    deferred: Mapping[str, str] = field(default_factory=dict)
    unnamed: int = 0
    duplicate: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TooLarge(Outcome):
    """The batch is too large for the receiver: send smaller parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected(Outcome):
    """The receiver refuses these bytes: at least one event in the batch is poison to it."""

    @property
    def reason(self) -> str:
        """What quarantine keeps beside the event."""
        return plain_reason(f"{self.status} {self.detail}".strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled(Outcome):
    """The receiver asks for patience; `retry_after` is a minimum in seconds, None when it did not say."""

    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unauthorized(Outcome):
    """The receiver does not know us, or not any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable(Outcome):
    """Something answered, but not with an acknowledgement; `retry_after` as in Throttled.

    `longest` marks an answer that a retry will hardly change (the wrong address, the wrong format): the wait is drawn
    from the longest step at once.
    """

    retry_after: float | None = None
    longest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable(Outcome):
    """No reply: no name, no connection, no trust, no time, or a reply that was cut off."""


KINDS: Mapping[type[Outcome], str] = {
    Accepted: "accepted",
    TooLarge: "too large",
    Rejected: "rejected",
    Throttled: "throttled",
    Unauthorized: "unauthorized",
    Unavailable: "unavailable",
    Unreachable: "unreachable",
}

#: What a status means for whoever reads `shipper status`: the slug under which `messages` explains it.
_CAUSES: Mapping[int, str] = {
    404: "not-found",
    405: "not-found",
    407: "proxy-auth",
    410: "gone",
    415: "unsupported",
    501: "not-found",
    511: "captive",
}


def from_status(status: int, retry_after: float | None = None, detail: str = "", cause: str = "") -> Outcome:
    """Read a reply that is no acknowledgement by its status alone. `cause` says why a 2xx was none."""
    words = plain(detail)
    if status == 413:
        return TooLarge(status=status, detail=words)
    if status in (400, 422):
        return Rejected(status=status, detail=words)
    if status in (401, 403):
        return Unauthorized(status=status, detail=words)
    if status in (408, 409, 425, 429):
        return Throttled(status=status, detail=words, retry_after=retry_after)
    return Unavailable(
        status=status,
        detail=words,
        cause=cause or _cause(status),
        retry_after=retry_after,
        longest=_hopeless(status),
        unsure=is_unsure(status),
    )


def is_unsure(status: int) -> bool:
    """Say whether a receiver may hold what it was sent although it answered so: a server that failed may have failed after
    it stored, and a proxy speaks for a server whose word it did not get. 501, 505 and 511 say that nothing was done.
    """
    return 200 <= status < 300 or (status >= 500 and status not in (501, 505, 511))


def _cause(status: int) -> str:
    if status in _CAUSES:
        return _CAUSES[status]
    if 300 <= status < 400:
        return "redirect"
    if status >= 500:
        return "server"
    return "status"


def _hopeless(status: int) -> bool:
    """A wrong address or format stays wrong until somebody mends it; the few minutes in between are only noise."""
    return 300 <= status < 500 or status == 501
