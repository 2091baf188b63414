"""Shapes of programs on argparse: where the parser is made, how it parses, how the program ends."""

from tests.integrations.shape import LAST, Shape
from tests.integrations.test_same_with_and_without import told

PARSER = """
def make_parser(cls=argparse.ArgumentParser):
    parser = cls("sample")
    parser.add_argument("--name")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("init", aliases=["in"])
    up = commands.add_parser("up")
    up.add_argument("words", nargs="*")
    return parser
"""
IN_MAIN = (
    PARSER
    + """
@instrumented
def main():
    args = instrumented(make_parser()).parse_args()
    print(args)
"""
    + LAST
)
INTERMIXED = (
    """
parser = instrumented(argparse.ArgumentParser("sample"))
parser.add_argument("--name")
parser.add_argument("words", nargs="*")
@instrumented
def main():
    print(parser.parse_intermixed_args())
"""
    + LAST
)
TWO_PHASES = (
    """
parser = instrumented(argparse.ArgumentParser("sample"))
parser.add_argument("--name")
@instrumented
def main():
    args, rest = parser.parse_known_args()
    parser.add_argument("word")
    print(parser.parse_args(rest, args))
"""
    + LAST
)
ASYNC = (
    PARSER
    + """
@instrumented
async def main():
    args = instrumented(make_parser()).parse_args()
    await asyncio.sleep(0)
    print(args)
if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
"""
)
HTTPIE = (
    """
class Parser(argparse.ArgumentParser):
    def parse_args(self, args=None, namespace=None):
        found, rest = super().parse_known_args(args, namespace)
        if rest: self.error("unrecognized " + " ".join(rest))
        return found
parser = instrumented(Parser("sample"))
parser.add_argument("url", nargs="?")
parser.add_argument("--name")
@instrumented
def main(): print(parser.parse_args())
"""
    + LAST
)
ALONE = (
    PARSER
    + """
def main():
    args = instrumented(make_parser()).parse_args()
    print(args)
    if args.command == "up": raise SystemExit(4)
    return 5
"""
    + LAST
)
MANY = """
import contextlib, io
parser = instrumented(argparse.ArgumentParser("sample"))
commands = parser.add_subparsers(dest="command")
commands.add_parser("init"); commands.add_parser("up")
@instrumented
def main(words=None):
    args = parser.parse_args(words)
    sys.exit(5 if args.command == "up" else 0)
for number in range(1100):
    with contextlib.suppress(SystemExit): main(["up" if number % 2 else "init"])
def bare_exit(): sys.exit(5)
bare_exit()
"""
TWO_PARSERS = (
    PARSER
    + """
first = instrumented(argparse.ArgumentParser("sample", add_help=False))
first.add_argument("--name")
@instrumented
def main():
    first.parse_known_args()
    print(instrumented(make_parser()).parse_args())
"""
    + LAST
)
LAZY_SUBPARSERS = (
    """
class Lazy(argparse._SubParsersAction):
    def __call__(self, parser, namespace, values, option_string=None):
        below = self._name_parser_map[values[0]] = argparse.ArgumentParser("sample db")
        below.add_subparsers(dest="below").add_parser("migrate")
        super().__call__(parser, namespace, values, option_string)
parser = instrumented(argparse.ArgumentParser("sample"))
commands = parser.add_subparsers(action=Lazy, dest="command")
commands.add_parser("db")
@instrumented
def main():
    commands.add_parser("up")
    print(parser.parse_args())
"""
    + LAST
)
DISPATCH = (
    """
@instrumented
def main():
    parser = argparse.ArgumentParser("sample")
    parser.add_argument("command", choices=["init", "up"])
    parser.add_argument("args", nargs=argparse.REMAINDER)
    args = instrumented(parser).parse_args()
    name_command(args.command)
    print(args)
"""
    + LAST
)
WRAPPER = (
    """
parser = instrumented(argparse.ArgumentParser("sample"))
commands = parser.add_subparsers(dest="command")
commands.add_parser("run").add_argument("words", nargs=argparse.REMAINDER)
@instrumented
def main(): print(parser.parse_args().words)
"""
    + LAST
)
CATCHES = (
    PARSER
    + """
@instrumented
def main():
    parser = instrumented(make_parser())
    try: parser.parse_args()
    except SystemExit as error:
        if error.code: parser.exit(2, "more words")
        raise
"""
    + LAST
)
EXPLICIT = (
    PARSER
    + """
@instrumented
def main(): print(instrumented(make_parser()).parse_args(sys.argv[1].split(":")))
"""
    + LAST
)
TWICE = IN_MAIN.replace("    sys.exit(main())", "    main(); sys.exit(main())")
BARE = ("@instrumented\n", "")

SHAPES = [
    Shape("A6 a parser alone", HTTPIE.replace(*BARE), "url --name x", [told("sample", None, None)]),
    Shape("A6 its flag", HTTPIE.replace(*BARE), "url --no-telemetry", [], "url"),
    Shape("A12 a thousand parses of a parser alone", MANY.replace(*BARE), "", [told("up", None, None)]),
    Shape("A13 two parsers alone", TWO_PARSERS.replace(*BARE), "init", [told("init", None, None)]),
    Shape("A11 ansible's exit after its parser's", CATCHES, "nonsense", [told("sample", "usage", 2)]),
    Shape("A9 ansible's help", CATCHES, "--help", []),
    *[
        Shape(
            f"A0 {name}",
            program,
            typed,
            [],
            typed.replace(" --no-telemetry", "").replace("--no-telemetry ", "").replace(":--no-telemetry", ""),
        )
        for name, program, lines in (
            (
                "decorated main and parser",
                IN_MAIN,
                ("--no-telemetry init", "init --no-telemetry", "up a --no-telemetry"),
            ),
            ("intermixed", INTERMIXED, ("a --no-telemetry b", "--no-telemetry a")),
            ("two phases", TWO_PHASES, ("--name x --no-telemetry word", "word --no-telemetry")),
            ("async main", ASYNC, ("--no-telemetry init", "init --no-telemetry")),
            ("httpie's", HTTPIE, ("--name x --no-telemetry", "url --no-telemetry")),
            ("words that the program made", EXPLICIT, ("init:--no-telemetry",)),
            ("main called twice", TWICE, ("--no-telemetry init", "init --no-telemetry")),
            ("dispatch", DISPATCH, ("--no-telemetry init a",)),
        )
        for typed in lines
    ],
    Shape("A0 async main measures", ASYNC, "init", [told("init")]),
    Shape("A3 REMAINDER", WRAPPER, "run next build --no-telemetry", []),
    Shape("A3 behind --", WRAPPER, "run -- next --no-telemetry", [told("run")]),
    Shape("A4 parser in main", IN_MAIN.replace("print(args)", "return 5"), "init", [told("init", "error", 5)]),
    Shape("A4 a parser alone knows no end", ALONE, "init", [told("init", None, None)]),
    Shape(
        "A5 raise SystemExit in main",
        IN_MAIN.replace("print(args)", "raise SystemExit(4)"),
        "up",
        [told("up", "error", 4)],
    ),
    Shape("A5 a parser alone", ALONE, "up", [told("up", None, None)]),
    Shape("A5 a parser alone knows its own refusal", ALONE, "nonsense", [told("sample", "usage", 2)]),
    Shape("A5 a parser alone and help", ALONE, "up --help", []),
    Shape("A6 super().parse_known_args()", HTTPIE, "url --name x", [told("sample")]),
    Shape("A6 its refusal", HTTPIE, "url and more", [told("sample", "usage", 2)]),
    Shape(
        "A12 a thousand mains",
        MANY,
        "",
        [told("init"), told("up", "error", 5)] * 550,
    ),
    Shape("A13 two parsers", TWO_PARSERS, "init", [told("init")]),
    Shape("A13 lazy subparsers", LAZY_SUBPARSERS, "db migrate", [told("db.migrate")]),
    Shape("twine's dispatch", DISPATCH, "up --fast x", [told("up")]),
]
