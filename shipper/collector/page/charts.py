"""Charts as HTML with small SVGs: no script, no style attribute, so they work under the strictest policy.

A bar is an SVG that stretches, its name and its number are text beside it: they wrap on a phone, and a screen reader
reads them as a list. Colours come from the style sheet by class.
"""

from collections import Counter
from collections.abc import Sequence
from html import escape

from shipper.collector.answers.answer import Answer
from shipper.collector.answers.formats import written
from shipper.collector.answers.question import BARS, CHANGE, SHARE, UNKNOWN, Cell

#: Bars that are drawn; the table beneath has all of them.
MOST_BARS = 8


def bars(answer: Answer) -> str:
    """A bar per row: its name, its size, and how it changed where the answer says so."""
    drawn = answer.question.chart
    kinds = [kind for _, kind in answer.question.columns]
    sizes: Counter[str] = Counter()
    changes: dict[str, str] = {}
    for row in answer.rows:
        name = " ".join(filter(None, (str(row[column]) for column in drawn.names)))
        sizes[name] += int(number_of(row[drawn.size]))
        if CHANGE in kinds and row[kinds.index(CHANGE)] != UNKNOWN:
            changes[name] = written(row[kinds.index(CHANGE)], CHANGE)
    order = sizes.most_common(MOST_BARS) if drawn.kind == BARS else list(sizes.items())
    most = max(sizes.values()) or 1
    items = "".join(
        f'<li><span class="name">{escape(name)}</span>{bar([(1, size / most, "")])}'
        f'<span class="size">{escape(written(size, kinds[drawn.size]))}</span>'
        + (f'<span class="delta">{escape(changes.get(name, ""))}</span>' if CHANGE in kinds else "")
        + "</li>"
        for name, size in order
    )
    left = len(sizes) - len(order)
    more = f'<p class="more">and {left:,} more in the table</p>' if left else ""
    return f'<ol class="bars{" changing" if CHANGE in kinds else ""}">{items}</ol>{more}'


def parts(answer: Answer) -> str:
    """A bar per row, cut into its columns' shares."""
    columns = [number for number, (_, kind) in enumerate(answer.question.columns) if kind == SHARE]
    titles = [answer.question.columns[number][0] for number in columns]
    items = "".join(
        f'<li><span class="name">{escape(str(row[0]))}</span>{bar(_layers(row, columns, titles))}</li>'
        for row in answer.rows[:MOST_BARS]
    )
    return f'{legend(titles)}<ol class="bars parts">{items}</ol>'


def _layers(row: tuple[Cell, ...], columns: Sequence[int], titles: Sequence[str]) -> list[tuple[int, float, str]]:
    """A row's shares as layers, each with its colour and words."""
    return [
        (colour, number_of(row[number]), f"{row[0]}, {title}: {written(row[number], SHARE)}")
        for colour, (number, title) in enumerate(zip(columns, titles, strict=True), 1)
    ]


def bar(layers: Sequence[tuple[int, float, str]]) -> str:
    """One bar of layers, each a colour, a width as a share of 1, and what the pointer tells."""
    start, drawn = 0.0, []
    for colour, width, words in layers:
        title = f"<title>{escape(words)}</title>" if words else ""
        drawn.append(f'<rect class="c{colour}" x="{start:.3f}" width="{width * 1000:.3f}" height="10">{title}</rect>')
        start += width * 1000
    told = "; ".join(words for *_, words in layers if words)
    named = f' role="img" aria-label="{escape(told)}"' if told else ' aria-hidden="true"'
    return f'<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none"{named}>{"".join(drawn)}</svg>'


def number_of(cell: Cell) -> float:
    """How long a bar is; what is unknown has none."""
    return 0.0 if isinstance(cell, str) else float(cell)


def legend(names: Sequence[str], underway: bool = False) -> str:
    """What each colour stands for."""
    swatch = (
        '<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect class="{}" width="10" height="10"/></svg>'
    )
    items = "".join(f"<li>{swatch.format(f'c{number}')}{escape(name)}</li>" for number, name in enumerate(names, 1))
    items += f"<li>{swatch.format('underway')}not over yet</li>" if underway else ""
    return f'<ul class="legend">{items}</ul>'
