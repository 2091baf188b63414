"""`make strangers`: real CLIs from PyPI, run without shipper and with it, and the table of what came of it.

    python -m tests.strangers [NAME ...] [--no-tests]

Exit code 1 when a test of theirs that passed without shipper does not pass with it, when an invocation differs by one byte
that is not ours by name, or when what was recorded is not what happened.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.strangers import on_click, on_parsers
from tests.strangers.comparison import compare
from tests.strangers.stranger import Stranger
from tests.strangers.suites import fetch, own_tests
from tests.strangers.workshop import Workshop

STRANGERS = (*on_click.STRANGERS, *on_parsers.STRANGERS)
TEST_PACKAGES = ("pytest<9", "hypothesis")  # flask imports a name of pytest that 9 has not any more


def main() -> int:
    """Build the workshop, run everything, print the table."""
    parser = argparse.ArgumentParser(description="Real CLIs from PyPI, without shipper and with it.")
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--no-tests", action="store_true", help="leave their own tests out")
    args = parser.parse_args()
    chosen = [each for each in STRANGERS if not args.names or each.name in args.names]
    with tempfile.TemporaryDirectory(prefix="strangers-") as folder:
        workshop = Workshop(Path(folder), chosen)
        extra = [] if args.no_tests else [*TEST_PACKAGES, *(name for each in chosen for name in each.extra)]
        why = workshop.build(*extra)
        if why:
            print(why)
            return 2
        print("| CLI | framework | own tests without | with | invocations right |\n|---|---|---|---|---|")
        wrong = [line for each in chosen for line in one(workshop, each, not args.no_tests)]
    for line in wrong:
        print(line, file=sys.stderr)
    return int(bool(wrong))


def one(workshop: Workshop, stranger: Stranger, with_tests: bool) -> list[str]:
    """Run one stranger, print its row, and return what is wrong."""
    wrong: list[str] = []
    right = 0
    for call, found in compare(workshop, stranger):
        right += not found
        wrong += [f"{stranger.name} {call.typed}: {each}" for each in found]
    cells = ["-", "-"]
    source = fetch(workshop, stranger) if with_tests and stranger.tests else None
    if source is not None:
        without, with_shipper = (own_tests(workshop, stranger, source, bare) for bare in (True, False))
        cells = [passed(without), passed(with_shipper)]
        lost = [name for name, outcome in without.items() if outcome == "PASSED" != with_shipper.get(name)]
        wrong += [f"{stranger.name}: {name} passes only without shipper" for name in lost]
    print(
        f"| {stranger.package} | {stranger.framework} | {cells[0]} | {cells[1]} | {right} of {len(stranger.calls)} |",
        flush=True,
    )
    return wrong


def passed(outcomes: dict[str, str]) -> str:
    """How many tests passed, of all."""
    return f"{sum(outcome == 'PASSED' for outcome in outcomes.values())} of {len(outcomes)}"


if __name__ == "__main__":
    sys.exit(main())
