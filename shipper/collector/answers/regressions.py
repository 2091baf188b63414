"""How one version of a command compares with the one before: what grew beyond chance."""

from collections.abc import Iterator, Mapping
from math import sqrt
from typing import NamedTuple

from shipper.collector.answers.numbers import high_of, quantile_of_steps, ratio
from shipper.collector.answers.question import Cell

#: Runs that both versions need before they are compared: below that a single person decides.
MIN_RUNS = 30
#: Standard errors between two shares that are no chance: one false alarm in 740 comparisons.
SIGMAS = 3.0
#: Growth below which nobody would notice: of a share of failures in points, of a duration as a share of itself.
FAILURE_POINTS, GROWTH = 0.01, 0.2
#: What can grow.
FAILS, SLOWER = "fails more", "slower"


class Runs(NamedTuple):
    """How one command ran in one version, or in all of them."""

    times: int
    failed: int
    steps: Mapping[str, int]
    """How many runs took how long, by their steps in milliseconds."""

    @property
    def share_failed(self) -> Cell:
        """Of 1."""
        return ratio(self.failed, self.times)

    def within(self, level: float) -> Cell:
        """About how many milliseconds that share of the runs took at most."""
        return quantile_of_steps(self.steps, level)


def regressions(new: Runs, old: Runs) -> Iterator[tuple[str, float]]:
    """What grew beyond chance from one version to the next, each with its standard errors."""
    if min(new.times, old.times) < MIN_RUNS:
        return
    grown = new.failed / new.times - old.failed / old.times
    sure = _standard_errors(new.failed, new.times, old.failed, old.times)
    if grown >= FAILURE_POINTS and sure >= SIGMAS:
        yield FAILS, sure
    was, now = old.within(0.9), new.within(0.9)
    if isinstance(was, str) or isinstance(now, str) or not was or now / was - 1 < GROWTH:
        return
    slow = [sum(count for step, count in of.steps.items() if high_of(step) > was) for of in (new, old)]
    sure = _standard_errors(slow[0], sum(new.steps.values()), slow[1], sum(old.steps.values()))
    if sure >= SIGMAS:
        yield SLOWER, sure


def _standard_errors(hits: int, of: int, other_hits: int, other_of: int) -> float:
    """How many standard errors lie between two shares (two-proportion z test)."""
    if not of or not other_of:
        return 0.0
    both = (hits + other_hits) / (of + other_of)
    error = sqrt(both * (1 - both) * (1 / of + 1 / other_of))
    return (hits / of - other_hits / other_of) / error if error else 0.0
