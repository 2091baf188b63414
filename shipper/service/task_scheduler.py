"""Windows: a task of the person's own, by schtasks. NOT RUN BY US YET: written to its documented formats.

The daemon needs FIFOs, so nothing stays: a task runs `shipper flush` every quarter of an hour, hidden, at low
priority, on battery too, ended after five minutes.

Sources: schtasks (/Create /XML, /Query, /Delete) and the Task Scheduler schema 1.2, both of Microsoft's documentation.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from xml.etree import ElementTree

from shipper.recording.folder import open_config, open_state
from shipper.service.asking import Refusal, ask
from shipper.service.status import Status
from shipper.wakeup.spawn import interpreter

PROVEN = False
TASK = "event-shipper"
START = f"schtasks /Run /TN {TASK}"
NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
#: Between two looks, and the longest that one may take: ISO 8601, as the schema has it.
EVERY, LONGEST = "PT15M", "PT5M"
#: 7 is the priority of background work; 6 to 8 are below normal.
PRIORITY = "7"


def install(environ: Mapping[str, str], on_demand: bool) -> Iterator[str]:
    """Have the scheduler keep the task; `on_demand` changes nothing. Raises ShipperError."""
    del on_demand
    open_state(environ, create=True).close()
    open_config(environ, create=True).close()
    handle, path = tempfile.mkstemp(suffix=".xml")
    with os.fdopen(handle, "wb") as file:
        file.write(content())
    try:
        ask("schtasks", "/Create", "/F", "/TN", TASK, "/XML", path)
    finally:
        os.remove(path)
    yield f"Installed: the task {TASK}, every quarter of an hour."
    yield "We have not run this on Windows ourselves yet: please tell us how it does."


def content() -> bytes:
    """The task in the scheduler's own XML, which it wants in UTF-16."""
    command, *arguments = interpreter()
    quiet = os.path.join(os.path.dirname(command), "pythonw.exe")  # python.exe would open a window each time
    root = ElementTree.Element("Task", {"version": "1.2", "xmlns": NAMESPACE})
    _put(root, "RegistrationInfo", Description="Sends the usage events that command-line tools have recorded.")
    triggers = ElementTree.SubElement(root, "Triggers")
    trigger = _put(triggers, "TimeTrigger")
    _put(trigger, "Repetition", Interval=EVERY)
    ElementTree.SubElement(trigger, "StartBoundary").text = "2026-01-01T00:00:00"
    _put(_put(root, "Principals"), "Principal", LogonType="InteractiveToken", RunLevel="LeastPrivilege")
    _put(
        root,
        "Settings",
        MultipleInstancesPolicy="IgnoreNew",
        DisallowStartIfOnBatteries="false",
        StopIfGoingOnBatteries="false",
        StartWhenAvailable="true",
        Hidden="true",
        ExecutionTimeLimit=LONGEST,
        Priority=PRIORITY,
    )
    words = " ".join(f'"{word}"' if " " in word else word for word in [*arguments, "flush"])
    _put(_put(root, "Actions"), "Exec", Command=quiet if os.path.exists(quiet) else command, Arguments=words)
    written: bytes = ElementTree.tostring(root, encoding="utf-16")
    return written


def _put(parent: ElementTree.Element, name: str, **texts: str) -> ElementTree.Element:
    """Add an element with a child for each text, in their order, which the schema prescribes."""
    element = ElementTree.SubElement(parent, name)
    for child, text in texts.items():
        ElementTree.SubElement(element, child).text = text
    return element


def uninstall(environ: Mapping[str, str]) -> Iterator[str]:
    """Have the scheduler forget the task."""
    del environ
    with suppress(Refusal):
        ask("schtasks", "/Delete", "/F", "/TN", TASK)
        yield f"Removed: the task {TASK}. Your events and choices are untouched; each CLI starts its passes itself again."
        return
    yield "No service was installed."


def status(environ: Mapping[str, str]) -> Status:
    """Look whether the scheduler has the task, and whether it is this version's: the query gives its XML back."""
    del environ
    try:
        said = ask("schtasks", "/Query", "/TN", TASK, "/XML")
    except Refusal:
        return Status("", False, "inactive")
    return Status(TASK, os.path.dirname(interpreter()[-1]) in said and sys.prefix in said, "active (scheduled)")


def details(found: Status) -> list[str]:
    """The scheduler tells nothing more."""
    del found
    return []


def installed_file(environ: Mapping[str, str]) -> str:
    """There is no file: the scheduler keeps its tasks itself."""
    del environ
    return ""


def handing_over(name: str) -> str:
    """Say how a task learns of a variable: as a variable of the person's, at the next login."""
    return f"setx {name} %{name}%"
