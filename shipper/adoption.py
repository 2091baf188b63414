"""An id that an earlier telemetry made, taken over once, so that nobody is counted as two people."""

import json
import os

from shipper.event import valid_id

#: Bytes of the other program's file that are read: a configuration, not a database.
MAX_FILE = 1024 * 1024
#: Characters. Anything shorter is a flag or a counter, not a random id.
SHORTEST_ID = 8


def adopted_id(place: "str") -> "str":
    """Return the id that stands at place, "" when there is none that could be one.

    place is "FILE", whose whole text is the id, or "FILE#key", a JSON file and the key of the id, dotted when it lies
    deeper. `~` is the home. Names and addresses of people are no ids: what holds an "@" or a blank is not taken.
    """
    path, _, key = place.partition("#")
    try:
        with open(os.path.expanduser(path), "rb") as file:
            text = file.read(MAX_FILE).decode("utf-8")
        found = _at(json.loads(text), key) if key else text.strip()
    except (OSError, ValueError, RecursionError):
        return ""
    return found if isinstance(found, str) and len(found) >= SHORTEST_ID and valid_id(found) else ""


def _at(document: "object", key: "str") -> "object":
    if isinstance(document, dict) and key in document:
        return document[key]
    for part in key.split("."):
        document = document.get(part) if isinstance(document, dict) else None
    return document
