"""What a pass tidies: age, quarantine, rubbish, and everything when consent is withdrawn."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from stat import S_ISDIR

from shipper import files
from shipper.recording.folder import Folder
from shipper.spool import quarantine
from shipper.spool.holding import BECAUSE
from shipper.spool.limits import EVICTABLE, Limits, choose, evict, evict_one, measure
from shipper.spool.losses import NAMES, merge
from shipper.spool.names import (
    ACTIVE,
    SUFFIX,
    is_losses,
    is_overflow,
    is_segment,
    milliseconds_of,
    read_deferral,
    read_loss,
    read_quarantined,
    segments,
)
from shipper.spool.segments import names_in

DAY = 24 * 3600
#: Seconds after which a file in tmp/ has no writer any more.
RUBBISH_AGE = DAY


def too_old(names: Iterable[str], days: int, now: float) -> list[str]:
    """Of segments' names, those that are older than so many days."""
    return [name for name in names if not is_losses(name) and milliseconds_of(name) / 1000 < now - days * DAY]


def choose_expired(old: list[str], before: Mapping[str, float], now: float) -> tuple[list[str], dict[str, float]]:
    """S9: of the segments that are too old now, those that a pass at least a day ago already found so; and a note.

    A note is the newest segment found too old, and when: the older ones were so too. A clock that jumped ahead for an
    hour removes nothing: it would have to be wrong twice, a day apart.
    """
    believed = {name: seen for name, seen in before.items() if seen <= now}
    due = max((name for name, seen in believed.items() if now - seen >= DAY), default="")
    going = [name for name in old if name <= due]
    rest = [name for name in old if name > due]
    if not rest:
        return going, {}
    pending = {name: seen for name, seen in believed.items() if name > due}
    return going, pending or {max(rest): now}


def enforce(
    app: Folder,
    limits: Limits,
    before: Mapping[str, float],
    now: float,
    lock: Callable[[], AbstractContextManager[object]],
) -> dict[str, float]:
    """Bring everything within its bound and return what to remember of age. The caller holds flusher.lock.

    S12: to look at 2,000 files takes as long as a writer waits for the lock in its whole life. So we look without it,
    and take it, and look again, only when something has to go.
    """
    going, after = _expired(app, limits, before, now)
    if going or _is_beyond(app, limits):
        with lock():
            going, after = _expired(app, limits, before, now)
            for room, name in going:
                evict_one(app, room, name, "old", sync=True)
            evict(app, limits, sync=True)
            merge(app)
            quarantine.bound(app, limits)
    _sweep(app, now)
    return after


def _expired(
    app: Folder, limits: Limits, before: Mapping[str, float], now: float
) -> tuple[list[tuple[str, str]], dict[str, float]]:
    rooms = {name: room for room in EVICTABLE for name in segments(names_in(app, room))}
    going, after = choose_expired(too_old(rooms, limits.days, now), before, now)
    return [(rooms[name], name) for name in sorted(going)], after


def _is_beyond(app: Folder, limits: Limits) -> bool:
    return (
        bool(choose(measure(app), limits))
        or len(names_in(app, "lost")) > NAMES
        or bool(quarantine.beyond_bound(app, limits))
    )


def _sweep(app: Folder, now: float) -> None:
    with app.folder("tmp", create=True) as tmp:
        for name in filter(is_ours, files.names(tmp)):
            with suppress(FileNotFoundError):  # its writer was only slow
                seen = tmp.stat(name)
                if seen.st_mtime < now - RUBBISH_AGE and not S_ISDIR(seen.st_mode):  # a folder is none of ours
                    files.remove(tmp, name)


def is_ours(name: str) -> bool:
    """Say whether a name in tmp/ is one that shipper makes: a segment's, or any with a dot and sixteen hex digits."""
    what, _, random = name.rpartition(".")
    temporary = bool(what) and len(random) == 16 and set(random) <= set("0123456789abcdef")
    return temporary or (name.endswith(SUFFIX) and is_segment(name.removesuffix(SUFFIX)))


def purge(app: Folder) -> None:
    """S6: remove everything that holds an event or tells of one. The caller holds spool.lock.

    What is not ours stays: a name that shipper never gives is somebody else's file.
    """
    _remove(app, lambda name: name == ACTIVE)
    for room in ("lost", "returning"):
        for segment in filter(is_segment, names_in(app, room)):
            with app.folder(room) as folder:
                with folder.folder(segment) as inside:
                    _remove(inside, lambda name: _is_loss(name) or read_quarantined(name) is not None)
                files.remove_folder(folder, segment)
    for room, is_own in _OWN.items():
        with app.folder(room, create=True) as folder:
            _remove(folder, is_own)


def _is_loss(name: str) -> bool:
    return read_loss(name) is not None


def _is_events(name: str) -> bool:
    return name == ACTIVE or (name.endswith(SUFFIX) and is_segment(name.removesuffix(SUFFIX)))


_OWN: Mapping[str, Callable[[str], bool]] = {
    "held": lambda name: name == BECAUSE or _is_events(name),
    "sealed": _is_events,
    "sending": _is_events,
    "deferred": lambda name: _is_events(name) or read_deferral(name) is not None,
    "overflow": is_overflow,
    "unconfirmed": is_segment,
    "quarantine": lambda name: read_quarantined(name) is not None,
    "lost": _is_loss,
    "tmp": is_ours,
}


def _remove(folder: Folder, is_own: Callable[[str], bool]) -> None:
    for name in filter(is_own, files.names(folder)):
        if not S_ISDIR(folder.stat(name).st_mode):
            files.remove(folder, name)
