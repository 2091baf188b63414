"""The modes by name, and where a machine's administrator says one."""

import sys

ON, LOCAL, OFF = "on", "local", "off"
#: The levels of identity: a random id for each person, or nothing by which two events belong together.
PSEUDONYMOUS, NONE = "pseudonymous", "none"
#: The name that stands for every app.
ALL = "_all"
#: What read_choice() says of a file that is there and says nothing that we understand.
UNREADABLE = "unreadable"

#: Where the administrator of a machine, or who packages an app for it, says what holds for everybody on it. Nothing that
#: an environment says moves it.
MACHINE = {"darwin": "/Library/Application Support/shipper", "win32": r"C:\ProgramData\shipper"}.get(
    sys.platform, "/etc/shipper"
)
