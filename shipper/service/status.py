"""How an installed service does, whatever runs it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """How the service does. `installed` is what runs it, "" for nothing; `current` says that its files are this version's.

    What a system knows nothing of is None.
    """

    installed: str
    current: bool
    active: str  #: the manager's own word, which begins with "active" where the service does its work
    process: int = 0
    memory: int = 0  #: bytes resident, 0 where nothing runs
    says: str = ""
    sandboxed: bool | None = None
    listening: bool | None = None
    lingers: bool | None = None
