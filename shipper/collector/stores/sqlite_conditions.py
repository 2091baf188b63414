"""The parts of the embedded store's queries that say which app, command, days and versions are meant."""

from collections.abc import Iterable
from datetime import date, timedelta

from shipper.collector.stores.dimensions import DAY, FIRST_DAY, first_of, month_of
from shipper.collector.stores.store import Window

#: The number of an app's feature: that an installation was seen at all, and that it ran a command.
APP = "(SELECT id FROM words WHERE word = ?)"
INSTALLATION = f"(SELECT id FROM features WHERE app = {APP} AND event = '' AND field = '' AND label = '')"
COMMAND = f"(SELECT id FROM features WHERE app = {APP} AND event = 'command' AND field = 'command' AND label = ?)"


def span_of(window: Window) -> tuple[int, int]:
    """The real days of a window in Unix milliseconds, both ends included."""
    return max(window.since, FIRST_DAY) * DAY, (window.until + 1) * DAY - 1


def spans(since: int, until: int) -> list[tuple[str, str, int, int]]:
    """Cut a window into sums to add: (table, its period's column, first, last), for whole months and days beside."""
    start, end = month_of(since - 1) + 1, month_of(until + 1)
    between = (
        ("monthly", "month", start, end - 1),
        ("daily", "day", since, min(until, first_of(start) - 1)),
        ("daily", "day", max(since, first_of(max(start, end))), until),
    )
    return [span for span in between if span[2] <= span[3]]


def seen_between(since: date, until: date) -> str:
    """The condition that a row of `uses` has a day in a window: one look at `months`, and at the months cut by its ends."""
    # The last year first: most rows of a window are of it, and then the others are not looked at.
    years = [_seen_in(year, since, until) for year in sorted({since.year, until.year}, reverse=True)]
    if until.year - since.year > 1:
        years.append(f"year BETWEEN {since.year + 1} AND {until.year - 1}")
    return f"({' OR '.join(years)})"


def _seen_in(year: int, since: date, until: date) -> str:
    masks = {month: _mask(year, month, since, until) for month in range(1, 13)}
    whole = {month for month, mask in masks.items() if mask == _mask(year, month, date.min, date.max)}
    parts = [f"(months & {sum(1 << month - 1 for month in whole)})"] if whole else []
    parts += [f"(m{month} & {mask})" for month, mask in masks.items() if mask and month not in whole]
    return f"(year = {year} AND ({' OR '.join(parts)}))"


def days_of(month: int, since: date, until: date) -> str:
    """The days of a month that lie in a window, as bits: an expression of the row's year."""
    cases = (f"WHEN {year} THEN {_mask(year, month, since, until)}" for year in sorted({since.year, until.year}))
    return f"CASE year {' '.join(cases)} ELSE {(1 << 31) - 1} END"


def _mask(year: int, month: int, since: date, until: date) -> int:
    """The days of a month from `since` to `until`, as bits; bit 0 is the 1st."""
    first = max(since, date(year, month, 1))
    last = min(until, date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1))
    return (1 << last.day) - (1 << (first.day - 1)) if first <= last else 0


def among(column: str, words: Iterable[str]) -> tuple[str, list[str]]:
    """The condition that a column is one of some words, or none for no words; only marks are put into the text."""
    given = list(words)
    marks = ",".join("?" * len(given))
    return (f"AND {column} IN (SELECT id FROM words WHERE word IN ({marks}))" if given else ""), given
