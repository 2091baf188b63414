"""How a command is called where its words are read: `shipper show APP`, or `APP telemetry show` within an instrumented CLI.

Whoever installed a CLI with pipx has no `shipper` on the PATH. So what a message says in backquotes is written once, as
shipper's own command, and turned here into one that its reader can run.
"""

import re
import sys
from collections.abc import Collection, Mapping

#: A command of shipper in a message.
_QUOTED = re.compile(r"`shipper ([^`]+)`")
#: What is meant for every app where no app is named: a program's own group chooses for itself alone.
_FOR_ALL = ("on", "local", "off")


class Host:
    """The program within which commands run: how it is called (`wunderctl telemetry`), its app, and what its group offers.

    `actions` holds each command of the group with the names of its flags.
    """

    def __init__(self, program: str, app: str, actions: Mapping[str, Collection[str]]) -> None:
        self.program, self.app, self.actions = program, app, actions

    def translate(self, text: str) -> str:
        """The text with every command in backquotes as this program's user can run it."""
        return _QUOTED.sub(lambda found: f"`{self._called(found[1])}`", text)

    def _called(self, words: str) -> str:
        action, *rest = words.split()
        named = [word for word in rest if word != self.app]
        offered = self.actions.get(action, ())
        for_all = action in _FOR_ALL and self.app not in rest
        if action not in self.actions or for_all or any(word.removeprefix("--") not in offered for word in named):
            return f"{sys.executable} -m shipper {words}"
        return " ".join([self.program, action, *named])


class _Current:
    """The host within which this process's command runs, if any."""

    host: Host | None = None


def within(host: "Host | None") -> None:
    """Say for the rest of this process within which program its commands run."""
    _Current.host = host


def as_called(text: str) -> str:
    """The text as its reader must read it."""
    return text if _Current.host is None or "`shipper " not in text else _Current.host.translate(text)
