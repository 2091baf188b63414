"""Filters, words and rows of the answers."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shipper.collector.answers.declared import Declared, learned
from shipper.collector.answers.filters import BadFilter, feature_of, window_of
from shipper.collector.answers.formats import change, milliseconds, share
from shipper.collector.answers.numbers import quantile, quantile_of_steps
from shipper.collector.answers.questions import questions_of
from shipper.collector.answers.regressions import Runs, regressions
from shipper.collector.stores.dimensions import LATENESS, lateness, short_runtime, step_of
from shipper.collector.stores.store import Window
from shipper.durations import span
from shipper.recording.value_names import version_order
from tests.collector.model_report import ROWS, report_of
from tests.fixtures.event_world import NOW
from tests.fixtures.world_catalog import WORLD

TODAY = NOW // 86_400


@given(some.integers(0, 10**12))
def test_a_number_lies_on_the_step_that_is_named_after_it(number: int) -> None:
    low, _, high = step_of(number).partition("-")
    assert int(low) <= number <= int(high or low)
    assert low[0] in "0125"
    assert set(low[1:]) <= {"0"}


def test_steps_are_the_series_1_2_5() -> None:
    steps = dict.fromkeys(step_of(number) for number in range(-1, 1000))
    assert list(steps) == [
        "below 0", "0", "1", "2-4", "5-9", "10-19", "20-49", "50-99", "100-199", "200-499", "500-999",
    ]  # fmt: skip


def test_lateness_is_told_in_spans_and_a_clock_ahead_is_none_of_them() -> None:
    said = [lateness(0, late) for late in (-61, -60, 0, 899, 900, 3600, 14_400, 86_400, 604_800)]
    assert said == [
        "clock ahead", "under 15 minutes", "under 15 minutes", "under 15 minutes", "15 to 60 minutes", "1 to 4 hours",
        "4 to 24 hours", "1 to 7 days", "over 7 days",
    ]  # fmt: skip
    assert len(dict.fromkeys(said)) == len(LATENESS) + 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (5400, "1 h 30 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds: int, words: str) -> None:
    assert span(seconds, fine=True) == words


def test_a_small_share_is_not_nothing_and_a_large_one_not_all() -> None:
    assert [share(part) for part in (0, 0.0001, 0.5, 0.9999, 1)] == ["0.0 %", "<0.1 %", "50.0 %", ">99.9 %", "100.0 %"]


def test_versions_are_ordered_as_people_do() -> None:
    ordered = ["0.9", "0.10", "1.0rc1", "1.0", "1.0.1", "2"]
    assert sorted({*ordered}, key=version_order) == ordered


def test_a_runtime_is_its_series() -> None:
    assert [short_runtime(said) for said in ("cpython 3.12.1", "pypy 7", "node")] == ["cpython 3.12", "pypy 7", "node"]


@given(some.lists(some.integers(0, 10**6), min_size=1).map(sorted), some.floats(0, 1))
def test_a_quantile_is_one_of_the_values_and_that_share_of_them_is_no_larger(values: list[int], level: float) -> None:
    found = quantile(values, level)
    assert found in values
    assert sum(value <= found for value in values) >= level * len(values)


@pytest.mark.parametrize(
    ("given", "window"),
    [
        ({}, Window("a", TODAY - 29, TODAY)),
        ({"days": ["7"]}, Window("a", TODAY - 6, TODAY)),
        ({"app": ["b"], "days": ["1"]}, Window("b", TODAY, TODAY)),
        ({"since": ["2026-11-01"], "until": ["2026-11-02"]}, Window("a", TODAY - 22, TODAY - 21)),
        ({"since": ["2026-11-01"], "days": ["7"]}, Window("a", TODAY - 22, TODAY)),
        ({"version": ["1", "", "2", "1"], "ci": ["only"]}, Window("a", TODAY - 29, TODAY, ("1", "2"), "only")),
    ],
)
def test_filters_mean_a_window(given: Mapping[str, list[str]], window: Window) -> None:
    assert window_of(given, ["a", "b"], TODAY) == window


@pytest.mark.parametrize(
    "given",
    [
        {"days": ["0"]},
        {"days": ["-1"]},
        {"days": ["x"]},
        {"days": ["٣"]},
        {"days": ["9" * 5000]},
        {"since": ["yesterday"]},
        {"since": ["2026-11-02"], "until": ["2026-11-01"]},
        {"ci": ["maybe"]},
        {"app": ["a b"]},
        {"version": ["'"]},
        {"version": [str(number) for number in range(21)]},
    ],
)
def test_a_filter_that_means_nothing_is_refused_in_words(given: Mapping[str, list[str]]) -> None:
    with pytest.raises(BadFilter):
        window_of(given, ["a"], TODAY)


FILTERS = some.sampled_from(["app", "days", "since", "until", "version", "ci"])


@given(some.dictionaries(FILTERS, some.lists(some.text(), max_size=3)))
def test_whatever_an_address_says_is_a_window_or_refused(given: dict[str, list[str]]) -> None:
    try:
        window = window_of(given, ["a"], TODAY)
    except BadFilter:
        return
    assert window.since <= window.until


def test_each_figure_stands_beside_the_same_of_the_period_before() -> None:
    now, before = Window("wunderctl", TODAY - 59, TODAY - 30), Window("wunderctl", TODAY - 89, TODAY - 60)
    said, past = report_of(ROWS, now).figures, report_of(ROWS, before).figures
    assert [figure.before for figure in said] == [figure.value for figure in past]
    assert [figure.value for figure in said] != [figure.value for figure in past]


def keys(declared: Declared) -> list[str]:
    return [question.key for question in questions_of(declared)]


def test_what_an_app_does_not_declare_is_not_asked() -> None:
    assert {"commands", "grew", "durations", "errors", "pair:setup", "funnel:start", "event:theme"} <= {*keys(WORLD)}
    other = replace(WORLD, events={"theme": WORLD.events["theme"]})
    assert not {*keys(other)} & {"commands", "grew", "by_version", "durations", "errors", "pair:setup", "funnel:start"}
    answers = {each.question.key: each for each in report_of(ROWS, Window("wunderctl", 0, 40_000), other).answers}
    assert not [key for key in answers if key.startswith("field:")]
    assert answers["everything"].rows == []


def test_an_authors_own_reasons_stand_on_the_cards() -> None:
    about = {question.key: question.about for question in questions_of(WORLD)}
    assert about["field:datasource.kind"] == "Which data sources people connect. Connectors cost work."
    assert about["field:editor.lsp"] == "How people use the editor."
    assert about["field:editor.operations"] == "How large documents are."
    assert about["event:theme"] == "Whether anybody opens the theme."
    assert about["pair:setup"].startswith(
        "A first project should run within minutes. From an installation's first init"
    )


def test_a_catalog_that_is_only_learned_has_all_that_came_in_and_knows_numbers() -> None:
    values = [
        ("e", "", ""),
        ("e", "n", "2-4"),
        ("e", "n", "0"),
        ("e", "w", "a"),
        ("e", "f", "true"),
        ("e", "t_ms", "1"),
    ]
    fields = learned("a", values).events["e"].fields
    assert {name: field.kind for name, field in fields.items()} == {
        "n": "integer", "w": "one_of", "f": "flag", "t_ms": "milliseconds",
    }  # fmt: skip


def test_numbers_stand_in_their_order_and_members_that_nobody_uses_are_there() -> None:
    answers = {each.question.key: each.rows for each in report_of(ROWS, Window("wunderctl", 0, 40_000)).answers}
    steps = [str(row[0]) for row in answers["field:editor.operations"]]
    assert steps == sorted(steps, key=lambda step: int(step.partition("-")[0]))
    assert len(steps) > 5
    assert ("mongodb", 0, "-", 0) in answers["field:datasource.kind"]
    assert answers["least"][0] == ("command.outcome", "usage", 0, 0)


@given(some.dictionaries(some.integers(0, 10**6).map(step_of), some.integers(1, 50), min_size=1), some.floats(0, 1))
def test_a_quantile_of_steps_lies_on_the_step_that_holds_it(counts: dict[str, int], level: float) -> None:
    found = quantile_of_steps(counts, level)
    values = sorted(int(step.partition("-")[0]) for step, count in counts.items() for _ in range(count))
    low = quantile(values, level)
    high = max(int(step.rpartition("-")[2]) for step in counts if int(step.partition("-")[0]) == low)
    assert low <= float(found) <= high + 1


def test_a_regression_is_what_grew_beyond_chance() -> None:
    calm = Runs(1000, 40, {"100-199": 900, "1000-1999": 100})
    assert list(regressions(calm, calm)) == []
    assert [name for name, _ in regressions(calm._replace(failed=120), calm)] == ["fails more"]
    slow = calm._replace(steps={"100-199": 700, "2000-4999": 300})
    assert [name for name, _ in regressions(slow, calm)] == ["slower"]
    assert list(regressions(calm, slow)) == []
    few = Runs(20, 20, {"10000-19999": 20})
    assert list(regressions(few, calm)) == []  # a single person decides there
    assert list(regressions(calm._replace(failed=43), calm)) == []


@pytest.mark.parametrize(
    ("said", "feature"),
    [
        ("command.command=up", ("command", "command", "up")),
        ("a.b.c=1-2", ("a.b", "c", "1-2")),
        ("theme", ("theme", "", "")),
        ("", None),
    ],
)
def test_a_filter_names_whom_the_question_who_still_uses_it_is_about(
    said: str, feature: tuple[str, str, str] | None
) -> None:
    assert feature_of({"uses": [said]}) == feature


def test_changes_and_short_times_are_said_in_words() -> None:
    assert [change(growth) for growth in (-0.5, 0, 0.004, 0.25, 11)] == ["-50 %", "0 %", "0 %", "+25 %", "x 12"]
    assert [milliseconds(time) for time in (0, 999, 1500, 61_000)] == ["0 ms", "999 ms", "1.5 s", "1 min 1 s"]
