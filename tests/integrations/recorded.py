"""What an instrumented sample program has recorded, read from its spool."""

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase

from shipper.reader import decode
from shipper.recording.folder import open_app, open_state


@dataclass(frozen=True)
class Told:
    """One event `command`; a `*` in `error` stands for anything, as the classes of typer moved between versions."""

    command: str
    outcome: str
    exit_code: int
    error: str
    options: tuple[str, ...]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Told):
            return NotImplemented
        mine = (self.command, self.outcome, self.exit_code, self.options)
        same = mine == (other.command, other.outcome, other.exit_code, other.options)
        return same and (fnmatchcase(self.error, other.error) or fnmatchcase(other.error, self.error))


def recorded(name: str = "sample") -> list[Told]:
    """Every command in the sample's active file, in order."""
    try:
        with open_state(os.environ) as state, open_app(state, name) as spool:
            lines = spool.read("active.ndjson", 1 << 20).splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        fields = decode(line)["fields"]
        options = tuple(name.lstrip("-") for name in fields if name.startswith("-"))
        assert fields["duration_ms"] >= 0
        assert not set(map(str, fields.values())) & {"a secret", "me", "words"}, "a value was recorded"
        found.append(Told(fields["command"], fields["outcome"], fields["exit_code"], fields.get("error", ""), options))
    return found
