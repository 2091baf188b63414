"""Filters, words and shapes of the answers, and the report in the terminal."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shipper.cli import main
from shipper.collector.answers.answer import Report, ask
from shipper.collector.answers.commands import Runs, regressions
from shipper.collector.answers.declared import Declared, learned
from shipper.collector.answers.documents import as_json, from_json
from shipper.collector.answers.files import as_csv
from shipper.collector.answers.filters import BadFilter, feature_of, window_of
from shipper.collector.answers.formats import change, milliseconds, share
from shipper.collector.answers.numbers import quantile, quantile_of_steps
from shipper.collector.answers.questions import questions_of
from shipper.collector.answers.text import as_text
from shipper.collector.stores.dimensions import LATENESS, lateness, short_runtime, step_of
from shipper.collector.stores.sqlite import FILE, SqliteStore
from shipper.collector.stores.sqlite_answers import SqliteAnswers
from shipper.collector.stores.store import Row, Window
from shipper.durations import span
from shipper.recording.value_names import version_order
from tests.collector.model import Model
from tests.fixtures.event_world import NOW, world
from tests.fixtures.receiver_process import running
from tests.fixtures.world_catalog import WORLD, WORLD_TOML

TODAY = NOW // 86_400
MONTH = ["--since", "2026-10-25", "--until", "2026-11-23"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a small world."""
    folder = tmp_path_factory.mktemp("world") / "data"
    store = SqliteStore(str(folder))
    store.add([[row for row, _ in world(3000)]], NOW)
    store.close()
    return folder


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


class Holder:
    """A store that is a model, as far as `ask` needs one."""

    def __init__(self, rows: list[tuple[Row, int]]) -> None:
        self.rows = rows

    def view(self, window: Window) -> Model:
        return Model(self.rows, window)


def report_of(rows: list[tuple[Row, int]], window: Window, declared: Declared | None = WORLD) -> Report:
    """What the model says of some rows."""
    return ask(Holder(rows), window, TODAY, declared)  # type: ignore[arg-type]  # only the view is asked


ROWS = [(row, at // 60) for row, at in world(2000)]


def test_answers_survive_their_way_through_json() -> None:
    window = Window("wunderctl", TODAY - 400, TODAY)
    report = report_of(ROWS, window)
    read = from_json(json.loads(json.dumps(as_json(report))), window)
    assert read.figures == report.figures
    assert [(each.rows, each.note, each.failed) for each in read.answers] == [
        (each.rows, each.note, each.failed) for each in report.answers
    ]
    for mine, theirs in zip(report.answers, read.answers, strict=True):
        assert replace(theirs.question, rows=mine.question.rows) == mine.question


@pytest.mark.parametrize(
    "wrong",
    [
        {"figures": 1},
        {"answers": 3},
        {"answers": [{}]},
        {"today": None},
        {"figures_about": {}},
        lambda said: said["answers"][0].update(key="a b"),
        lambda said: said["answers"][0].update(rows=[[1]]),
        lambda said: said["answers"][0]["rows"][0].__setitem__(2, True),
        lambda said: said["answers"][0]["rows"][0].__setitem__(2, ["x"]),
        lambda said: said["answers"][0]["chart"].update(kind="script"),
        lambda said: said["answers"][0]["chart"].update(size=9),
        lambda said: said["answers"][0]["columns"][0].update(kind="html"),
        lambda said: said["figures_about"]["Installations"].update(sense=5),
    ],
)
def test_what_is_no_answer_is_refused(wrong: Any) -> None:
    window = Window("wunderctl", TODAY - 400, TODAY)
    said = json.loads(json.dumps(as_json(report_of(ROWS, window))))
    if callable(wrong):
        wrong(said)
    else:
        said |= wrong
    with pytest.raises(ValueError, match="no answers"):
        from_json(said, window)


def test_what_a_receiver_says_moves_no_cursor() -> None:
    window = Window("wunderctl", TODAY - 400, TODAY)
    said = as_json(report_of(ROWS, window))
    said["answers"][0]["title"] = "How\x1b[2J many?"
    said["answers"][0]["rows"][0][1] = "\x1b]0;me\x07"
    text = as_text(from_json(said, window), 100, fine=False)
    assert "\x1b" not in text
    assert "How?[2J many?" in text


def test_the_report_is_the_same_from_a_store_and_from_a_receiver(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "wunderctl", "--data", str(data), *MONTH, "--json"]) == 0
    from_store = capsys.readouterr().out
    with running(data) as receiver:
        assert main(["report", "wunderctl", "--from", receiver.url, *MONTH, "--json"]) == 0
    assert capsys.readouterr().out == from_store
    said = json.loads(from_store)
    assert said["figures"]["Commands run"] > 100
    assert {"active", "commands", "field:datasource.kind", "least"} <= {answer["key"] for answer in said["answers"]}


@pytest.mark.parametrize(
    ("options", "window"),
    [
        (["wunderctl", *MONTH], Window("wunderctl", TODAY - 29, TODAY)),
        (["gadget", "--since", "2026-06-01", "--until", "2026-11-23"], Window("gadget", 20_605, TODAY)),
        (["gadget", "--since", "2026-06-01", "--until", "2026-08-31"], Window("gadget", 20_605, 20_696)),
        (["gadget", "--until", "2026-08-31", "--days", "20"], Window("gadget", 20_677, 20_696)),
        (
            ["wunderctl", *MONTH, "--version", "0.149.0", "--version", "0.148.2"],
            Window("wunderctl", TODAY - 29, TODAY, ("0.149.0", "0.148.2")),
        ),
        (["wunderctl", *MONTH, "--ci", "without"], Window("wunderctl", TODAY - 29, TODAY, ci="without")),
        (["wunderctl", *MONTH, "--ci", "only"], Window("wunderctl", TODAY - 29, TODAY, ci="only")),
    ],
)
def test_each_filter_of_the_report_asks_for_just_that(
    options: list[str], window: Window, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *options, "--data", str(data), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    wanted = ask(SqliteAnswers(str(data / FILE)), window, said["today"])
    assert said == json.loads(json.dumps(as_json(wanted)))
    assert said["figures"]["Commands run"] > 0


def test_the_report_for_people_fits_the_terminal_and_has_every_question(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    catalog = data.parent / "telemetry.toml"
    catalog.write_text(WORLD_TOML)
    assert main(["report", "wunderctl", "--data", str(data), "--catalog", str(catalog), *MONTH]) == 0
    out = capsys.readouterr().out
    assert all(question.title in out for question in questions_of(WORLD))
    assert max(map(len, out.splitlines())) <= 110
    assert "█" in out


def test_a_terminal_that_knows_only_ascii_gets_only_ascii(data: Path) -> None:
    command = [sys.executable, "-m", "shipper", "report", "wunderctl", "--data", str(data), *MONTH]
    done = subprocess.run(
        command, env={"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin"}, capture_output=True, check=True
    )
    assert b"####" in done.stdout
    assert done.stdout.isascii()


def test_the_csv_of_one_question_is_its_table(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "wunderctl", "--data", str(data), *MONTH, "--csv", "--question", "commands"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["Command"] for row in rows} == {"init", "up", "generate", "down", "publish", "test"}
    assert all(int(row["Times"]) > 0 for row in rows)
    assert all(0 <= float(row["Failed"]) <= 1 for row in rows)


def test_the_csv_of_several_has_every_value_of_every_answer(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["--question", "commands", "--question", "runtimes"]
    assert main(["report", "wunderctl", "--data", str(data), *MONTH, "--csv", *wanted]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["question"] for row in rows} == {"commands", "runtimes"}
    assert all(int(row["value"]) > 0 for row in rows if row["column"] in ("Times", "Installations"))


def test_no_cell_of_a_csv_is_a_formula() -> None:
    row = next(row for row, _ in ROWS if row.name == "command")._replace(app="wunderctl", fields={"command": "+1+cmd"})
    report = report_of([(row, NOW // 60)], Window("wunderctl", 0, 40_000), None)
    for answers in ([each for each in report.answers if each.question.key == "commands"], report.answers):
        assert "'+1+cmd" in as_csv(answers)
        assert not [line for line in as_csv(answers).splitlines() for cell in line.split(",") if cell[:2] == "+1"]


def test_the_parquet_files_hold_every_answer_with_its_types(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra parquet is not installed")
    given = ["report", "wunderctl", "--data", str(data), *MONTH]
    assert main([*given, "--parquet", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    assert main([*given, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    for answer in said["answers"]:
        table = parquet.read_table(tmp_path / "out" / (answer["key"].replace(":", "_") + ".parquet"))
        assert table.column_names == [column["title"] for column in answer["columns"]]
        kinds = {"text": "string", "count": "int64"}
        assert [str(each.type) for each in table.schema] == [
            kinds.get(column["kind"], "double") for column in answer["columns"]
        ]
        found = [[row[name] for name in table.column_names] for row in table.to_pylist()]
        numeric = [column["kind"] != "text" for column in answer["columns"]]
        assert found == [
            [None if number and isinstance(cell, str) else cell for cell, number in zip(row, numeric, strict=True)]
            for row in answer["rows"]
        ]


@pytest.mark.parametrize(
    ("options", "words", "code"),
    [
        (["--days", "x"], "days is a number", 2),
        (["nobody"], "no event of nobody is here", 1),
        (["--data", "/nowhere"], "holds no store", 1),
        (["--store", "mysql:x"], "is no store", 2),
        (["--from", "http://127.0.0.1:1"], "does not answer", 1),
        (["--from", "nonsense"], "does not answer", 1),
        (["--from", "http://127.0.0.1:1", "--token-file", "/nowhere"], "cannot be read", 2),
        (["--html", "/nowhere/at/all"], "cannot be written", 1),
        (["--question", "nothing"], "has no question nothing", 2),
        (["--uses", "command=up=x"], "uses is EVENT", 2),
        (["--catalog", "/nowhere"], "cannot be read", 2),
        (["--from", "http://127.0.0.1:1", "--catalog", "x.toml"], "the receiver's own catalog", 2),
        (["--token-file", "tokens"], "--token-file is for a receiver", 2),
        (["--least", "5"], "--least is for a page for everybody", 2),
    ],
)
def test_what_keeps_a_report_from_being_made_is_said_in_words(
    options: list[str],
    words: str,
    code: int,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shipper-data").symlink_to(data)
    assert main(["report", *options]) == code
    said = capsys.readouterr()
    assert words in said.err
    assert said.out == ""


def test_a_receiver_that_wants_a_token_is_asked_with_one(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("sender\nread looker\n")
    tokens.chmod(0o600)
    with running(data, "--token-file", str(tokens)) as receiver:
        assert main(["report", "--from", receiver.url]) == 1
        assert "401" in capsys.readouterr().err
        assert main(["report", "--from", receiver.url, "--token-file", str(tokens)]) == 0


def test_a_table_of_days_ends_with_today() -> None:
    report = report_of(ROWS, Window("wunderctl", TODAY - 400, TODAY))
    active = next(answer for answer in report.answers if answer.question.key == "active")
    assert active.rows[-1][0] == date.fromtimestamp(NOW).isoformat()
    text = as_text(replace(report, answers=[active]), 80, fine=True)
    assert str(active.rows[-1][0]) in text
    assert f"and {len(active.rows) - 12} more" in text


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
