"""Consent: what people have chosen, the one function that decides, and the pseudonymous id as it is read.

A choice is one file of one line, "<mode> <time> <by whom>", in the configuration folder: `<app>.mode` for an app,
`_all.mode` for every app. `<app>.notice` says for which policy date the notice was shown and when, `<app>.id` holds the
id. Everything that cannot be read means off.
"""

from shipper.recording.automation import in_ci
from shipper.recording.names import valid_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.recording.folder import Folder

    #: What the files say: the modes for this app and for all apps ("" none, or UNREADABLE), and for which policy date the
    #: notice was shown ("" not shown, "-" a policy without a date, or UNREADABLE). No class: to make one costs every host.
    Saved = tuple[str, str, str]
    #: What an app does until somebody chooses: its name; "opt-in" or "opt-out"; when the policy last changed ("YYYY-MM-DD"
    #: or ""), as a notice shown for an earlier one is due again; the mode in CI. An opt-in app never sends from CI: "on"
    #: counts as "local" there.
    Policy = tuple[str, str, str, str]

ON, LOCAL, OFF = "on", "local", "off"
#: The name that stands for every app.
ALL = "_all"
#: What read_choice() says of a file that is there and says nothing that we understand.
UNREADABLE = "unreadable"
#: Bytes of a file of ours in the configuration folder: one short line.
LINE_BYTES = 256

# Why a mode was decided: one for each rule, in their order. They are constants so that programs can compare them.
BY_FLAG = "this call said --no-telemetry"
BY_DO_NOT_TRACK = "DO_NOT_TRACK is set"
BY_VARIABLE_OFF = "the environment says off"
BY_VARIABLE_UNREADABLE = "the environment's value cannot be read, which means off"
BY_ALL_OFF = "switched off for all apps"
BY_APP_OFF = "switched off for this app"
BY_UNREADABLE = "a choice file cannot be read, which means off"
BY_UNREACHABLE = "the folder of the choices cannot be reached, which means off"
BY_VARIABLE = "the environment says so"
BY_APP = "chosen for this app"
BY_ALL = "chosen for all apps"
BY_CI = "the app's setting for CI"
BY_POLICY = "nobody has chosen yet: recorded here, sent nowhere"
NOTICE_DUE = "the notice has not been shown yet"
NOTICE_SHOWN = "the notice was shown and nobody objected"

#: The answers under which a pass empties the spool (S6): a person's lasting choice, not the state of an environment.
LASTING_OFF = (BY_ALL_OFF, BY_APP_OFF)

_NO = ("", "0", "false")


def decide(flag: "str | None", environment: "Mapping[str, str]", saved: "Saved", policy: "Policy") -> "tuple[str, str]":
    """Return the mode and the rule that decided it: the first rule that speaks wins.

    flag is "off" when this call said so, else None. Nothing but the arguments is looked at.
    """
    if flag == OFF:
        return OFF, BY_FLAG
    if environment.get("DO_NOT_TRACK", "").strip().lower() not in _NO:
        return OFF, BY_DO_NOT_TRACK
    app, kind, date, ci = policy
    wish = _wish(environment.get(variable(app), ""))
    if wish in (OFF, UNREADABLE):
        return OFF, BY_VARIABLE_OFF if wish == OFF else BY_VARIABLE_UNREADABLE
    mine, everywhere, notice = saved
    if OFF in (mine, everywhere):
        return OFF, BY_ALL_OFF if everywhere == OFF else BY_APP_OFF
    if UNREADABLE in saved:
        return OFF, BY_UNREADABLE
    if wish:
        return wish, BY_VARIABLE
    if mine or everywhere:
        return mine or everywhere, BY_APP if mine else BY_ALL
    opt_out = kind == "opt-out"
    if in_ci(environment):
        return ci if opt_out or ci != ON else LOCAL, BY_CI
    if not opt_out:
        return LOCAL, BY_POLICY
    # Dates are compared as text; "-" comes before every date.
    return (ON, NOTICE_SHOWN) if notice and notice >= date else (OFF, NOTICE_DUE)


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


def read_saved(config: "Folder | None", app: "str") -> "Saved":
    """Read what people have chosen. config is the open configuration folder, None where there is none yet."""
    mine, everywhere = read_choice(config, app)[0], read_choice(config, ALL)[0]
    # The notice counts only where nobody has chosen: one file less to read for everybody else.
    return mine, everywhere, "" if mine or everywhere else read_notice(config, app)


def read_line(config: "Folder | None", name: "str") -> "str | None":
    """Return the one line of a file, None when there is no file, and "" when it cannot be read."""
    try:
        data = config.read(name, LINE_BYTES) if config else None
    except FileNotFoundError:
        return None
    except OSError:
        return ""
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
