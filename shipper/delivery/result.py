"""What a pass came to, for whoever started it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass came to, in events. `delivered` includes the duplicates, which the receiver had already.

    `quarantined` were refused at `endpoint` and set aside, counted by the receiver's reason in `set_aside`. `deferred`
    wait because the receiver cannot take them yet, as `deferred_why` says. `left` is what still waits of what was there
    at the start, `why` says in one sentence for what; `forbidden` is the rule of consent that let nothing go. `deletions`
    are requests for erasure that still wait.
    """

    delivered: int = 0
    duplicate: int = 0
    quarantined: int = 0
    set_aside: Mapping[str, int] = field(default_factory=dict)
    deferred: int = 0
    deferred_why: str = ""
    endpoint: str = ""
    left: int = 0
    why: str = ""
    forbidden: str = ""
    deletions: int = 0
