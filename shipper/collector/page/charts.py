"""Charts as HTML with small SVGs: no script, no style attribute, so they work under the strictest policy.

A bar is an SVG that stretches, its name and its number are text beside it: they wrap on a phone, and a screen reader
reads them as a list. Colours come from the style sheet by class.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from html import escape

from shipper.collector.answers.answer import Answer
from shipper.collector.answers.answer_rows import Cell
from shipper.collector.answers.formats import written
from shipper.collector.answers.questions import BARS, DAYS, PARTS, SHARE
from shipper.collector.stores.dimensions import day_text
from shipper.collector.stores.store import Window

#: Bars that are drawn; the table beneath has all of them.
MOST_BARS = 8
#: Layers that are told apart by colour; the smaller ones are put together as "other".
MOST_LAYERS = 5
OTHER = "other"


def chart(answer: Answer, window: Window) -> str:
    """Draw an answer that has rows."""
    kind = answer.question.chart.kind
    if kind == DAYS:
        return _days(answer, window)
    return _parts(answer) if kind == PARTS else _bars(answer)


def _bars(answer: Answer) -> str:
    drawn = answer.question.chart
    unit = answer.question.columns[drawn.size][1]
    sizes: Counter[str] = Counter()
    for row in answer.rows:
        sizes[" ".join(filter(None, (str(row[column]) for column in drawn.names)))] += int(row[drawn.size])
    order = sizes.most_common(MOST_BARS) if drawn.kind == BARS else list(sizes.items())
    most = max(sizes.values()) or 1
    items = "".join(
        f'<li><span class="name">{escape(name)}</span>{_bar([(1, size / most, "")])}'
        f'<span class="size">{escape(written(size, unit))}</span></li>'
        for name, size in order
    )
    left = len(sizes) - len(order)
    more = f'<p class="more">and {left:,} more in the table</p>' if left else ""
    return f'<ol class="bars">{items}</ol>{more}'


def _parts(answer: Answer) -> str:
    parts = [number for number, (_, kind) in enumerate(answer.question.columns) if kind == SHARE]
    titles = [answer.question.columns[number][0] for number in parts]
    items = "".join(
        f'<li><span class="name">{escape(str(row[0]))}</span>{_bar(_layers(row, parts, titles))}</li>'
        for row in answer.rows[:MOST_BARS]
    )
    return f'{_legend(titles)}<ol class="bars parts">{items}</ol>'


def _layers(row: tuple[Cell, ...], parts: Sequence[int], titles: Sequence[str]) -> list[tuple[int, float, str]]:
    """A row's shares as layers, each with its colour and words."""
    return [
        (colour, float(row[number]), f"{row[0]}, {title}: {written(row[number], SHARE)}")
        for colour, (number, title) in enumerate(zip(parts, titles, strict=True), 1)
    ]


def _bar(layers: Sequence[tuple[int, float, str]]) -> str:
    """One bar of layers, each a colour, a width as a share of 1, and what the pointer tells."""
    start, drawn = 0.0, []
    for colour, width, words in layers:
        title = f"<title>{escape(words)}</title>" if words else ""
        drawn.append(f'<rect class="c{colour}" x="{start:.3f}" width="{width * 1000:.3f}" height="10">{title}</rect>')
        start += width * 1000
    hidden = "" if any(words for *_, words in layers) else ' aria-hidden="true"'
    return f'<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none"{hidden}>{"".join(drawn)}</svg>'


def _days(answer: Answer, window: Window) -> str:
    piles: dict[str, Counter[str]] = defaultdict(Counter)
    for day, layer, size in answer.rows:
        piles[str(day)][str(layer)] += int(size)
    totals: Counter[str] = Counter()
    for pile in piles.values():
        totals.update(pile)
    # In the rows' order, which is the versions' own: the newest on top.
    named = {name for name, _ in totals.most_common(MOST_LAYERS)}
    layers = [name for name in dict.fromkeys(str(row[1]) for row in answer.rows) if name in named]
    layers.sort(key=[str(row[1]) for row in answer.rows].index)
    shown = layers + ([OTHER] if len(totals) > len(layers) else [])
    first, last = (date.fromisoformat(day) for day in (min(piles), max(piles)))
    start = max(window.since, (first - date(1970, 1, 1)).days)
    end = min(window.until, (last - date(1970, 1, 1)).days)
    highest = max(pile.total() for pile in piles.values())
    # A gap between the days, as long as it is wider than a pixel.
    width = 9 if end - start < 100 else 10
    columns = "".join(
        _pile(number, day_text(day), piles.get(day_text(day), Counter()), shown, highest, width)
        for number, day in enumerate(range(start, end + 1))
    )
    words = f"From {min(piles)} to {max(piles)}, at most {highest:,} a day. The table has every day."
    return (
        f'{_legend(shown)}<div class="days" role="img" aria-label="{escape(words)}">'
        f'<span class="highest">{highest:,}</span>'
        f'<svg viewBox="0 0 {(end - start + 1) * 10} 100" preserveAspectRatio="none">{columns}</svg>'
        f'<span class="first">{day_text(start)}</span><span class="last">{day_text(end)}</span></div>'
    )


def _pile(number: int, day: str, pile: Counter[str], layers: Sequence[str], highest: int, width: int) -> str:
    """One day: its layers from the bottom, and what the pointer tells."""
    top, drawn, told = 100.0, [], [f"{day}: {pile.total():,}"]
    for colour, layer in enumerate(layers, 1):
        size = pile[layer] if layer != OTHER else pile.total() - sum(pile[name] for name in layers if name != OTHER)
        if size:
            height = size / highest * 100
            top -= height
            drawn.append(
                f'<rect class="c{colour}" x="{number * 10}" y="{top:.2f}" width="{width}" height="{height:.2f}"/>'
            )
            told.append(f"{layer}: {size:,}")
    return f"<g><title>{escape(chr(10).join(told))}</title>{''.join(drawn)}</g>"


def _legend(names: Sequence[str]) -> str:
    items = "".join(
        f'<li><svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect class="c{number}" width="10" height="10"/>'
        f"</svg>{escape(name)}</li>"
        for number, name in enumerate(names, 1)
    )
    return f'<ul class="legend">{items}</ul>'
