"""Installations of the level "none": counted by what they say once a week, exact, and apart from those that have an id."""

import random
import tomllib
from collections import Counter

from shipper.collector.answers import census
from shipper.collector.answers.answer import Answer, Report
from shipper.collector.answers.declared import declared_in
from shipper.collector.answers.documents import as_json
from shipper.collector.answers.question import EITHER, IDS, NONE, STEPS, UNKNOWN
from shipper.collector.answers.questions import questions_of
from shipper.collector.answers.text import as_text
from shipper.collector.page import html
from shipper.collector.stores.dimensions import day_of, week_of
from shipper.collector.stores.store import Row, Store, Window
from shipper.recording.spans import SPANS
from tests.collector.model import Model
from tests.collector.model_report import report_of
from tests.collector.test_stores import STORES, Opens, assert_says, opened, opens  # noqa: F401 - a fixture
from tests.fixtures.event_world import NOW, VERSIONS, world
from tests.fixtures.unlinked_world import LAST, WEEKS, unlinked
from tests.fixtures.world_catalog import WORLD, WORLD_TOML

TODAY = NOW // 86_400
WINDOW = Window("wunderctl", TODAY - 7 * (WEEKS + 2), TODAY)
_SAID = list(unlinked())
ROWS = [row for row, _ in _SAID]
TRUTH = sum((true for _, true in _SAID), Counter[tuple[int, str, str, str]]())
OTHERS = [row for row, _ in world(1500, days=60)]


def add(store: Store, rows: list[Row], size: int = 400) -> None:
    """Give rows in requests."""
    store.add([rows[start : start + size] for start in range(0, len(rows), size)], NOW)


def test_weekly_installations_are_exactly_those_of_the_simulation_whatever_comes_twice(opens: Opens) -> None:  # noqa: F811
    chance = random.Random(3)
    shuffled = chance.sample(ROWS, len(ROWS))
    with opened(opens) as store:
        add(store, shuffled)
        assert dict(store.view(WINDOW).census()) == dict(TRUTH)
        add(store, shuffled[::2] + OTHERS)
        both = [(row, NOW // 60) for row in (*ROWS, *OTHERS)]
        for window in (
            WINDOW,
            Window("wunderctl", TODAY - 40, TODAY, (VERSIONS[1],), "without"),
            Window("wunderctl", 0, 40_000),
        ):
            view, model = store.view(window), Model(both, window)
            assert dict(view.census()) == dict(model.census())
            assert_says(view, model)
        assert store.view(Window("wunderctl", 0, TODAY, (), "only")).census() == {}
        assert sorted(store.versions("wunderctl")) == sorted(VERSIONS)


def report(rows: list[Row]) -> Report:
    """What the model says of some rows over the whole simulation."""
    return report_of([(row, NOW // 60) for row in rows], WINDOW)


def answers(of: Report) -> dict[str, Answer]:
    """The answers by their keys."""
    return {answer.question.key: answer for answer in of.answers}


def test_the_census_answers_what_ids_answer_elsewhere() -> None:
    said = answers(report(ROWS))
    weekly = {census.week_text(week): people for (week, _, field, _), people in _totals().items() if not field}
    assert {row[0]: row[1] for row in said["census"].rows} == weekly
    last = {(field, label): people for (week, _, field, label), people in _totals().items() if week == LAST}
    every = last["", ""]
    for key, field in (("platforms", "platform"), ("runtimes", "runtime")):
        rows = {str(row[0]): row[1:3] for row in said[f"census:{key}"].rows}
        true = {label: people for (of, label), people in last.items() if of == field}
        assert rows == {label.replace("-", " "): (people, people / every) for label, people in true.items()}
    told = last["uses.editor", "true"] + last["uses.editor", "false"]
    assert told < every  # who is counted for the first time says nothing of it
    editor = next(row for row in said["census:uses"].rows if row[0] == "editor")
    assert editor[1:3] == (last["uses.editor", "true"], last["uses.editor", "true"] / told)
    assert [row[0] for row in said["census:ages"].rows] == ["first week", "up to 4 weeks", "up to 24 weeks"]


def _totals() -> Counter[tuple[int, str, str, str]]:
    """The truth of all versions together."""
    counted: Counter[tuple[int, str, str, str]] = Counter()
    for (week, _, field, label), people in TRUTH.items():
        counted[week, "", field, label] += people
    return counted


def test_without_ids_nothing_is_asked_that_needs_one() -> None:
    shown = report(ROWS)
    assert {answer.question.level for answer in shown.answers} == {EITHER, NONE}
    assert not [a for a in shown.answers if a.question.level == EITHER and a.question.counts_installations]
    figures = {figure.name: figure for figure in shown.figures}
    assert "Installations" not in figures
    assert "setup, median" not in figures
    weeks = {week: people for (week, _, field, _), people in _totals().items() if not field}
    assert (figures["Installations a week"].value, figures["Installations a week"].before) == (
        weeks[LAST],
        weeks[LAST - 1],
    )
    commands = answers(shown)["commands"]
    assert [title for title, _ in commands.question.columns][-1] == "90 % within"
    assert all(len(row) == len(commands.question.columns) for row in commands.rows)
    page = html.whole(shown)
    assert "By pseudonymous ids" not in page
    assert f"{weeks[LAST]:,}" in page


def test_both_levels_of_one_app_are_kept_apart() -> None:
    ids, none, both = report(OTHERS), report(ROWS), report(ROWS + OTHERS)
    for key in ("active", "versions", "runtimes", "returning", "pair:setup"):
        assert answers(both)[key].rows == answers(ids)[key].rows
        assert "of the level none" in answers(both)[key].note
    for question in census.QUESTIONS:
        assert answers(both)[question.key].rows == answers(none)[question.key].rows
    ran = [next(row[1] for row in answers(each)["commands"].rows if row[0] == "up") for each in (ids, none, both)]
    assert int(ran[0]) + int(ran[1]) == ran[2]
    names = [figure.name for figure in both.figures]
    assert names[:2] == ["Installations", "Installations a week"]


def test_every_question_says_under_which_level_it_is_answered() -> None:
    shown = report(ROWS + OTHERS)
    assert {answer.question.level for answer in shown.answers} == {IDS, NONE, EITHER}
    page, said, text = html.whole(shown), as_json(shown), as_text(shown, 100, fine=False)
    for answer, told in zip(shown.answers, said["answers"], strict=True):
        assert told["level"] == answer.question.level
        words = answer.question.level_words
        assert page.count(f"{words}</span></p>") >= 1
        assert f"{answer.question.title} [{answer.question.level}]" in text


def test_a_week_under_way_is_named_as_such_and_no_share_is_read_from_it() -> None:
    counted = [row for row in ROWS if row.name == "shipper.census" and week_of(day_of(row.time)) == LAST]
    begun = [row._replace(time=row.time + 7 * 86_400_000, id=b"\7" + row.id[1:]) for row in counted]
    said = answers(report(ROWS + begun))
    assert str(said["census"].rows[-1][0]).endswith("under way")
    assert said["census:platforms"].rows == answers(report(ROWS))["census:platforms"].rows


def test_a_duration_measured_where_it_passed_stands_in_its_steps_and_first_uses_among_the_flags() -> None:
    document = tomllib.loads(WORLD_TOML)
    document["events"]["command"]["fields"] |= {
        "setup": {"type": "since_first", "commands": ["init", "up"]}, "first": {"type": "first_use"},
    }  # fmt: skip
    row = next(row for row in ROWS if row.name == "command")
    spans = ("1-to-5-minutes", "1-to-5-minutes", "under-1-minute", "over-28-days")
    rows = [
        row._replace(id=bytes([n]) * 16, fields={"command": "up", "outcome": "ok", "setup": span, "first": n == 0})
        for n, span in enumerate(spans)
    ]
    shown = report_of([(row, NOW // 60) for row in rows], WINDOW, declared_in("wunderctl", document))
    said = answers(shown)["field:command.setup"]
    assert [row[0] for row in said.rows] == list(SPANS)
    assert {row[0]: row[1] for row in said.rows if row[1]} == Counter(spans)
    assert said.question.chart.kind == STEPS
    assert ("command.first", "true", 1) in answers(shown)["least"].rows


def test_where_no_week_is_over_the_one_under_way_is_all_there_is() -> None:
    window = Window("wunderctl", TODAY - 1, TODAY)
    row = next(row for row in ROWS if row.name == "shipper.census")
    late = row._replace(time=TODAY * 86_400_000)
    event = next(row for row in ROWS if row.name == "command")._replace(time=TODAY * 86_400_000)
    shown = report_of([(late, NOW // 60), (event, NOW // 60)], window)
    figure = next(figure for figure in shown.figures if figure.name == "Installations a week")
    assert (figure.value, figure.before) == (1, UNKNOWN)


def test_questions_of_one_level_are_those_without_any_of_the_other() -> None:
    assert not [question for question in questions_of(WORLD) if question.level == NONE]
    assert not [question for question in questions_of(WORLD, levels={NONE}) if question.level == IDS]
    keys = [question.key for question in questions_of(WORLD, levels={IDS, NONE})]
    assert len(keys) == len(set(keys))
