"""A choice, as `shipper on`, `local` and `off` save it. consent.py reads it and decides."""

from contextlib import suppress

from shipper import files
from shipper.choices.identity import identities, retire
from shipper.choices.remembered import clear_app
from shipper.errors import Busy
from shipper.recording.consent import read_choice
from shipper.recording.folder import Folder
from shipper.recording.line import format_time
from shipper.recording.modes import ALL, OFF


def save_choice(config: Folder, name: str, mode: str, by: str, now: int) -> None:
    """Save a choice for an app or ALL, whole or not at all. now is Unix milliseconds, by says who chose, a short word.

    Whoever was off and is not any more gets a new id: the old one is put aside, since a person may still want what was
    sent under it to be deleted. Whoever says off has what was remembered for the census cleared, too.
    """
    if read_choice(config, name)[0] == OFF and mode != OFF:
        for spool in identities(config, "" if name == ALL else name):
            retire(config, spool)
    files.replace(config, name + ".mode", f"{mode} {format_time(now)} {by}\n".encode("ascii"), config, sync=True)
    if mode == OFF:
        with suppress(Busy):  # the choice holds; what an event under way still notes is cleared by the next one
            clear_app(config, "" if name == ALL else name)
