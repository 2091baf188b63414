"""Answers as plain text: for a terminal, and as CSV."""

import csv
import io
from collections.abc import Sequence

from shipper.collector.answers.answer import Answer, Figure
from shipper.collector.answers.answer_rows import Rows
from shipper.collector.answers.formats import written
from shipper.collector.answers.questions import DAYS, PARTS, TEXT
from shipper.collector.stores.dimensions import day_text
from shipper.collector.stores.store import Window

#: Rows of a table in a terminal; --json and --csv have all.
MOST_ROWS = 12
#: Characters of the longest bar, and of the shortest that still says something.
BAR, SHORTEST = 24, 6
#: One to eight eighths of a character.
BLOCKS = "▏▎▍▌▋▊▉█"


def as_text(window: Window, figures: Sequence[Figure], answers: Sequence[Answer], width: int, fine: bool) -> str:
    """Bars and aligned tables, lines of at most `width` characters as long as the names allow it.

    `fine` bars have eighths of a character; the others are ASCII.
    """
    parts = [f"{window.app}, {day_text(window.since)} to {day_text(window.until)} (UTC)", ""]
    parts += [f"  {figure.name:18}{written(figure.value, figure.kind)}" for figure in figures]
    for answer in answers:
        parts += ["", answer.question.title]
        if not answer.rows:
            parts.append("  This could not be worked out." if answer.failed else f"  {answer.question.empty}")
            continue
        shown = answer.rows[-MOST_ROWS:] if answer.question.chart.kind == DAYS else answer.rows[:MOST_ROWS]
        parts += _table(answer, shown, width, fine)
        left = len(answer.rows) - len(shown)
        if left:
            parts.append(f"  and {left:,} more: --json or --csv --question {answer.question.key}")
    return "\n".join(parts)


def _table(answer: Answer, rows: Rows, width: int, fine: bool) -> list[str]:
    kinds = [kind for _, kind in answer.question.columns]
    cells = [[written(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in rows]
    titles = [title for title, _ in answer.question.columns]
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    size = answer.question.chart.size
    most = max(float(row[size]) for row in rows) or 1
    room = min(BAR, width - sum(widths) - 2 * len(widths) - 2) if answer.question.chart.kind != PARTS else 0
    lines = [_line(titles, widths, kinds)]
    for row, words in zip(rows, cells, strict=True):
        bar = _bar(float(row[size]) / most, room, fine) if room >= SHORTEST else ""
        lines.append(f"{_line(words, widths, kinds)}  {bar}".rstrip())
    return lines


def _line(words: Sequence[str], widths: Sequence[int], kinds: Sequence[str]) -> str:
    cells = (
        word.ljust(size) if kind == TEXT else word.rjust(size)
        for word, size, kind in zip(words, widths, kinds, strict=True)
    )
    return ("  " + "  ".join(cells)).rstrip()


def _bar(part: float, room: int, fine: bool) -> str:
    """A bar of `part` of `room` characters, in eighths where `fine`; what is there but small is seen."""
    eighths = max(1 if part else 0, round(part * room * 8))
    if not fine:
        return "#" * -(-eighths // 8)
    return BLOCKS[-1] * (eighths // 8) + (BLOCKS[eighths % 8 - 1] if eighths % 8 else "")


def as_csv(answers: Sequence[Answer]) -> str:
    """One value a line, so that answers with different columns fit into one file: question, row, column, value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("question", "row", "column", "value"))
    for answer in answers:
        for number, row in enumerate(answer.rows, 1):
            for (title, _), cell in zip(answer.question.columns, row, strict=True):
                writer.writerow((answer.question.key, number, title, cell))
    return out.getvalue()
