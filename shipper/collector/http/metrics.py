"""What the receiver counts about itself, in Prometheus' text format. Nothing in it is about a sender or a person."""

from collections import Counter
from collections.abc import Iterator, Mapping


class Metrics:
    """Counts since the receiver started."""

    def __init__(self) -> None:
        self.replies: Counter[int] = Counter()
        self.events: Counter[str] = Counter()
        self.commits: Counter[str] = Counter()
        self.rows = 0
        self.seconds = 0.0

    def commit(self, result: str, rows: int, seconds: float) -> None:
        """Note a commit that was tried: "done" or "failed"."""
        self.commits[result] += 1
        self.seconds += seconds
        self.rows += rows if result == "done" else 0

    def render(self, waiting: int, reading: int, memory: int, folded: Mapping[str, int]) -> str:
        """Write everything out: rows that wait for their commit, bytes of bodies, bytes charged for batches."""
        return "\n".join([*self._lines(waiting, reading, memory, folded), ""])

    def _lines(self, waiting: int, reading: int, memory: int, folded: Mapping[str, int]) -> Iterator[str]:
        yield from _about("shipper_replies_total", "counter", "Replies, by HTTP status.")
        yield from (f'shipper_replies_total{{status="{key}"}} {count}' for key, count in sorted(self.replies.items()))
        yield from _about("shipper_events_total", "counter", "Events in acknowledged requests, by what became of them.")
        for result in ("accepted", "duplicate", "rejected", "deferred"):
            yield f'shipper_events_total{{result="{result}"}} {self.events[result]}'
        yield from _about("shipper_commits_total", "counter", "Groups written to the store.")
        yield from (f'shipper_commits_total{{result="{key}"}} {self.commits[key]}' for key in ("done", "failed"))
        yield from _about("shipper_commit_rows_total", "counter", "Rows in the groups that were written.")
        yield f"shipper_commit_rows_total {self.rows}"
        yield from _about("shipper_commit_seconds_total", "counter", "Seconds that writing took.")
        yield f"shipper_commit_seconds_total {self.seconds:.6f}"
        yield from _about("shipper_waiting_rows", "gauge", "Rows that wait for their commit.")
        yield f"shipper_waiting_rows {waiting}"
        yield from _about("shipper_reading_bytes", "gauge", "Bytes of request bodies held while they come in.")
        yield f"shipper_reading_bytes {reading}"
        yield from _about("shipper_charged_bytes", "gauge", "Bytes charged for batches until their commit.")
        yield f"shipper_charged_bytes {memory}"
        yield from _about("shipper_folded_total", "counter", "Values folded into other, by what was over its budget.")
        yield from (f'shipper_folded_total{{of="{key}"}} {count}' for key, count in sorted(folded.items()))


def _about(name: str, kind: str, words: str) -> tuple[str, str]:
    return f"# HELP {name} {words}", f"# TYPE {name} {kind}"
