"""A sample of argparse: subparsers with aliases, nested ones, and every way to end."""

import argparse
import sys

from tests.integrations.programs.declared import instrumented

parser = argparse.ArgumentParser("sample", description="A sample.")
parser.add_argument("--verbose", "-v", action="store_true")
parser.add_argument("--version", action="version", version="1.0")
commands = parser.add_subparsers(dest="command", metavar="COMMAND")
init = commands.add_parser("init", aliases=["in"], help="begin")
init.add_argument("--force", action="store_true")
init.add_argument("words", nargs="*")
up = commands.add_parser("up", help="go up")
up.add_argument("--leaf", type=lambda text: dict[str, str]()[text])
up.add_argument("how", nargs="?", default="well")
db = commands.add_parser("db", help="the database")
below = db.add_subparsers(dest="below", required=True, metavar="COMMAND")
migrate = below.add_parser("migrate")
migrate.add_argument("--steps", type=int, required=True)


def main() -> int:
    args = parser.parse_args()
    print(sorted(vars(args).items()))
    how = getattr(args, "how", "")
    if how == "bug":
        raise ValueError("a secret")
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "words":
        sys.exit("farewell in words")
    if how == "error":
        parser.error("not like this")
    return 7 if how == "exit" else 0


instrumented(parser)
main = instrumented(main)

if __name__ == "__main__":
    sys.exit(main())
