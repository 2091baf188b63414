"""What to start now, and when to look again: decided from what was seen, with no clock and no disk of its own."""

from shipper.recording.due import LONGEST_WAIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

#: Passes that run at the same time. One receiver that hangs must not hold up the other apps for a minute; four passes
#: are some 160 MiB while they run.
AT_ONCE = 4
#: Seconds between two passes of one spool, whatever its `due` says: a disk that cannot be written to must not make a loop.
REST = 5.0
#: The same after a pass that crashed or was ended by its deadline, doubled for each one more, up to an hour.
REST_AFTER_CRASH = 60.0
REST_LONGEST = 3600.0
#: Seconds after which a wait is looked at again. poll()'s clock stands still while a laptop sleeps and knows nothing of
#: a wall clock that was set, so after either a pass is at most this late. Without a wait nothing is looked at.
LOOK_AGAIN = 600.0


class Seen:
    """What a look at one spool found: its name, both times of `due` (Unix seconds), whether somebody rang for it and no
    pass has begun since, and whether anything waits in it."""

    __slots__ = ("name", "next_due", "not_before", "rung", "waiting")

    def __init__(self, name: "str", not_before: "int", next_due: "int", rung: "bool", waiting: "bool") -> None:
        self.name, self.not_before, self.next_due, self.rung, self.waiting = name, not_before, next_due, rung, waiting


def plan(
    seen: "Iterable[Seen]", running: "Collection[str]", rests: "Mapping[str, float]", now: "float"
) -> "tuple[list[str], float | None]":
    """Decide which spools get a pass now, and in how many seconds to look again (None: only when somebody rings).

    `running` are the spools whose pass is under way, `rests` the seconds for which a spool is left alone, `now` is Unix
    seconds. The one that is due longest comes first.
    """
    due: list[tuple[float, str]] = []
    later: list[float] = []
    for spool in seen:
        if spool.name in running:
            continue  # its end is a signal, and then all is looked at again
        when = moment(spool, now)
        if when <= now and not (spool.rung or spool.waiting):
            continue  # whoever records into it now finds it due, and rings
        left = max(when - now, rests.get(spool.name, 0.0))
        if left > 0:
            later.append(left)  # even with nothing in it: what is recorded before that time rings no bell
        else:
            due.append((when, spool.name))
    room = max(0, AT_ONCE - len(running))
    start = [name for _, name in sorted(due)[:room]]
    return start, min([LOOK_AGAIN, *later]) if later else None


def moment(spool: "Seen", now: "float") -> "float":
    """The time from which a pass may run, in Unix seconds. S9: a time further away than any wait can be is not believed."""
    not_before = spool.not_before if spool.not_before <= now + LONGEST_WAIT else 0
    next_due = spool.next_due if spool.next_due <= now + LONGEST_WAIT and not spool.rung else 0
    return float(max(not_before, next_due))


def rest(crashes: "int") -> "float":
    """Seconds to leave a spool alone after a pass, the last `crashes` of which in a row did not end by themselves."""
    return min(REST_LONGEST, REST_AFTER_CRASH * 2 ** min(crashes - 1, 16)) if crashes else REST
