"""What a pass came to, for whoever started it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass came to, in events. `delivered` includes the duplicates, which the receiver had already.

    `left` is what still waits of what was there at the start, `why` says in one sentence for what; `forbidden` is the
    rule of consent that let nothing go. `deletions` are requests for erasure that still wait.
    """

    delivered: int = 0
    duplicate: int = 0
    quarantined: int = 0
    left: int = 0
    why: str = ""
    forbidden: str = ""
    deletions: int = 0
