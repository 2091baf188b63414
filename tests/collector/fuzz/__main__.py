"""See the package."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.collector.fuzz.run import OPTIONS, fuzz


def main() -> int:
    """Run one round after the other, with a seed each, and print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.collector.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0, help="in all, default an hour")
    parser.add_argument("--round", type=float, default=300.0, help="seconds of one receiver, default 300")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    wrong = 0
    for number in range(max(1, round(args.seconds / args.round))):
        options = OPTIONS[number % len(OPTIONS)]
        with tempfile.TemporaryDirectory() as folder:
            watched = fuzz(Path(folder) / "data", args.seed + number, options, 0, min(args.round, args.seconds))
        print(f"seed {args.seed + number}, {' '.join(options) or 'no options'}: {watched}", flush=True)
        for each in watched.wrong[:20]:
            print(f"  WRONG: {each}", flush=True)
        wrong += len(watched.wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
