"""Answers as plain text for a terminal."""

from collections.abc import Sequence

from shipper.collector.answers.answer import Answer, Figure, Report
from shipper.collector.answers.formats import counted_until, written
from shipper.collector.answers.question import DAYS, HEAT, LIST, PARTS, TEXT, UNKNOWN, Cell, Rows
from shipper.collector.stores.dimensions import day_text

#: Rows of a table in a terminal; --json and --csv have all.
MOST_ROWS = 12
#: Characters of the longest bar, and of the shortest that still says something.
BAR, SHORTEST = 24, 6
#: One to eight eighths of a character.
BLOCKS = "▏▎▍▌▋▊▉█"


def as_text(report: Report, width: int, fine: bool) -> str:
    """Bars and aligned tables, lines of at most `width` characters as long as the names allow it.

    `fine` bars have eighths of a character; the others are ASCII.
    """
    window = report.window
    parts = [f"{window.app}, {day_text(window.since)} to {day_text(window.until)} (UTC)", ""]
    parts += [counted_until(report.as_of), ""] if report.as_of is not None else []
    parts += list(map(_figure, report.figures))
    group = ""
    for answer in report.answers:
        question = answer.question
        if question.group and question.group != group:
            parts += ["", f"== {question.group} =="]
        group = question.group
        parts += ["", f"{question.title} [{question.level}]"]
        if not answer.rows:
            parts.append("  This could not be worked out." if answer.failed else f"  {question.empty}")
            continue
        shown = answer.rows[-MOST_ROWS:] if question.chart.kind == DAYS else answer.rows[:MOST_ROWS]
        parts += _table(answer, shown, width, fine)
        left = len(answer.rows) - len(shown)
        if left:
            parts.append(f"  and {left:,} more: --json or --csv --question {question.key}")
    return "\n".join(parts)


def _figure(figure: Figure) -> str:
    before = f"before: {written(figure.before, figure.kind)}" if figure.before != UNKNOWN else ""
    return f"  {figure.name:22}{written(figure.value, figure.kind):14}{before:22}{figure.note}".rstrip()


def _table(answer: Answer, rows: Rows, width: int, fine: bool) -> list[str]:
    kinds = [kind for _, kind in answer.question.columns]
    cells = [[written(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in rows]
    titles = [title for title, _ in answer.question.columns]
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    size = answer.question.chart.size
    most = max(_number(row[size]) for row in rows) or 1
    room = (
        min(BAR, width - sum(widths) - 2 * len(widths) - 2)
        if answer.question.chart.kind not in (PARTS, LIST, HEAT)
        else 0
    )
    lines = [_line(titles, widths, kinds)]
    for row, words in zip(rows, cells, strict=True):
        bar = _bar(_number(row[size]) / most, room, fine) if room >= SHORTEST else ""
        lines.append(f"{_line(words, widths, kinds)}  {bar}".rstrip())
    return lines


def _number(cell: Cell) -> float:
    """How long a bar is; what is unknown has none."""
    return 0.0 if isinstance(cell, str) else float(cell)


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
