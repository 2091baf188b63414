"""Filters, words and shapes of the answers, and the report in the terminal."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shipper.cli import main
from shipper.collector.answers.answer import as_json, ask, from_json
from shipper.collector.answers.answer_rows import quantile
from shipper.collector.answers.filters import BadFilter, window_of
from shipper.collector.answers.formats import share
from shipper.collector.answers.questions import QUESTIONS
from shipper.collector.answers.text import as_text
from shipper.collector.stores.dimensions import LATENESS, lateness, short_runtime, step_of
from shipper.collector.stores.sqlite import FILE, SqliteStore
from shipper.collector.stores.sqlite_answers import SqliteAnswers
from shipper.collector.stores.store import Window
from shipper.durations import span
from shipper.recording.value_names import version_order
from tests.collector.model import Model
from tests.fixtures.event_world import NOW, world
from tests.fixtures.receiver_process import running

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


def test_answers_survive_their_way_through_json() -> None:
    window = Window("wunderctl", TODAY - 400, TODAY)
    model = Model([(row, at // 60) for row, at in world(2000)], window)

    class Holder:
        def view(self, _window: Window) -> Model:
            return model

    figures, answers = ask(Holder(), window)  # type: ignore[arg-type]  # only the view is asked
    read_figures, read_answers = from_json(json.loads(json.dumps(as_json(window, figures, answers))))
    assert read_figures == figures
    assert read_answers == answers


@pytest.mark.parametrize(
    "document", [{}, {"figures": 1}, {"figures": {}, "answers": [{}]}, {"figures": {}, "answers": 3}]
)
def test_what_is_no_answer_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no answers"):
        from_json(document)


def test_the_report_is_the_same_from_a_store_and_from_a_receiver(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "wunderctl", "--data", str(data), *MONTH, "--json"]) == 0
    from_store = capsys.readouterr().out
    with running(data) as receiver:
        assert main(["report", "wunderctl", "--from", receiver.url, *MONTH, "--json"]) == 0
    assert capsys.readouterr().out == from_store
    said = json.loads(from_store)
    assert said["figures"]["Events"] > 100
    assert [answer["key"] for answer in said["answers"]] == [question.key for question in QUESTIONS]


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
    assert said == json.loads(json.dumps(as_json(window, *ask(SqliteAnswers(str(data / FILE)), window))))
    assert said["figures"]["Events"] > 0


def test_the_report_for_people_fits_the_terminal_and_has_every_question(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["report", "wunderctl", "--data", str(data), *MONTH]) == 0
    out = capsys.readouterr().out
    assert all(question.title in out for question in QUESTIONS)
    assert max(map(len, out.splitlines())) <= 80
    assert "█" in out


def test_a_terminal_that_knows_only_ascii_gets_only_ascii(data: Path) -> None:
    command = [sys.executable, "-m", "shipper", "report", "wunderctl", "--data", str(data), *MONTH]
    done = subprocess.run(
        command, env={"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin"}, capture_output=True, check=True
    )
    assert b"####" in done.stdout
    assert done.stdout.isascii()


def test_the_csv_has_every_value_of_every_answer(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "wunderctl", "--data", str(data), *MONTH, "--csv", "--question", "commands"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["question"] for row in rows} == {"commands"}
    assert {row["value"] for row in rows if row["column"] == "Command"} == {
        "init",
        "up",
        "generate",
        "down",
        "publish",
        "test",
    }
    assert all(int(row["value"]) > 0 for row in rows if row["column"] == "Times")


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
    window = Window("wunderctl", TODAY - 400, TODAY)
    model = Model([(row, at // 60) for row, at in world(2000)], window)
    active = next(question for question in QUESTIONS if question.key == "active")
    rows = active.rows(model)
    assert rows[-1][0] == date.fromtimestamp(NOW).isoformat()

    class Holder:
        def view(self, _window: Window) -> Model:
            return model

    figures, answers = ask(Holder(), window, [active])  # type: ignore[arg-type]  # only the view is asked
    text = as_text(window, figures, answers, 80, fine=True)
    assert str(rows[-1][0]) in text
    assert f"and {len(rows) - 12} more" in text
