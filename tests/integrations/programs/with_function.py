"""A sample without a framework: a decorated main function."""

import sys

from tests.integrations.programs.declared import instrumented


def main() -> int:
    """Do what the first word says."""
    how = sys.argv[1] if len(sys.argv) > 1 else "well"
    print(sys.argv[1:], main.__name__, main.__doc__)
    if how == "bug":
        raise ValueError("a secret")
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "words":
        sys.exit("farewell in words")
    return 7 if how == "exit" else 0


main = instrumented(main, group="telemetry")

if __name__ == "__main__":
    sys.exit(main())
