"""Cards and tiles: one question, or one figure, as HTML. Pure."""

import re
from collections.abc import Callable
from html import escape

from shipper.collector.answers.answer import Answer, Figure, Report
from shipper.collector.answers.formats import change, written
from shipper.collector.answers.numbers import change as change_of
from shipper.collector.answers.question import CHANGE, DAYS, HEAT, LIST, PARTS, SHARE, TABLE, TEXT, UNKNOWN, Cell
from shipper.collector.page.charts import bar, bars, number_of, parts
from shipper.collector.page.days import days

#: Rows of a table on the page; scripts get all of them.
MOST_ROWS = 200
#: What stands in the place of an answer that the store could not give.
FAILED = "This could not be worked out. The other answers are not affected."
#: Questions whose card is as wide as the page.
WIDE = ("active", "census", "grew", "users", "commands", "by_version")
#: The column whose words are a warning.
WORSE = "Worse"

Link = Callable[[str], str]
"""From a feature, EVENT.FIELD=VALUE, to the address that asks who still uses it."""


def identifier(key: str) -> str:
    """A question's key as an id in the page."""
    return re.sub(r"[^A-Za-z0-9_]", "-", key)


def tile(figure: Figure) -> str:
    """One figure, beside the same of the period before."""
    note = f'<dd class="note">{escape(figure.note)}</dd>' if figure.note else ""
    return (
        f'<div class="tile"><dt>{escape(figure.name)}</dt><dd class="value">{escape(written(figure.value, figure.kind))}'
        f"</dd>{_beside(figure)}{note}</div>"
    )


def _beside(figure: Figure) -> str:
    """How a figure compares with the period before: an arrow, how much, and what it was."""
    now, before = figure.value, figure.before
    if isinstance(before, str) or isinstance(now, str):
        return '<dd class="beside">nothing known of the period before</dd>'
    past = written(before, figure.kind)
    if now == before:
        return f'<dd class="beside">as before: {escape(past)}</dd>'
    grown = now > before
    if figure.kind == SHARE:
        much = f"{abs(now - before) * 100:.1f} points"
    else:
        growth = change_of(now, before)
        much = change(float(growth)).lstrip("+-") if growth != UNKNOWN else ""
    tone = "plain" if not figure.sense else "good" if (figure.sense > 0) == grown else "bad"
    return (
        f'<dd class="beside {tone}"><span aria-hidden="true">{"▲" if grown else "▼"}</span>'
        f'<span class="hidden">{"more by" if grown else "less by"}</span> {much}'
        f' <span class="past">from {escape(past)}</span></dd>'
    )


def card(answer: Answer, report: Report, link: Link | None = None) -> str:
    """One question: its words, its chart, its table."""
    question = answer.question
    name = identifier(question.key)
    about = f'{escape(question.about)} <span class="level">{escape(question.level_words)}</span>'
    wide = ' class="card wide"' if question.key in WIDE else ' class="card"'
    note = f'<p class="note">{escape(answer.note)}</p>' if answer.note and answer.rows else ""
    return (
        f'<section{wide} id="{name}" aria-labelledby="{name}-title"><h3 id="{name}-title">{escape(question.title)}</h3>'
        f'<p class="about">{about}</p>{_inner(answer, report, link)}{note}</section>'
    )


def _inner(answer: Answer, report: Report, link: Link | None) -> str:
    if answer.failed:
        return f'<p class="empty" role="alert">{escape(FAILED)}</p>'
    if not answer.rows:
        return f'<p class="empty">{escape(answer.question.empty)}</p>'
    kind = answer.question.chart.kind
    if kind in (TABLE, LIST, HEAT):
        return table(answer, link)
    drawn = (
        days(answer, report.window, report.today) if kind == DAYS else parts(answer) if kind == PARTS else bars(answer)
    )
    rows = f"{len(answer.rows):,} row{'s' if len(answer.rows) > 1 else ''}"
    return f"<figure>{drawn}</figure><details><summary>As a table, {rows}</summary>{table(answer)}</details>"


def table(answer: Answer, link: Link | None = None) -> str:
    """An answer's rows; a region of its own, so that a wide one scrolls and the page does not."""
    columns = answer.question.columns
    head = "".join(f'<th scope="col"{_side(kind)}>{escape(title)}</th>' for title, kind in columns)
    rows = "".join(_row(answer, row, link) for row in answer.rows[:MOST_ROWS])
    left = len(answer.rows) - MOST_ROWS
    more = f'<p class="more">and {left:,} more, scripts get all of them</p>' if left > 0 else ""
    label = escape(f"{answer.question.title} As a table")
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{more}"
    )


def _row(answer: Answer, row: tuple[Cell, ...], link: Link | None) -> str:
    question = answer.question
    cells = []
    for number, ((title, kind), cell) in enumerate(zip(question.columns, row, strict=True)):
        words = escape(_written(answer, cell, kind))
        if title == WORSE and cell:
            words = f'<span class="worse">{words}</span>'
        if link and question.key == "least" and title == "Value":
            words = f'<a href="{escape(link(f"{row[0]}={cell}"))}">{words}</a>'
        if number == 0:
            cells.append(f'<th scope="row">{words}{_size(answer, row)}</th>')
        else:
            cells.append(f"<td{_shade(answer, kind, cell)}>{words}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _written(answer: Answer, cell: Cell, kind: str) -> str:
    """A cell as text: where shades tell the most, a share stands in whole percents."""
    if answer.question.chart.kind == HEAT and kind == SHARE and not isinstance(cell, str):
        return f"{cell * 100:.0f} %"
    return written(cell, kind)


def _size(answer: Answer, row: tuple[Cell, ...]) -> str:
    """The bar beneath the name of a row of an open table."""
    chart = answer.question.chart
    if chart.kind != TABLE:
        return ""
    most = max(number_of(each[chart.size]) for each in answer.rows) or 1
    return bar([(1, number_of(row[chart.size]) / most, "")])


def _shade(answer: Answer, kind: str, cell: Cell) -> str:
    if answer.question.chart.kind == HEAT and kind == SHARE and not isinstance(cell, str):
        return f' class="number h{round(min(max(cell, 0), 1) * 10)}"'
    return _side(kind)


def _side(kind: str) -> str:
    return "" if kind == TEXT else ' class="number change"' if kind == CHANGE else ' class="number"'
