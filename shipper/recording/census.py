"""The census: once in each ISO week in which the program ran, one event by which an installation says that it is there.

    "name":"shipper.census" ... "fields":{"age":"to-24-weeks","os":"linux","arch":"x86_64","runtime":"cpython-3.12",
                                          "agent":false,"uses.command":true,"uses.theme":false}

It is said with the first event of a week, so whoever never comes back is counted too; it travels with the events of its
day.
`uses.<event>` say what was used in the week before of this installation, the last one in which it was counted: nothing
can be said of a week that is not over. The first census of all has none of them. One file beside the choices binds
it to the machine, `<spool>.census`, one line: the last week that was counted, the first one, and the events used in the
last one; nothing is made up for weeks that passed, and none is counted twice, whatever dies in between. CI and homes
made for one run are no installations. Loaded once a week, and once a week for each event.
"""

from shipper.recording.line import surroundings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: How long an installation has been counted, by the last week of each step: the steps of libdnf's `countme`, whose
#: COUNTME_BUCKETS are weeks 2, 5 and 25 (libdnf/repo/Repo.cpp).
AGES = ("first-week", "to-4-weeks", "to-24-weeks", "older")
_LAST_WEEKS = (1, 4, 24)
SYSTEMS = ("linux", "macos", "windows", "other")
ARCHITECTURES = ("x86_64", "arm64", "other")
#: Begins the name of the field that says whether an event was used.
USES = "uses."
#: Weeks by which a counted week may lie ahead: past them a clock was wrong, and counting begins again.
AHEAD = 53


def age_of(first: "int", week: "int") -> "str":
    """Name the step of an installation's age in a week, counted from its first one."""
    old = week - first + 1
    return AGES[sum(old > last for last in _LAST_WEEKS)]


def note(counted: "str", week: "int", event: "str") -> "tuple[str, tuple[str, ...] | None]":
    """Decide what is noted when an event is used in a week: the file's new line, and what the census says, if it is due.

    What it says are the age and the events used in the week counted before; None where this week was counted, or a later
    one, and an age alone in the first week. What cannot be read counts as never counted.
    """
    words = counted.split()
    last, first = (int(words[0]), int(words[1])) if _readable(words) else (-1, week)
    used = words[2:] if last >= 0 else []
    if last > week + AHEAD:
        return _line(week, week, [event]), None
    if week <= last:
        return _line(last, first, used if event in used else [*used, event]), None
    return _line(week, first, [event]), (age_of(first, week), *(["", *used] if last >= 0 else []))


def _readable(words: "list[str]") -> "bool":
    return len(words) >= 2 and words[0].isdecimal() and words[1].isdecimal() and len(words[0] + words[1]) < 20


def _line(last: "int", first: "int", used: "list[str]") -> "str":
    return " ".join([str(last), str(first), *used, "\n"])


def fields_json(said: "tuple[str, ...]", machine: "Mapping[str, str]", agent: "str", events: "Iterable[str]") -> "str":
    """Write a census's fields: what note() said, the machine as surroundings() describes it, the declared events."""
    name, _, version = machine["runtime"].partition(" ")
    series = ".".join(version.split(".")[:2])
    fields = (
        f'"age":"{said[0]}","os":"{machine["os"]}","arch":"{machine["arch"]}","runtime":"{name}-{series}",'
        f'"agent":{"true" if agent else "false"}'
    )
    if len(said) > 1:
        fields += "".join([f',"{USES}{event}":{"true" if event in said[1:] else "false"}' for event in events])
    return fields


def machine_here() -> "dict[str, str]":
    """What surroundings() writes, as a mapping; no value of it holds a comma."""
    pairs = [part.partition(":") for part in surroundings().split(",")]
    return {key.strip('"'): value.strip('"') for key, _, value in pairs}
