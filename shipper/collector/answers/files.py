"""Answers as files for other programs: CSV, and Parquet with a column of its own type for each column."""

import csv
import io
import os
import re
from collections.abc import Sequence

from shipper.collector.answers.answer import Answer
from shipper.collector.answers.question import COUNT, TEXT, Cell
from shipper.errors import ShipperError


def as_csv(answers: Sequence[Answer]) -> str:
    """One answer as its own table; several one value a line: question, row, column, value.

    A text that a spreadsheet would take for a formula stands behind an apostrophe.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if len(answers) == 1:
        writer.writerow([title for title, _ in answers[0].question.columns])
        writer.writerows([map(_safe, row) for row in answers[0].rows])
        return out.getvalue()
    writer.writerow(("question", "row", "column", "value"))
    for answer in answers:
        for number, row in enumerate(answer.rows, 1):
            for (title, _), cell in zip(answer.question.columns, row, strict=True):
                writer.writerow((answer.question.key, number, title, _safe(cell)))
    return out.getvalue()


def _safe(cell: Cell) -> Cell:
    return (
        f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") and cell != "-" else cell
    )


def write_parquet(folder: str, answers: Sequence[Answer]) -> list[str]:
    """Write a file for each answer, `<key>.parquet`, and return their names. Raises ShipperError.

    Counts are int64, other numbers float64, unknown ones null.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ShipperError(
            "Parquet needs the package pyarrow", "Install it: pip install 'event-shipper[parquet]'"
        ) from None
    names = []
    try:
        os.makedirs(folder, exist_ok=True)
        for answer in answers:
            arrays, titles = [], []
            for number, (title, kind) in enumerate(answer.question.columns):
                kinds = {TEXT: pyarrow.string(), COUNT: pyarrow.int64()}
                cells = [_typed(row[number], kind) for row in answer.rows]
                arrays.append(pyarrow.array(cells, kinds.get(kind, pyarrow.float64())))
                titles.append(title)
            names.append(re.sub(r"[^A-Za-z0-9_.+-]", "_", answer.question.key) + ".parquet")
            pyarrow.parquet.write_table(pyarrow.table(arrays, titles), os.path.join(folder, names[-1]))
    except OSError as error:
        raise ShipperError(f"{folder} cannot be written: {error.strerror or error}") from None
    return names


def _typed(cell: Cell, kind: str) -> Cell | None:
    if kind == TEXT:
        return str(cell)
    return None if isinstance(cell, str) else cell
