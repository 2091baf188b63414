"""The invitation of an opt-in app: one question on a terminal, after a week of use, never twice.

A host loads this only when the question may be due. Nobody is kept waiting who is not a person at a terminal: in CI,
under an agent, in a home made for one run, in a pipe, in the background and where somebody has typed ahead nothing is
asked, and a question that nobody answers ends after ANSWER_SECONDS.
"""

import os
import select
import sys
from collections.abc import Mapping
from contextlib import suppress

from shipper import files
from shipper.choices import INVITED
from shipper.choices.notice import command
from shipper.choices.saving import save_choice
from shipper.errors import Busy
from shipper.recording.automation import one_run_home, signs
from shipper.recording.consent import BY_POLICY, read_choice, read_others
from shipper.recording.folder import Folder, open_config
from shipper.recording.line import format_time
from shipper.recording.lock import PATIENCE, Lock
from shipper.recording.modes import OFF, ON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper import App

#: Days from a person's first event to the question, where the author names no other: who is asked knows the program.
INVITE_DAYS = 7
#: Seconds for which the question waits. A script that drives a terminal is kept no longer, and only once in its life.
ANSWER_SECONDS = 30.0
#: Bytes of an answer that are read: one word.
ANSWER_BYTES = 256
#: Seconds of a day.
_DAY = 86400
#: By whom an answer is saved.
BY_INVITATION = "invitation"
_ANSWERS = {"y": ON, "yes": ON, "n": OFF, "no": OFF}


def ask_once(app: "App", environ: Mapping[str, str], now: int) -> str:
    """Ask whether events may be sent, if that is due, and save the answer: ON or OFF, "" where there is none.

    now is Unix milliseconds. That the question was asked is on the disk before it is shown, so that whatever ends this
    process, it is never asked again. Raises OSError where that cannot be written: then nobody is asked.
    """
    if not is_person(environ):
        return ""
    with suppress(FileNotFoundError, Busy), open_config(environ) as config:
        with Lock(config, PATIENCE, app.name + ".lock"):
            if not _is_due(app, environ, config, now):
                return ""
            _note(config, app.name, now, "no answer")
        answer = _ask(app)
        if answer:
            _save(app, environ, config, answer, now)
        return answer
    return ""


def is_person(environ: Mapping[str, str]) -> bool:
    """Say whether a person can be asked: at a terminal, in its foreground, who has typed nothing that is for others."""
    if signs(environ) != ("", "") or one_run_home(environ) or environ.get("TERM") == "dumb":
        return False
    try:
        import termios
    except ImportError:  # not on Windows: a console cannot be waited for with an end
        return False
    try:
        if not all(map(os.isatty, (0, 1, 2))) or os.tcgetpgrp(0) != os.getpgrp():
            return False
        flags = termios.tcgetattr(0)[3]
        return bool(flags & termios.ICANON and flags & termios.ECHO) and not select.select([0], [], [], 0)[0]
    except (OSError, termios.error):  # it is not the terminal of this session
        return False


def _is_due(app: "App", environ: Mapping[str, str], config: Folder, now: int) -> bool:
    if app.name + INVITED in files.names(config):
        return False
    if read_choice(config, app.name)[0] or app.decide(environ, config, read_others(app.name))[1] != BY_POLICY:
        return False
    age = now / 1000 - config.stat(app.name + ".id").st_mtime  # made with the person's first event
    return age >= (app.invite_after or INVITE_DAYS) * _DAY


def _note(config: Folder, app: str, now: int, answer: str) -> None:
    files.replace(config, app + INVITED, f"{format_time(now)} {answer}\n".encode("ascii"), config, sync=True)


def _ask(app: "App") -> str:
    """Show the question and read one line: ON, OFF, or "" for anything else, an end, an interrupt, or no answer in time."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # what the host makes of its streams is its own
            stream.flush()
    os.write(2, text(app).encode())
    try:
        given = select.select([0], [], [], ANSWER_SECONDS)[0]
        line = os.read(0, ANSWER_BYTES) if given else b""
    except KeyboardInterrupt:  # that was an answer to us, and the host's work is done
        line = b""
    answer = _ANSWERS.get(line.decode("ascii", "replace").strip().lower(), "")
    os.write(2, ("" if line else "\n").encode() + _reply(app, answer).encode())
    return answer


def _save(app: "App", environ: Mapping[str, str], config: Folder, answer: str, now: int) -> None:
    """Save the answer, unless the person has chosen elsewhere while the question stood here."""
    with Lock(config, PATIENCE, app.name + ".lock"):
        if app.decide(environ, config, read_others(app.name))[1] == BY_POLICY:
            save_choice(config, app.name, answer, BY_INVITATION, now)
        _note(config, app.name, now, "yes" if answer == ON else "no")


def text(app: "App") -> str:
    """Word the question: what is asked for, why, where to, and what each answer means."""
    reasons = "".join(f"  - {event.reason}\n" for event in app.events.values())
    about = f"  What and why:  {app.about}\n" if app.about else ""
    return (
        f"\nMay {app.name} send usage telemetry? Its authors would learn:\n{reasons}\n"
        f"It would go to {app.endpoint}, under a pseudonymous id. Until now nothing has left this machine,\n"
        f"and what was recorded here until now stays here.\n"
        f"  See it:        {command(app, 'show')}\n{about}\n"
        f"yes sends what is recorded from now on; no records nothing any more, and erases what was; anything else changes\n"
        f"nothing. You are asked this once. [yes/no] "
    )


def _reply(app: "App", answer: str) -> str:
    if answer == ON:
        return f"Thank you. To stop it: {command(app, 'off')}\n"
    if answer == OFF:
        return f"Nothing is recorded any more. If you change your mind: {command(app, 'on')}\n"
    return f"Nothing is sent. If you want it to be: {command(app, 'on')}\n"
