"""Days as the tables of installations hold them: a row a month, a bit a day. Expressions, and what their values mean."""

from shipper.collector.stores.dimensions import FIRST_DAY, date_of, first_of

_DAYS = "finalizeAggregation(days)"
_EVERY = (1 << 32) - 1
#: Days in order as numbers that a row knows without a calendar: the month, as in 202611, times this, plus the bit.
_BITS = 32


def month_number(day: int) -> int:
    """The month of a day, in days since 1970, as the tables name it: 202611."""
    when = date_of(day)
    return when.year * 100 + when.month


def place_of(day: int) -> int:
    """The number of a day by which days are in order; see `first_place`."""
    return month_number(day) * _BITS + date_of(day).day - 1


def day_at(place: int) -> int:
    """The day, since 1970, of a number that `place_of` gave."""
    return last_day(place // _BITS, 1 << place % _BITS)


def last_day(month: int, bits: int) -> int:
    """The day, since 1970, of the highest bit of a month."""
    return first_of(month // 100 * 12 + month % 100 - 1) + bits.bit_length() - 1


def first_place() -> str:
    """The expression for the first real day of a row, by its number; a broken clock's day comes after all others."""
    lowest = f"bitAnd({_DAYS}, bitNot({_DAYS}) + 1)"
    real = f"month >= {month_number(FIRST_DAY)}"
    return f"if({real}, toUInt32(month * {_BITS} + toUInt32(round(log2({lowest})))), toUInt32({_EVERY}))"


def days_inside(since: int, until: int) -> str:
    """The expression for the bits of a row's days that lie from one day to another, both included."""
    first, last = month_number(since), month_number(until)
    start, end = _EVERY & ~((1 << date_of(since).day - 1) - 1), (1 << date_of(until).day) - 1
    if first == last:
        return f"if(month = {first}, bitAnd({_DAYS}, toUInt32({start & end})), toUInt32(0))"
    mask = f"multiIf(month = {first}, {start}, month = {last}, {end}, month > {first} AND month < {last}, {_EVERY}, 0)"
    return f"bitAnd({_DAYS}, toUInt32({mask}))"


def seen_inside(since: int, until: int) -> str:
    """The condition that a row has a day in a window. A row has some day, so that only the window's ends are looked at."""
    first, last = month_number(since), month_number(until)
    start, end = _EVERY & ~((1 << date_of(since).day - 1) - 1), (1 << date_of(until).day) - 1
    if first == last:
        return f"(month = {first} AND bitAnd({_DAYS}, toUInt32({start & end})) != 0)"
    ends = ((first, start), (last, end))
    cut = " OR ".join(f"(month = {month} AND bitAnd({_DAYS}, toUInt32({mask})) != 0)" for month, mask in ends)
    return f"(month BETWEEN {first} AND {last} AND ((month > {first} AND month < {last}) OR {cut}))"


def months_inside(since: int, until: int) -> str:
    """The condition that a row is of a month that a window meets."""
    return f"month BETWEEN {month_number(since)} AND {month_number(until)}"
