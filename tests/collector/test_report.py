"""The report: in the terminal, as JSON, CSV and Parquet, from a store and from a receiver that nobody trusts."""

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from shipper.cli import main
from shipper.collector.answers.answer import ask
from shipper.collector.answers.documents import as_json, from_json
from shipper.collector.answers.files import as_csv
from shipper.collector.answers.questions import questions_of
from shipper.collector.answers.text import as_text
from shipper.collector.page import html
from shipper.collector.stores.sqlite import FILE, SqliteStore
from shipper.collector.stores.sqlite_answers import SqliteAnswers
from shipper.collector.stores.store import Window
from tests.collector.model_report import ROWS, report_of
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


def test_answers_survive_their_way_through_json() -> None:
    window = Window("wunderctl", TODAY - 400, TODAY)
    report = report_of(ROWS, window)
    read = from_json(json.loads(json.dumps(as_json(report))), window)
    assert read.figures == report.figures
    for as_of in (None, 0, NOW):
        assert from_json(json.loads(json.dumps(as_json(replace(report, as_of=as_of)))), window).as_of == as_of
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
        {"today": float("inf")},
        {"as_of": 1 << 60},
        {"as_of": "now"},
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


def test_a_report_of_a_store_that_is_behind_says_up_to_when_it_counts() -> None:
    report = report_of(ROWS, Window("wunderctl", TODAY - 400, TODAY))
    for as_of, words in ((NOW, "counted up to 2026-11-23 12:00 UTC"), (0, "still being counted")):
        behind = replace(report, as_of=as_of)
        assert words in as_text(behind, 100, fine=False)
        assert words in html.whole(behind)
    for whole in (as_text(report, 100, fine=False), html.whole(report)):
        assert "counted up to" not in whole
        assert "still being counted" not in whole


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
