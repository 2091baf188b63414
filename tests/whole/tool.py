"""A tool that records: `python -m tests.whole.tool FIRST COUNT [kill]` records the numbers FIRST to FIRST + COUNT - 1.

It prints each number whose record() returned True. With `kill` it dies by SIGKILL right after the last one, so nothing
that runs at the end of a process can have helped.
"""

import os
import signal
import sys

from shipper import App, Event, integer

telemetry = App(
    "counter",
    version="1.0",
    endpoint=os.environ.get("COUNTER_RECEIVER", "http://127.0.0.1:9"),
    policy="opt-in",
    events=[Event("counted", "One number, recorded once, to be delivered once.", number=integer(0, 10_000_000))],
)


def main(first: int, count: int, ending: str) -> None:
    for number in range(first, first + count):
        if telemetry.record("counted", number=number):
            # One write without a buffer: what was promised is known even when we die in the next instruction.
            os.write(1, b"%d\n" % number)
    if ending == "kill":
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
