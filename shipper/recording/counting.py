"""What an installation notes of itself for the census, on disk. Loaded once a week, and once a week for each event."""

from shipper import files
from shipper.recording.census import fields_json, machine_here, note
from shipper.recording.consent import read_others
from shipper.recording.event import CENSUS
from shipper.recording.folder import spool_name
from shipper.recording.foreign import is_foreign
from shipper.recording.line import format_time
from shipper.recording.lock import Lock, patience, set_patience
from shipper.recording.spooling import spool_line
from shipper.recording.unlinked import read_counted, unlinked_line, week_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.recording.app import App
    from shipper.recording.folder import Folder

#: Ends the name of the file that says what was counted, beside the choices.
COUNTED = ".census"


def count(
    app: "App", environ: "Mapping[str, str]", config: "Folder", now: "int", event: "str", agent: "str", endpoint: "str",
    randomness: "bytes",
) -> None:  # fmt: skip
    """Note that an event is used in this week, and spool the census if it is due.

    `now` is Unix milliseconds, `randomness` sixteen bytes for the census's id. The week is noted before its census is
    spooled: whoever dies in between is not counted, and nobody twice. What the spool did not take is noted no more. Where
    nothing can be noted nothing is counted, and the next event tries again.
    """
    spool = spool_name(app.name, endpoint)
    lock = Lock(config, patience(), spool + ".lock")
    try:
        with lock:
            before, week = read_counted(config, spool), week_of(now)
            after, said = note(before, week, event)
            if after != before:
                _write(config, spool, after)
            if said is not None:
                fields = fields_json(said, machine_here(), agent, app.events)
                line = unlinked_line(
                    randomness, format_time(now)[:10], app.name, app.version, CENSUS, False, "", fields
                )
                kept = False
                try:
                    kept = spool_line(app, environ, config, read_others(app.name), now, line, endpoint)
                finally:
                    if not kept:
                        _write(config, spool, before)
    except OSError as error:
        if is_foreign(error):
            raise
        return  # the event itself is still to be recorded
    finally:
        set_patience(patience() - lock.waited)


def _write(config: "Folder", spool: "str", counted: "str") -> None:
    files.replace(config, spool + COUNTED, counted.encode("ascii"), config)
