"""The chart of days: piles of layers over a time axis, with scales, and with the day that is under way drawn as such."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from html import escape

from shipper.collector.answers.answer import Answer
from shipper.collector.page.charts import legend
from shipper.collector.stores.dimensions import date_of, day_text
from shipper.collector.stores.store import Window

#: Layers that are told apart by colour; the smaller ones are put together as "other".
MOST_LAYERS = 5
OTHER = "other"
#: Labels of the time axis that fit beside each other on a phone.
MOST_DATES = 5
#: Days up to which there is a gap between them that is wider than a pixel.
GAPS_UP_TO = 120


def days(answer: Answer, window: Window, today: int) -> str:
    """A pile per day, one layer per version or whatever the second column holds."""
    piles: dict[int, Counter[str]] = defaultdict(Counter)
    order: dict[str, int] = {}
    for day, layer, size in answer.rows:
        piles[(date.fromisoformat(str(day)) - date(1970, 1, 1)).days][str(layer)] += int(size)
        order.setdefault(str(layer), len(order))
    layers, rest = _layers(piles, order)
    start, end = max(window.since, min(piles)), min(window.until, max(max(piles), min(today, window.until)))
    top, step = scale(max(pile.total() for pile in piles.values()))
    span = end - start + 1
    columns = "".join(
        _pile(number, span, day, piles[day], layers, rest, top, day >= today)
        for number, day in enumerate(range(start, end + 1))
        if day in piles
    )
    lines = "".join(
        f'<line class="grid" x1="0" x2="100%" y1="{100 - value / top * 100:.2f}%" y2="{100 - value / top * 100:.2f}%"/>'
        for value in range(0, top + 1, step)
    )
    highest = max(piles, key=lambda day: (piles[day].total(), -day))
    words = (
        f"From {day_text(start)} to {day_text(end)}, at most {piles[highest].total():,} on {day_text(highest)}."
        " The table has every day."
    )
    return (
        f"{legend([*layers, *([OTHER] if rest else [])], end >= today)}"
        f'<div class="days" role="img" aria-label="{escape(words)}">'
        f'<svg class="scale" aria-hidden="true">{_values(top, step)}</svg>'
        f'<svg class="piles">{lines}{columns}</svg>'
        f'<svg class="dates" aria-hidden="true">{_dates(start, span)}</svg></div>'
    )


def _layers(piles: dict[int, Counter[str]], order: dict[str, int]) -> tuple[list[str], bool]:
    """The largest layers in the rows' own order, which is the versions': the newest on top; and whether some are left."""
    totals: Counter[str] = Counter()
    for pile in piles.values():
        totals.update(pile)
    most = MOST_LAYERS if len(totals) <= MOST_LAYERS else MOST_LAYERS - 1
    return sorted((name for name, _ in totals.most_common(most)), key=order.__getitem__), len(totals) > most


def scale(highest: int) -> tuple[int, int]:
    """The top of an axis that holds `highest`, and the step between its lines: 1, 2 or 5 times a power of ten."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            step = digit * power
            if step * 4 >= highest:
                return max(1, -(-highest // step)) * step, step
        power *= 10


def _pile(
    number: int, span: int, day: int, pile: Counter[str], layers: Sequence[str], rest: bool, top: int, underway: bool
) -> str:
    """One day: its layers from the bottom, and what the pointer tells."""
    sizes = [(layer, pile[layer]) for layer in layers]
    if rest:
        sizes.append((OTHER, pile.total() - sum(size for _, size in sizes)))
    y, drawn, told = 100.0, [], [f"{day_text(day)}: {pile.total():,}{' so far' if underway else ''}"]
    width = 100 / span
    gap = 0.1 * width if span <= GAPS_UP_TO else 0.0
    for colour, (layer, size) in enumerate(sizes, 1):
        if size:
            height = size / top * 100
            y -= height
            drawn.append(
                f'<rect class="c{colour}" x="{number * width + gap / 2:.3f}%" y="{y:.2f}%" width="{width - gap:.3f}%"'
                f' height="{height:.2f}%"/>'
            )
            told.append(f"{layer}: {size:,}")
    kind = ' class="underway"' if underway else ""
    return f"<g{kind}><title>{escape(chr(10).join(told))}</title>{''.join(drawn)}</g>"


def _values(top: int, step: int) -> str:
    return "".join(
        f'<text x="100%" y="{100 - value / top * 100:.2f}%" dy="0.32em">{short(value)}</text>'
        for value in range(0, top + 1, step)
    )


def short(value: int) -> str:
    """Write a number of an axis: 1,500 or 20k or 3M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if value >= 10 * size or (value >= size and value % size == 0):
            return f"{value / size:g}{unit}"
    return f"{value:,}"


def _dates(start: int, span: int) -> str:
    """Labels at the middle of their days, from the first to the last; the year stands where it is not the last one."""
    most = min(MOST_DATES, span)
    numbers = [round(at * (span - 1) / max(1, most - 1)) for at in range(most)]
    labels, year = [], date_of(start + span - 1).year
    for number in numbers:
        when = date_of(start + number)
        words = f"{when.day} {when:%b}" + (f" {when.year}" if when.year != year else "")
        anchor = "middle" if span == 1 or 0 < number < span - 1 else "start" if number == 0 else "end"
        x = {"start": 0, "end": 100}.get(anchor, (number + 0.5) / span * 100)
        labels.append(f'<text x="{x:.2f}%" y="12" text-anchor="{anchor}">{words}</text>')
    return "".join(labels)
