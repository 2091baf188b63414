"""Asking a person once whether an app's events may be sent, and doing what was answered."""

import atexit
import os
import time

from shipper.choices import INVITED
from shipper.integrations.failures import quietly
from shipper.recording.consent import BY_POLICY
from shipper.recording.folder import home_path
from shipper.recording.foreign import is_foreign
from shipper.recording.modes import OFF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper import App

_DAY = 86400


def invite_at_exit(app: "App") -> None:
    """Ask as this process ends, if that is due then and a command of an instrumented program has ended well."""
    atexit.register(_at_exit, app, os.getpid())


def _at_exit(app: "App", process: int) -> None:
    well = any(program.last_outcome in ("ok", None) for program in app.programs)
    if well and os.getpid() == process and quietly(_may_be_due, app):
        invite(app)


def _may_be_due(app: "App") -> bool:
    """Say whether there is a reason to load the question: hardly ever in a person's life."""
    path = os.path.join(home_path(os.environ, "config"), app.name)
    due = os.stat(path + ".id").st_mtime + app.invite_after * _DAY
    return time.time() >= due and not os.access(path + INVITED, os.F_OK) and app.mode()[1] == BY_POLICY


def invite(app: "App") -> str:
    """Ask where that is due, and return the answer, "on", "off" or "". Never raises an Exception, like record()."""
    try:
        from shipper.choices.invitation import ask_once

        answer = ask_once(app, os.environ, time.time_ns() // 1_000_000)
        if answer == OFF:
            from shipper.spool.erasing import erase

            erase(os.environ, app.name)
        return answer
    except Exception as error:
        if is_foreign(error):
            raise  # a signal handler of the host's spoke while the question stood
        return ""
