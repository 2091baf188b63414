"""The notice of an opt-out app: shown once, on a terminal, in a run that records nothing."""

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from shipper import files
from shipper.errors import Busy
from shipper.recording.automation import agent
from shipper.recording.consent import read_notice, variable
from shipper.recording.folder import Folder, open_config
from shipper.recording.line import format_time
from shipper.recording.lock import PATIENCE, Lock
from shipper.recording.modes import PSEUDONYMOUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper import App

#: What stands in the mark of a policy that has no date; it comes before every date.
UNDATED = "-"


def show_once(app: "App", environ: Mapping[str, str], now: int, stream: TextIO | None = None) -> bool:
    """Show the notice to whoever sits at a terminal, once for each policy date, and say whether this run is settled.

    now is Unix milliseconds; stream is stderr unless a test gives another. A settled run records nothing more: the
    notice was shown in it, or by another run while it began, or somebody held the lock. False: there is no terminal, so
    nobody has been told. Raises OSError where the mark cannot be made: then the notice is not shown either, or it would
    be shown for ever.
    """
    target = stream or sys.stderr
    if target is None or not target.isatty() or agent(environ):  # an agent's person is not the one who reads
        return False
    with open_config(environ, create=True) as config:
        try:
            with Lock(config, PATIENCE, app.name + ".lock"):
                if not was_shown(read_notice(config, app.name), app.policy_date):
                    _show(config, app, now, target)
        except Busy:
            pass  # another run is at it
    return True


def was_shown(mark: str, date: str) -> bool:
    """Say whether a mark, as read_notice() returns it, covers the policy of this date ("" for a policy without one)."""
    return mark != "" and mark >= date


def _show(config: Folder, app: "App", now: int, target: TextIO) -> None:
    # The mark is made before the notice and put in place after it: a kill in between shows the notice again, never not
    # at all, and a disk without room for the mark shows nothing.
    mark = f"{app.policy_date or UNDATED} {format_time(now)}\n".encode("ascii")
    temporary = f"{app.name}.notice.{os.urandom(8).hex()}"
    files.write(config, temporary, mark, sync=True)
    try:
        target.write(text(app))
        target.flush()
    except BaseException:
        files.remove(config, temporary)
        raise
    files.rename(config, temporary, config, app.name + ".notice")


def text(app: "App") -> str:
    """Word the notice: what, why, where to, how to see it, how to stop it, and the author's own words."""
    reasons = "".join(f"  - {event.reason}\n" for event in app.events.values())
    own = f"\n{app.notice.strip()}\n" if app.notice else ""
    under = "under a pseudonymous id" if app.identity == PSEUDONYMOUS else "without any id"
    about = f"  What and why:  {app.about}\n" if app.about else ""
    return (
        f"\n{app.name} sends usage telemetry, {under}, so that its authors learn:\n{reasons}{own}\n"
        f"Nothing was recorded in this run. Later runs send to {app.endpoint}\n"
        f"  See it:        {command(app, 'show')}\n"
        f"  Stop it:       {command(app, 'off')}  (or set {variable(app.name)}=off, or DO_NOT_TRACK=1)\n"
        f"{about}\n"
    )


def command(app: "App", action: str) -> str:
    """Write the command by which a person acts on this app: the program's own where it has one that can be run."""
    for program in app.programs:
        if program.offers():
            return f"{program.prog or program_name()} {program.group} {action}"
    return f"{shipper_command()} {action} {app.name}"


def program_name() -> "str":
    """The name under which this program is run: a script's, or `python -m package`."""
    package = getattr(sys.modules.get("__main__"), "__package__", None)
    name = os.path.basename(sys.argv[0])
    if not package or (os.name == "nt" and name.endswith(".exe")):
        return name
    module = os.path.splitext(name)[0]
    return f"python -m {package}" if module == "__main__" else f"python -m {package}.{module}"


def shipper_command() -> str:
    """Write how `shipper` is run here: by its name where that is on the PATH, else with the interpreter that has it."""
    for folder in os.get_exec_path():
        if os.access(os.path.join(folder, "shipper"), os.X_OK):
            return "shipper"
    return f"{sys.executable} -m shipper"
