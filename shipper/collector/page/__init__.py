"""The page at `/`: the answers on one screen. It works without a network, and without a script.

The server draws everything, charts included, so there is nothing that a browser would have to run or fetch but the
style sheet beside this file; and the same drawing makes the report that is one file.
"""

import os

#: The page's own files and their types.
FILES = {"page.css": "text/css", "page.svg": "image/svg+xml"}


def read_file(name: str) -> str:
    """One of FILES."""
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()
