"""Randomised answers, read back: how many said each word in truth, and how sure that is. Pure.

With the probability p the sender says one of its k words at random, each as probable. Of n answers, of which t mean a word
in truth, (1 - p) t + p n / k say it on the average. So the estimate of t is what was counted less p n / k, divided by 1 - p;
it has no bias. What was counted is the sum of two binomial numbers, t of q and n - t of r, where q = 1 - p + p / k and
r = p / k are how probable it is that one who means the word, or another, says it; its variance is
t q (1 - q) + (n - t) r (1 - r).
"""

from math import log, sqrt
from typing import NamedTuple

#: Standard deviations on each side of 95 % of a normal distribution.
NORMAL_95 = 1.959964


class Estimate(NamedTuple):
    """How many meant a word: the best guess, and the two ends between which the truth lies 19 times of 20."""

    best: float
    low: float
    high: float


def chances(words: int, randomised: float) -> tuple[float, float]:
    """How probable it is that somebody says a word: who means it, and who means another of so many `words`."""
    return 1 - randomised + randomised / words, randomised / words


def estimate(counted: int, answers: int, words: int, randomised: float) -> Estimate:
    """Estimate how many of so many `answers` mean a word that was `counted` so often, of so many `words`.

    The estimate can lie below 0 or above `answers`: sums of several are right only so. The interval is cut to what can be.
    """
    said, guessed = chances(words, randomised)
    best = (counted - answers * guessed) / (1 - randomised)
    true = min(max(best, 0.0), float(answers))
    variance = true * said * (1 - said) + (answers - true) * guessed * (1 - guessed)
    wide = NORMAL_95 * sqrt(variance) / (1 - randomised)
    return Estimate(best, max(0.0, best - wide), min(float(answers), best + wide))


def epsilon(words: int, randomised: float) -> float:
    """How much one answer can tell at most, as differential privacy measures it: the logarithm of the largest ratio."""
    said, guessed = chances(words, randomised)
    return log(said / guessed)
