"""The journal: what one pass remembers for the next, as a value.

The attempt is journalled before the send (`before`): as though it would die in the middle, with one more failure and
the wait that follows from it. Whatever ends the process then, a power cut or the alarm, leaves a journal that is
already right; only an outcome makes it better (`after`).

S9: clocks jump, and the file may have been edited. A wait read from disk is cut to 24 h where a receiver asked for it
and to 1 h where we chose it; a wait that was written in our future starts anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shipper.delivery.backoff import backoff_step, wait_after
from shipper.delivery.outcome import KINDS, Accepted, Outcome, Rejected, Throttled, TooLarge, Unavailable, plain
from shipper.delivery.policy import (
    BACKOFF_CAP,
    DEFERRED_REST,
    LIMIT_DAYS,
    LIMIT_LEAST,
    PROBE_REST,
    REMEMBERED,
    RETRY_AFTER_CAP,
    SUSPECTS,
)

_DAY = 86400.0
#: The kinds an error in the journal may have; "interrupted" is an attempt whose end nobody wrote.
_KINDS = frozenset({*KINDS.values(), "interrupted"})


@dataclass(frozen=True, slots=True)
class Failure:
    """The last thing that went wrong: kind and cause as in `outcome`, and what came back in plain words."""

    kind: str
    time: float
    status: int = 0
    cause: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks against a suspected event: levels of its bisection, trials with one other and with two (see TRIALS)."""

    levels: int = 0
    singles: int = 0
    doubles: int = 0

    @property
    def trials(self) -> int:
        """How many of TRIALS they make."""
        return self.doubles + max(self.levels, self.singles)

    def to_json(self) -> list[int]:
        """As the journal has it."""
        return [self.levels, self.singles, self.doubles]

    @classmethod
    def from_json(cls, found: object) -> "Evidence":
        """Read what may have been edited: what makes no sense speaks against nothing."""
        numbers = [int(_number(each)) for each in _listed(found)][:3]
        return cls(*(number if number < 100 else 0 for number in numbers))


@dataclass(frozen=True, slots=True)
class Journal:
    """What `journal.json` holds. Times in Unix seconds; 0 means never. `suspects`: by segment and line, what
    speaks against an event. `probed`: when one was last tried without a trial; `resumed`: when deferred ones were."""

    failures: int = 0
    began: float = 0.0
    ended: float = 0.0
    success: float = 0.0
    wait_set: float = 0.0
    not_before: float = 0.0
    asked: bool = False
    failure: Failure | None = None
    limit: int | None = None
    limit_learned: float = 0.0
    round_trip: float = 0.0
    suspects: Mapping[str, Evidence] = field(default_factory=dict)
    probed: float = 0.0
    put_last: tuple[str, ...] = ()
    resumed: float = 0.0
    too_old: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The journal as what json.dump writes."""
        return {
            "failures": self.failures,
            "began": self.began,
            "ended": self.ended,
            "success": self.success,
            "wait_set": self.wait_set,
            "not_before": self.not_before,
            "asked": self.asked,
            "failure": None if self.failure is None else {name: getattr(self.failure, name) for name in _FAILURE},
            "limit": self.limit,
            "limit_learned": self.limit_learned,
            "round_trip": self.round_trip,
            "suspects": {key: found.to_json() for key, found in self.suspects.items()},
            "probed": self.probed,
            "put_last": list(self.put_last),
            "resumed": self.resumed,
            "too_old": dict(self.too_old),
        }

    @classmethod
    def from_json(cls, found: object) -> "Journal":
        """Read what may have been damaged or edited: each field by itself, what makes no sense as never written."""
        given = found if isinstance(found, dict) else {}
        limit = _number(given.get("limit"))
        return cls(
            failures=int(min(_number(given.get("failures")), 1e6)),
            began=_number(given.get("began")),
            ended=_number(given.get("ended")),
            success=_number(given.get("success")),
            wait_set=_number(given.get("wait_set")),
            not_before=_number(given.get("not_before")),
            asked=given.get("asked") is True,
            failure=_failure(given.get("failure")),
            limit=max(int(limit), LIMIT_LEAST) if limit else None,
            limit_learned=_number(given.get("limit_learned")),
            round_trip=_number(given.get("round_trip")),
            suspects={key: Evidence.from_json(found) for key, found in _entries(given.get("suspects"), SUSPECTS)},
            probed=_number(given.get("probed")),
            put_last=tuple(name for name in _listed(given.get("put_last")) if isinstance(name, str))[:REMEMBERED],
            resumed=_number(given.get("resumed")),
            too_old={name: _number(seen) for name, seen in _entries(given.get("too_old"), 10_000) if _number(seen)},
        )


_FAILURE = ("kind", "time", "status", "cause", "detail")


def trusted(journal: Journal, now: float) -> Journal:
    """Cut a wait that the clock or an edit made absurd (S9), and forget a size limit after its week."""
    cap = RETRY_AFTER_CAP if journal.asked else BACKOFF_CAP
    wait_set = journal.wait_set if journal.wait_set <= now else now
    wait = min(max(journal.not_before - journal.wait_set, 0.0), cap)
    journal = replace(journal, wait_set=wait_set, not_before=wait_set + wait)
    if journal.limit is not None and not 0 <= now - journal.limit_learned <= LIMIT_DAYS * _DAY:
        journal = replace(journal, limit=None, limit_learned=0.0)
    return journal


def before(journal: Journal, now: float, random: float) -> Journal:
    """What to write before a send: the attempt, as though nothing more were ever heard of it."""
    failures = journal.failures + 1
    return replace(
        journal,
        failures=failures,
        began=now,
        wait_set=now,
        not_before=now + backoff_step(failures) * min(max(random, 0.0), 1.0),
        asked=False,
        failure=Failure("interrupted", now),
    )


def after(journal: Journal, outcome: Outcome, now: float, random: float) -> Journal:
    """What is known once an outcome came; `journal` is the one from before `before`.

    An acceptance ends the row of failures. A refused or too large batch is an answer to its bytes and says nothing
    about the receiver: no wait follows from it here. A whole pass of refusals is `after_refusals`.
    """
    if isinstance(outcome, Accepted):
        return replace(
            journal, failures=0, ended=now, success=now, wait_set=now, not_before=0.0, asked=False, failure=None
        )
    failure = Failure(outcome.kind, now, outcome.status, outcome.cause, plain(outcome.detail))
    if isinstance(outcome, TooLarge | Rejected):
        return replace(journal, ended=now, failure=failure)
    return _failed(journal, outcome, failure, now, random)


def after_refusals(journal: Journal, outcome: Outcome, now: float, random: float) -> Journal:
    """A pass in which the receiver refused whatever it was given: a failure like any other, with its wait."""
    return _failed(
        journal, outcome, Failure(outcome.kind, now, outcome.status, "refused-all", plain(outcome.detail)), now, random
    )


def with_nothing_taken(journal: Journal, success: float, why: str, now: float) -> Journal:
    """A pass whose events were all refused by name, for the reason `why`: no success, and nothing to wait for."""
    return replace(journal, success=success, failure=Failure("rejected", now, 200, "all-set-aside", plain(why)))


def _failed(journal: Journal, outcome: Outcome, failure: Failure, now: float, random: float) -> Journal:
    failures = journal.failures + 1
    asked = isinstance(outcome, Throttled | Unavailable) and outcome.retry_after is not None
    wait = wait_after(outcome, failures, random)
    return replace(
        journal, failures=failures, ended=now, wait_set=now, not_before=now + wait, asked=asked, failure=failure
    )


def may_resume(journal: Journal, now: float) -> bool:
    """Whether deferred events are tried again: a day after the last time, or when the clock went back (S9)."""
    return not 0 <= now - journal.resumed < DEFERRED_REST


def may_probe(journal: Journal, now: float) -> bool:
    """Whether a suspect is tried again although nothing can be accepted beside it; S9 as in `may_resume`."""
    return not 0 <= now - journal.probed < PROBE_REST


def with_limit(journal: Journal, limit: int, now: float) -> Journal:
    """Remember what the receiver takes at most, in decoded bytes."""
    return replace(journal, limit=max(limit, LIMIT_LEAST), limit_learned=now)


def suspects_of(journal: Journal, segment: str) -> dict[int, Evidence]:
    """The suspected lines of a segment, by number, with what speaks against each."""
    found = (key.rpartition(".") for key in journal.suspects)
    return {
        int(line): journal.suspects[f"{name}.{line}"] for name, _, line in found if name == segment and line.isdigit()
    }


def with_evidence(journal: Journal, segment: str, line: int, evidence: Evidence) -> Journal:
    """Remember what speaks against an event; where too many are suspected the oldest are forgotten."""
    key = f"{segment}.{line}"
    others = [(name, known) for name, known in journal.suspects.items() if name != key]
    return replace(journal, suspects={**dict(others[-(SUSPECTS - 1) :]), key: evidence})


def placed_last(journal: Journal, segment: str) -> Journal:
    """Send this segment after all others from now on: it failed where others were accepted."""
    others = tuple(name for name in journal.put_last if name != segment)
    return replace(journal, put_last=(*others, segment)[-REMEMBERED:])


def forgotten(journal: Journal, segment: str) -> Journal:
    """Drop what is remembered of a segment that is gone."""
    return replace(
        journal,
        suspects={key: found for key, found in journal.suspects.items() if key.rpartition(".")[0] != segment},
        put_last=tuple(name for name in journal.put_last if name != segment),
    )


def _number(found: object) -> float:
    """A finite, not negative number below the year 10,000, or 0."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        return 0.0
    return float(found) if 0 <= found < 253402300800 else 0.0


def _listed(found: object) -> list[object]:
    return found if isinstance(found, list) else []


def _entries(found: object, most: int = REMEMBERED) -> list[tuple[str, object]]:
    return [(str(name), value) for name, value in found.items()][-most:] if isinstance(found, dict) else []


def _failure(found: object) -> Failure | None:
    if not isinstance(found, dict) or found.get("kind") not in _KINDS:
        return None
    status = int(_number(found.get("status")))
    return Failure(
        kind=str(found["kind"]),
        time=_number(found.get("time")),
        status=status if status < 1000 else 0,
        cause=plain(found.get("cause", ""), 40),
        detail=plain(found.get("detail", "")),
    )
