"""Randomised answers: what is said, and what a receiver makes of it, held against scipy's distributions."""

import json
import math
import random
from collections import Counter

import pytest
from scipy import stats

from shipper import Event, one_of
from shipper.collector.answers.randomised import chances, epsilon, estimate
from shipper.recording.measured import randomise, said_words

EVENT = Event("theme", "Why.", name=one_of("a", "b", "c", randomised=0.25))
WORDS = 4  # three members and `other`


@pytest.mark.parametrize(("answers", "true"), [(400, 0), (400, 37), (400, 200), (400, 400), (60, 5)])
@pytest.mark.parametrize("chance", [0.1, 0.5])
def test_the_estimate_has_no_bias_and_its_interval_holds_as_often_as_it_says(
    answers: int, true: int, chance: float
) -> None:
    said, guessed = chances(WORDS, chance)
    own, others = stats.binom(true, said), stats.binom(answers - true, guessed)
    exact = [0.0] * (answers + 1)  # the distribution of what is counted: the convolution of two binomial ones
    for one, likely in enumerate(own.pmf(range(true + 1))):
        for other, also in enumerate(others.pmf(range(answers - true + 1))):
            exact[one + other] += likely * also
    estimates = [estimate(counted, answers, WORDS, chance) for counted in range(answers + 1)]

    mean = sum(found.best * likely for found, likely in zip(estimates, exact, strict=True))
    spread = math.sqrt(sum((found.best - mean) ** 2 * likely for found, likely in zip(estimates, exact, strict=True)))
    held = sum(
        likely for found, likely in zip(estimates, exact, strict=True) if found.low - 1e-9 <= true <= found.high + 1e-9
    )
    assert mean == pytest.approx(true, abs=1e-6)
    assert spread == pytest.approx(math.sqrt(own.var() + others.var()) / (1 - chance), rel=1e-6)
    assert held >= 0.92


def test_the_width_of_an_interval_is_that_of_95_per_cent() -> None:
    found = estimate(200, 400, WORDS, 0.1)
    said, guessed = chances(WORDS, 0.1)
    variance = found.best * said * (1 - said) + (400 - found.best) * guessed * (1 - guessed)
    assert (found.high - found.low) / 2 == pytest.approx(stats.norm.ppf(0.975) * math.sqrt(variance) / 0.9, rel=1e-5)


def test_estimates_of_all_words_add_up_to_the_answers() -> None:
    counted = (17, 200, 83, 100)
    assert sum(estimate(each, 400, WORDS, 0.3).best for each in counted) == pytest.approx(400)


def test_a_word_is_said_as_often_as_the_arithmetic_takes_it_to_be() -> None:
    chance, draws = random.Random(7), 40_000
    found = Counter(str(randomise(EVENT, {"name": "a"}, chance.randbytes)["name"]) for _ in range(draws))
    said, guessed = chances(WORDS, 0.25)
    expected = [draws * said, *(draws * guessed for _ in range(WORDS - 1))]
    assert stats.chisquare([found[word] for word in said_words(EVENT.fields["name"])], expected).pvalue > 0.001


def test_a_value_outside_the_type_is_as_deniable_as_any_other() -> None:
    chance = random.Random(3)
    found = {EVENT.encode_fields(randomise(EVENT, {"name": "secret"}, chance.randbytes)) for _ in range(200)}
    assert found == {f'"name":{json.dumps(word)}' for word in said_words(EVENT.fields["name"])}


def test_what_one_answer_tells_is_bounded() -> None:
    assert epsilon(WORDS, 0.1) == pytest.approx(math.log(1 + WORDS * 0.9 / 0.1))
    assert epsilon(WORDS, 0.5) < epsilon(WORDS, 0.1)
