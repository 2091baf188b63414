"""Consent: what people have chosen, the one function that decides, and the pseudonymous id as it is read.

A choice is one file of one line, "<mode> <time> <by whom>", in the configuration folder: `<app>.mode` for an app,
`_all.mode` for every app. `<app>.notice` says for which policy date the notice was shown and when, `<app>.id` holds the
id. Everything that cannot be read means off.
"""

import os

from shipper.recording.automation import in_ci, one_run_home
from shipper.recording.foreign import is_foreign
from shipper.recording.modes import ALL, LOCAL, MACHINE, OFF, ON, UNREADABLE
from shipper.recording.names import valid_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.recording.folder import Folder

    #: What machine and repository say: the modes of the machine's administrator and of the repository ("" none, LOCAL, OFF,
    #: UNREADABLE).
    Others = tuple[str, str]
    #: What all files say: the modes for this app and for all apps ("" none, or UNREADABLE); for which policy date the
    #: notice was shown ("" not shown, "-" a policy without a date, or UNREADABLE); then Others. No class: to make one costs
    #: every host.
    Saved = tuple[str, str, str, str, str]
    #: What an app does until somebody chooses: its name; "opt-in" or "opt-out"; when the policy last changed ("YYYY-MM-DD"
    #: or ""), as a notice shown for an earlier one is due again; the mode in CI. An opt-in app never sends from CI: "on"
    #: counts as "local" there.
    Policy = tuple[str, str, str, str]

#: Bytes of a file of ours in the configuration folder: one short line.
LINE_BYTES = 256

#: The file in which a repository says what holds for who works in it.
REPOSITORY = ".shipper"

# Why a mode was decided: one for each rule, in their order. They are constants so that programs can compare them.
BY_FLAG = "this call said --no-telemetry"
BY_DO_NOT_TRACK = "DO_NOT_TRACK is set"
BY_VARIABLE_OFF = "the environment says off"
BY_VARIABLE_UNREADABLE = "the environment's value cannot be read, which means off"
BY_ALL_OFF = "switched off for all apps"
BY_APP_OFF = "switched off for this app"
BY_MACHINE_OFF = f"switched off for this machine, in {MACHINE}"
BY_MACHINE_UNREADABLE = f"the policy in {MACHINE} cannot be read, which means off"
BY_UNREADABLE = "a choice file cannot be read, which means off"
BY_UNREACHABLE = "the folder of the choices cannot be reached, which means off"
BY_REPOSITORY_OFF = f"switched off for this folder, by {REPOSITORY}"
BY_APP = "chosen for this app"
BY_ALL = "chosen for all apps"
BY_VARIABLE = "the environment says so"
BY_MACHINE = f"kept here on this machine, by {MACHINE}"
BY_REPOSITORY = f"kept here in this folder, by {REPOSITORY}"
BY_CI = "the app's setting for CI"
BY_POLICY = "nobody has chosen yet: recorded here, sent nowhere"
BY_ONE_RUN = "nobody has chosen in this home, which was made for one run"
NOTICE_DUE = "the notice has not been shown yet"
NOTICE_SHOWN = "the notice was shown and nobody objected"

#: The answers under which a pass empties the spool (S6): a person's lasting choice, not the state of an environment.
LASTING_OFF = (BY_ALL_OFF, BY_APP_OFF)

#: The answers that an environment gave: what waits is held back then, until the person chooses.
ENVIRONMENT_OFF = (BY_DO_NOT_TRACK, BY_VARIABLE_OFF, BY_VARIABLE_UNREADABLE)

_NO = ("", "0", "false")


def decide(flag: "str | None", environment: "Mapping[str, str]", saved: "Saved", policy: "Policy") -> "tuple[str, str]":
    """Return the mode and the rule that decided it: the first rule that speaks wins.

    flag is "off" when this call said so, else None. Nothing but the arguments is looked at.
    """
    app, _, _, _ = policy
    wish = _wish(environment.get(variable(app), ""))
    off = _forbidden(flag, environment.get("DO_NOT_TRACK", ""), wish, saved)
    if off:
        return OFF, off
    mine, everywhere, notice, machine, repository = saved
    # The environment, the machine and the repository lower what a person chose: none of them raises it.
    chosen = mine or everywhere
    if LOCAL in (chosen, wish):
        return LOCAL, BY_VARIABLE if chosen != LOCAL else BY_APP if mine else BY_ALL
    lower = BY_MACHINE if machine else BY_REPOSITORY if repository else ""
    if chosen or wish:
        return (LOCAL, lower) if lower else (ON, BY_APP if mine else BY_ALL if everywhere else BY_VARIABLE)
    return _undecided(in_ci(environment) != "", notice, lower, policy)


def _forbidden(flag: "str | None", track: "str", wish: "str", saved: "Saved") -> "str":
    """Return the rule that says off, or ""."""
    mine, everywhere, notice, machine, repository = saved
    if flag == OFF:
        return BY_FLAG
    if track.strip().lower() not in _NO:
        return BY_DO_NOT_TRACK
    if wish in (OFF, UNREADABLE):
        return BY_VARIABLE_OFF if wish == OFF else BY_VARIABLE_UNREADABLE
    if OFF in (mine, everywhere):
        return BY_ALL_OFF if everywhere == OFF else BY_APP_OFF
    if machine in (OFF, UNREADABLE):
        return BY_MACHINE_OFF if machine == OFF else BY_MACHINE_UNREADABLE
    if UNREADABLE in (mine, everywhere, notice):
        return BY_UNREADABLE
    return BY_REPOSITORY_OFF if repository in (OFF, UNREADABLE) else ""


def _undecided(ci: "bool", notice: "str", lower: "str", policy: "Policy") -> "tuple[str, str]":
    """Decide where nobody has chosen, by what the app declares; `lower` is the rule of who keeps everything here."""
    _, default, date, ci_mode = policy
    opt_out = default == "opt-out"
    if ci:
        if ci_mode == ON and (lower or not opt_out):
            return LOCAL, lower or BY_CI
        return ci_mode, BY_CI
    if lower or not opt_out:
        return LOCAL, lower or BY_POLICY
    # Dates are compared as text; "-" comes before every date.
    return (ON, NOTICE_SHOWN) if notice and notice >= date else (OFF, NOTICE_DUE)


def decide_here(
    flag: "str | None", environment: "Mapping[str, str]", config: "Folder | None", policy: "Policy", others: "Others"
) -> "tuple[str, str]":
    """Read what people have chosen, and decide. config is the open configuration folder, None where there is none yet."""
    mode, why = decide(flag, environment, (*read_choices(config, policy[0]), *others), policy)
    if why in (NOTICE_DUE, NOTICE_SHOWN) and one_run_home(environment):
        return OFF, BY_ONE_RUN  # each container would show the notice again, to nobody who could remember it
    return mode, why


def variable(app: "str") -> "str":
    """The name of an app's variable: WUNDERCTL_TELEMETRY for wunderctl."""
    return app.upper().replace("-", "_") + "_TELEMETRY"


def _wish(text: "str") -> "str":
    word = text.strip().lower()
    if word in ("", LOCAL):
        return word
    return ON if word in ("1", "on", "true", "yes") else OFF if word in ("0", "off", "false", "no") else UNREADABLE


def read_choice(config: "Folder | None", name: "str") -> "tuple[str, str, str]":
    """Read the choice for an app or ALL: mode, time, by whom; the mode is "" when nobody chose, or UNREADABLE."""
    line = read_line(config, name + ".mode")
    if line is None:
        return "", "", ""
    words = [*line.split(" ", 2), "", ""]
    return (words[0] if words[0] in (ON, LOCAL, OFF) else UNREADABLE), words[1], words[2]


def read_notice(config: "Folder | None", app: "str") -> "str":
    """Read for which policy date the notice was shown: "" not yet, "-" for a policy without a date, or UNREADABLE."""
    line = read_line(config, app + ".notice")
    return "" if line is None else line.partition(" ")[0] or UNREADABLE


def read_consent_date(config: "Folder | None", app: "str", why: "str") -> "str":
    """Return the day ("YYYY-MM-DD") of the choice or notice that decided, as decide() names it in `why`.

    What is declared with a later `since` is not covered by it. "~", which no day exceeds, where nobody's choice decided.
    """
    if why == NOTICE_SHOWN:
        return (read_line(config, app + ".notice") or "").partition(" ")[2][:10]
    if why in (BY_APP, BY_ALL):
        return read_choice(config, app if why == BY_APP else ALL)[1][:10]
    return "~"


def read_choices(config: "Folder | None", app: "str") -> "tuple[str, str, str]":
    """Read what people have chosen, and whether the notice was shown. config is None where there is no folder yet."""
    mine, everywhere = read_choice(config, app)[0], read_choice(config, ALL)[0]
    # The notice counts only where nobody has chosen: one file less to read for everybody else.
    notice = "" if mine or everywhere else read_notice(config, app)
    return mine, everywhere, notice


def read_others(app: "str") -> "Others":
    """Read what machine and repository say."""
    return read_machine(app), read_repository(app)


def read_machine(app: "str") -> "str":
    """Return what the machine's folder says for an app: "", LOCAL, OFF or UNREADABLE."""
    if not os.access(MACHINE, os.F_OK):  # one look, and no exception: hardly any machine has it
        return ""
    from shipper.recording.machine import machine_mode

    return machine_mode(app)


def read_machine_endpoint(app: "str") -> "str":
    """Return the receiver that the machine's folder names for an app, or ""."""
    if not os.access(MACHINE, os.F_OK):
        return ""
    from shipper.recording.machine import machine_endpoint

    return machine_endpoint(app)


def read_repository(app: "str") -> "str":
    """Return the lowest that the `.shipper` of the working folder and of those above it say for an app."""
    found = ""
    for path in repository_files():
        from shipper.recording.machine import repository_mode

        said = repository_mode(app, path)
        if said and found in ("", LOCAL):
            found = said
    return found


def repository_files() -> "list[str]":
    """The `.shipper` of the working folder and of those above it, as far as there are some."""
    try:
        folder = os.getcwd()
    except OSError as error:  # it was removed
        if is_foreign(error):
            raise
        return []
    found = []
    while folder:
        if os.access(f"{folder}/{REPOSITORY}", os.F_OK):
            found.append(f"{folder}/{REPOSITORY}")
        folder = folder.rpartition(os.sep)[0]
    return found


def read_line(config: "Folder | None", name: "str") -> "str | None":
    """Return the one line of a file, None when there is no file, and "" when it cannot be read."""
    try:
        data = config.read(name, LINE_BYTES) if config else None
    except OSError as error:
        if is_foreign(error):
            raise
        return None if isinstance(error, FileNotFoundError) else ""
    if data is None:
        return None
    text = data.decode("ascii", "replace")
    line = text[:-1] if text.endswith("\n") else text
    return line if line.isprintable() and "\ufffd" not in line else ""


def read_identity(config: "Folder | None", app: "str") -> "str":
    """Return the id as it stands on disk, "" when there is none. Raises OSError when it cannot be read.

    An empty file or one of NULs is none: it is not synced when it is made, and a power cut leaves it like that.
    """
    line = read_line(config, app + ".id")
    if config and line is not None and not valid_id(line):
        if not config.read(app + ".id", LINE_BYTES).strip(b"\0"):
            return ""
        import errno

        raise OSError(errno.EINVAL, "the id cannot be read", app + ".id")
    return line or ""
