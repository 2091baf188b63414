"""What a store is: rows go in once, answers come out.

A store remembers every event id for ever, so a batch may be sent again after any failure. It never learns who sent an
event: no address, no user agent, and a person's id only as its hash.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import chain
from typing import NamedTuple, Protocol

from shipper.errors import ShipperError

Value = str | int | bool


class Row(NamedTuple):
    """One event as a store keeps it."""

    id: bytes
    """The event id's 16 bytes, which begin with its time; of the level "none" they begin with its day instead."""
    time: int
    """When it happened by the sender's clock, Unix milliseconds; of the level "none" the first of its day."""
    app: str
    version: str
    name: str
    person: str
    """`person_of` the sender's pseudonymous id; empty in CI and where the sender has none."""
    session: str
    """Empty for an event of the level "none", which belongs to no other: nothing of the machine is known there either."""
    ci: bool
    os: str
    arch: str
    cpus: int
    runtime: str
    fields: Mapping[str, Value]
    agent: str = ""
    """The coding agent that drove the program; empty for none."""


class Receipt(NamedTuple):
    """What a store made of one request's rows: new ones, and ones it already had. Their sum is the number of rows."""

    accepted: int
    duplicate: int


@dataclass(frozen=True, slots=True)
class Window:
    """What an answer is about: one app, whole days in UTC (both ends included, days since 1970), and two filters."""

    app: str
    since: int
    until: int
    versions: tuple[str, ...] = ()
    """Only these; empty for all."""
    ci: str = "all"
    """"all", "only" CI or "without" it."""


class Elapsed(NamedTuple):
    """How long installations took from one command to another, by the version that ended it; "" stands for all."""

    version: str
    seconds: tuple[int, ...]
    """One whole number per installation, ascending."""


def elapsed_of(took: Mapping[str, Iterable[int]]) -> list[Elapsed]:
    """Sort the seconds of each version's installations, with those of all versions first."""
    by_version = [Elapsed(version, tuple(sorted(some))) for version, some in took.items()]
    # Sorted runs are merged, which takes a tenth of sorting.
    everybody = sorted(chain.from_iterable(some.seconds for some in by_version))
    return [Elapsed("", tuple(everybody)), *by_version] if everybody else []


class View(Protocol):
    """What a store says about one window. Everything is exact, and no order is promised.

    Installations are persons: CI never counts as one.
    """

    def values(self) -> Mapping[tuple[str, str, str], int]:
        """Count events: (event, field, label) -> times, and once per event (event, "", "") -> times."""

    def crossed(self, event: str, *keys: str) -> Mapping[tuple[str, ...], int]:
        """Count the events of one name by the labels of several fields; a missing one is "", `@version` the app's.

        For LOSSES the only key is `reason`, and the count is the sum of what was lost. For LATE it is `late`. ORIGIN
        counts the events that came without an id, from CI or under an agent, by `event`, `ci`, `agent` and `id`, which is
        "none" for events of the level that has none.
        """

    def installations(self, event: str, field: str | None) -> Mapping[tuple[str, str, str], int]:
        """Count the installations that showed each feature of `dimensions.features_of` within the window.

        Only features of one event, and of one field of it unless that is None: no question needs all of them, and
        counting different people is the dearest thing that a store does.
        """

    def active(self) -> Mapping[tuple[int, str], int]:
        """Count the installations of each (day, version). One that changed its version that day counts for both."""

    def elapsed(self, begin: str, end: str) -> Sequence[Elapsed]:
        """How long it took from one command to another, of every installation that ended it in the window.

        From its first `begin` ever to its first `end` ever that ended well, where that came later; by version and for
        all versions. Nobody has ended it: an empty sequence.
        """

    def funnel(self, steps: Sequence[str]) -> Sequence[int]:
        """Count the installations that came as far as each of some commands, whatever their versions.

        They are those whose first run ever of `steps[0]` lies in the window. Each further step is an installation's
        first run ever of that command that ended well, at any time but no earlier than its step before.
        """

    def newcomers(self) -> Mapping[int, int]:
        """Count the installations of the window that were first seen at all on each of its days."""

    def cohorts(self) -> Mapping[tuple[int, int], int]:
        """Count installations by (the week in which they were first seen at all, a week in which they were seen).

        Both are among `dimensions.cohort_weeks` of the window, and numbered as `dimensions.week_of` does.
        """

    def census(self) -> Mapping[tuple[int, str, str, str], int]:
        """Count the installations of the level "none" that said they were there: (week, version, field, label) -> of them.

        Both field and label are "" where all of them are counted; weeks are numbered as `dimensions.week_of` does, and
        their Mondays lie in the window. A field is one of `dimensions.census_labels`.
        """

    def as_of(self) -> int | None:
        """The Unix time up to which events are counted; 0 when none are yet, None when all that came in are.

        Installations, and what is said of them alone, are never behind.
        """

    def users(self, event: str, field: str, label: str) -> Mapping[str, tuple[int, int]]:
        """Say of each version how many installations showed one feature of an event, and the last day of it."""


class Answers(Protocol):
    """The reading side of a store. Every method may be called by any thread, and raises StoreUnavailable."""

    def view(self, window: Window) -> View:
        """Look at a window; the view's methods raise StoreUnavailable too."""

    def ready(self) -> None:
        """Return when the store can be reached; raise StoreUnavailable when it cannot."""

    def apps(self) -> list[str]:
        """Name the apps that have sent events, in order of the alphabet."""

    def versions(self, app: str) -> list[str]:
        """Name the versions of an app, in no order."""

    def days(self, app: str) -> tuple[int, int] | None:
        """The first and last real day on which an app's events happened, in days since 1970."""

    def knows(self, person: str) -> bool:
        """Say whether anything is kept of a person, by hash; it costs a look-up and no writing."""

    def events_of(self, person: str, after: bytes, most: int) -> list[tuple[Row, int]]:
        """The events of a person, by hash, in order of their ids: the first `most` after an id, b"" for all.

        Each stands with the Unix minute in which it came in.
        """

    def close(self) -> None:
        """Give back what the store holds. Nothing is lost by not calling it."""


class Store(Answers, Protocol):
    """Where events are kept. `add` is called by one thread at a time."""

    one_writer: bool
    """Whether `add`, `forget` and `expire` must be called by one and the same thread."""

    def add(self, groups: Sequence[Sequence[Row]], received_at: int) -> list[Receipt]:
        """Keep the rows of several requests, all or none, and return a receipt for each.

        `received_at` is Unix seconds; it is kept cut to the minute. Returns only after the commit is durable. Rows of
        a forgotten person are taken and dropped. Raises StoreUnavailable when nothing was committed.
        """

    def forget(self, people: Sequence[str]) -> list[int]:
        """Delete the events of people and their share of every sum, drop all that come later.

        Returns how many events of each went. People are hashes made by `person_of`. Returns only after the commit, all or
        none. Raises StoreUnavailable.
        """

    def expire(self, before: int) -> int:
        """Delete a part of what happened before a day (since 1970), and return how much went; 0 when nothing is left.

        What happened on no real day goes by its receipt. SQLite deletes some rows at a time; ClickHouse whole months, once
        they were over before the day. Raises StoreUnavailable.
        """

    def oldest(self) -> int:
        """The day, since 1970, before which the store takes nothing, since it deleted what it had; 0 for none."""


class StoreUnavailable(ShipperError):
    """The store cannot take or give anything now; nothing of the request was committed, and it may be tried again."""


class StoreTaken(ShipperError):
    """Another receiver writes to the store already."""

    exit_code = 4


class StoreAway(StoreUnavailable):
    """The store cannot be reached at all: another request fares no better, so there is no sense in trying it now."""


@lru_cache(maxsize=8_192)
def person_of(user: str) -> str:
    """Hash a sender's pseudonymous id: 32 hex digits of SHA-256. The id itself is random, so the hash tells nothing."""
    return sha256(b"shipper person " + user.encode()).hexdigest()[:32]
