"""What an installation remembers of itself beside the choices: what was counted, and what was used for the first time.

`<spool>.census` is what the census needs (`shipper.recording.census`), `<spool>.firsts` what measured fields need
(`shipper.recording.measured`). Neither is ever sent.
"""

import os

from shipper import files
from shipper.errors import Busy
from shipper.recording.automation import in_ci, one_run_home
from shipper.recording.folder import Folder
from shipper.recording.lock import Lock, patience, set_patience
from shipper.recording.measured import measure, randomise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipper.recording.event import Event

COUNTED, FIRSTS = ".census", ".firsts"
#: Bytes of `<spool>.firsts`: some hundred marks. What would make it longer is not remembered, and not said.
FIRSTS_BYTES = 16 * 1024


def read_firsts(config: Folder, spool: str) -> "list[str]":
    """The marks that measure() left; none where there are none, or none that can be read."""
    try:
        return config.read(spool + FIRSTS, FIRSTS_BYTES).decode("ascii", "replace").split()
    except FileNotFoundError:
        return []


def answer(
    event: "Event",
    fields: "Mapping[str, object]",
    environ: "Mapping[str, str]",
    config: "Folder | None",
    spool: str,
    now: int,
    draw: "Callable[[int], bytes]" = os.urandom,
) -> "dict[str, object]":
    """Return an event's fields as they are to be said: measured ones filled in, randomised ones drawn.

    `now` is Unix milliseconds, `draw(n)` returns n random bytes. Nothing is measured where `config` is None, in
    CI and homes made for one run, and where what was remembered can be neither read nor noted.
    """
    given = {field: value for field, value in fields.items() if not _is_measured(event, field)}
    said: dict[str, object] = {}
    if config is not None and not (in_ci(environ) or one_run_home(environ)):
        try:
            said = _measure(event, fields, config, spool, now // 60_000)
        except (OSError, ValueError):
            said = {}
    return randomise(event, {**given, **said}, draw)


def _is_measured(event: "Event", field: str) -> bool:
    kind = event.fields.get(field)
    return kind is not None and kind.kind in ("since_first", "first_use")


def _measure(
    event: "Event", fields: "Mapping[str, object]", config: Folder, spool: str, minute: int
) -> "dict[str, object]":
    marks = read_firsts(config, spool)
    said, after = measure(event, fields, marks, minute)
    if after == marks:
        return said
    lock = Lock(config, patience(), spool + ".lock")
    try:
        with lock:
            said, after = measure(event, fields, read_firsts(config, spool), minute)
            line = " ".join(after).encode("ascii") + b"\n"
            if len(line) > FIRSTS_BYTES:
                return {}
            files.replace(config, spool + FIRSTS, line, config)
    except Busy:
        return {}
    finally:
        set_patience(patience() - lock.waited)
    return said


def clear_app(config: Folder, app: str) -> None:
    """See clear(): for every spool of an app, of all apps where `app` is "". Raises Busy."""
    names = [name for name in files.names(config) if name.endswith((COUNTED, FIRSTS))]
    spools = {name.removesuffix(COUNTED).removesuffix(FIRSTS) for name in names}
    for spool in sorted(spools):
        if app in ("", spool.partition("@")[0]):
            clear(config, spool)


def clear(config: Folder, spool: str) -> None:
    """Forget what was used and since when a duration runs. What stays keeps a week, or a duration, from counting twice:
    the last week counted and the first one, and which durations were said.
    """
    lock = Lock(config, patience(), spool + ".lock")
    with lock:
        present = files.names(config)
        if spool + COUNTED in present:
            words = config.read(spool + COUNTED, 4096).decode("ascii", "replace").split()[:2]
            files.replace(config, spool + COUNTED, " ".join([*words, "\n"]).encode("ascii"), config)
        if spool + FIRSTS in present:
            said = [mark for mark in read_firsts(config, spool) if mark.endswith("!")]
            files.replace(config, spool + FIRSTS, " ".join(said).encode("ascii") + b"\n", config)
