"""A report as JSON for scripts, and back: `shipper report --from` knows no question but those that it is told."""

import re
from collections.abc import Mapping
from typing import Any

from shipper.collector.answers.answer import Answer, Figure, Report
from shipper.collector.answers.declared import Declared
from shipper.collector.answers.question import CHARTS, KINDS, LEVEL_WORDS, Cell, Chart, Question
from shipper.collector.stores.dimensions import LAST_DAY, day_text
from shipper.collector.stores.store import Window

#: Rows, answers and figures that are believed of a receiver: more than any has, little enough for memory.
MAX_ROWS, MAX_ANSWERS = 1_000_000, 2_000


def as_json(report: Report) -> dict[str, Any]:
    """The report for scripts: every row in full, shares of 1, seconds, milliseconds and counts as numbers."""
    window = report.window
    return {
        "window": {
            "app": window.app,
            "since": day_text(window.since),
            "until": day_text(window.until),
            "versions": list(window.versions),
            "ci": window.ci,
        },
        "today": report.today,
        "as_of": report.as_of,
        "figures": {figure.name: figure.value for figure in report.figures},
        "figures_before": {figure.name: figure.before for figure in report.figures},
        "figures_about": {
            figure.name: {"kind": figure.kind, "sense": figure.sense, "note": figure.note} for figure in report.figures
        },
        "answers": list(map(_answer_json, report.answers)),
    }


def _answer_json(answer: Answer) -> dict[str, Any]:
    question = answer.question
    chart = question.chart
    return {
        "key": question.key,
        "title": question.title,
        "about": question.about,
        "group": question.group,
        "level": question.level,
        "columns": [{"title": title, "kind": kind} for title, kind in question.columns],
        "chart": {"kind": chart.kind, "names": list(chart.names), "size": chart.size},
        "empty": question.empty,
        "note": answer.note,
        "rows": [list(row) for row in answer.rows],
        **({"failed": True} if answer.failed else {}),
    }


def from_json(document: Mapping[str, Any], window: Window) -> Report:
    """Read what a receiver said with `as_json`. Raises ValueError when it is something else; nothing in it is trusted."""
    try:
        before, about = document["figures_before"], document["figures_about"]
        figures = [
            Figure(
                _text(name), _cell(value), _of(about[name]["kind"], KINDS), _cell(before[name]),
                _of(about[name]["sense"], (-1, 0, 1)), _text(about[name]["note"]),
            )
            for name, value in document["figures"].items()
        ]  # fmt: skip
        answers = [_answer(said) for said in document["answers"][:MAX_ANSWERS]]
        as_of = document["as_of"]
        until = None if as_of is None else _whole(as_of, (LAST_DAY + 1) * 86_400)
        return Report(window, _whole(document["today"], LAST_DAY), Declared(window.app), figures, answers, until)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"no answers of a receiver: {error}") from None


def _answer(said: Mapping[str, Any]) -> Answer:
    columns = tuple((_text(column["title"]), _of(column["kind"], KINDS)) for column in said["columns"])
    chart = said["chart"]
    drawn = Chart(_of(chart["kind"], CHARTS), tuple(map(int, chart["names"])), int(chart["size"]))
    if not re.fullmatch(r"[A-Za-z0-9_.:+/<>-]{1,200}", said["key"]):
        raise ValueError(f"no answers of a receiver: {said['key']!r} is no question")
    if not all(0 <= column < len(columns) for column in (*drawn.names, drawn.size)):
        raise ValueError("no answers of a receiver: a chart of columns that are not there")
    question = Question(
        said["key"], _text(said["title"]), _text(said["about"]), columns, drawn, _text(said["empty"]),
        group=_text(said["group"]), level=_of(said["level"], LEVEL_WORDS),
    )  # fmt: skip
    rows = [tuple(map(_cell, row)) for row in said["rows"][:MAX_ROWS]]
    if any(len(row) != len(columns) for row in rows):
        raise ValueError("no answers of a receiver: a row of another length")
    return Answer(question, rows, said.get("failed") is True, _text(said["note"]))


def _of(value: Any, allowed: Any) -> Any:
    if value not in allowed:
        raise ValueError(f"no answers of a receiver: {value!r} is none of {allowed}")
    return value


def _whole(value: object, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"no answers of a receiver: {value!r} is no number from 0 to {most}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return "".join(letter if letter.isprintable() else "?" for letter in value)


def _cell(value: object) -> Cell:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return _text(value)
