"""The level "none": which day's events a pass sends, and when the next pass comes.

A request holds events of one day, and a pass that nobody asked for sends one day, which is over: so a receiver cannot see
in what came together, or one right after the other, that two days belong to one machine. Where many days wait, after
weeks without a network, it sends some more, since what waits for too long is lost. Who sends by hand sends all at once,
each day by itself.
"""

from collections.abc import Mapping

from shipper.recording.line import format_time

#: Seconds over which passes spread at random, so that the hours at which a machine sends say little about it.
SPREAD = 6 * 3600
#: Segments, or days, that may wait for each day that a pass sends: more than a week of somebody who comes once a day.
CROWD = 8
_DAY = 24 * 3600


def postponed(days: Mapping[int, str], chosen: frozenset[str], now: float, most: int = 1) -> frozenset[int]:
    """Of a segment's lines, those that wait for another pass; `days` are their days, "" for lines of another level.

    `chosen` are the days that this pass sends already; up to `most` there may be, and the oldest here are added. `now` is
    in Unix seconds. A day that lies further ahead than tomorrow is a wrong clock's, and is not waited for.
    """
    over = sorted({day for day in days.values() if day and is_over(day, now)} - chosen)
    most = max(most, 1 + len(over) // CROWD)
    sent = chosen.union(over[: max(0, most - len(chosen))])
    return frozenset(line for line, day in days.items() if day and day not in sent)


def days_of_pass(segments: int) -> int:
    """How many days a pass sends of which so many segments wait; a day is seldom more than one of them."""
    return 1 + segments // CROWD


def is_over(day: str, now: float) -> bool:
    """Say whether a day has passed, or is one of a clock that is wrong by more than a day; `now` in Unix seconds."""
    today, tomorrow = (format_time(int(seconds * 1000))[:10] for seconds in (now, now + _DAY))
    return not today <= day <= tomorrow


def next_pass(now: float, interval: int, left: bool, random: float) -> int:
    """When the next pass is to come, in Unix seconds; `left`: another day waits that is over, `random` from 0 to 1."""
    after = now + interval if left else (now // _DAY + 1) * _DAY
    return int(min(after + random * SPREAD, now + _DAY))
