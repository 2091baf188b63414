"""Shapes of programs without a framework that we know: a decorated main function, and every way to end it."""

from tests.integrations.shape import LAST, Shape
from tests.integrations.test_same_with_and_without import told

ENDS = """
class Status(enum.IntEnum):
    LEFT = 3
class Odd(SystemExit): pass
@instrumented
def main():
    how = sys.argv[1]
    if how == "none": return None
    if how == "zero": return 0
    if how == "seven": return 7
    if how == "true": return True
    if how == "false": return False
    if how == "enum": return Status.LEFT
    if how == "text": return "farewell"
    if how == "large": return 2 ** 70
    if how == "wraps": return 256
    if how == "minus": return -1
    if how == "exit": sys.exit(5)
    if how == "raise": raise SystemExit(6)
    if how == "odd": raise Odd(4)
    if how == "exit text": sys.exit("farewell")
    if how == "exit none": sys.exit()
    if how == "bug": raise ValueError("a secret")
    if how == "interrupt": raise KeyboardInterrupt
    if how == "hard": os._exit(9)
    if how == "signal": os.kill(os.getpid(), signal.SIGTERM)
"""
CAUGHT = """
try: main()
except ValueError: sys.exit(4)
"""
STATUSES = (
    """
def main(): return int(sys.argv[1])
main = instrumented(main, ok=(0, 1), usage=(2,))
"""
    + LAST
)
OPTPARSE = (
    """
import optparse
@instrumented
def main():
    parser = optparse.OptionParser(version="1.0", prog="sample")
    parser.add_option("--name")
    options, words = parser.parse_args()
    print(options, words)
"""
    + LAST
)
WORDS = (
    """
@instrumented
def main(): print(sys.argv[1:])
"""
    + LAST
)

GIVEN = (
    OPTPARSE.replace("def main():", "def main(words, then=()):")
    .replace("parse_args()", "parse_args(words)")
    .replace("sys.exit(main())", "sys.exit(main(sys.argv[1:], then=tuple(sys.argv[1:])))")
)

SHAPES = [
    Shape("A0 main is given the command line", GIVEN, "--no-telemetry --name x y", [], "--name x y"),
    Shape("A0 main is given it and says on", GIVEN, "--telemetry=true --name x", [told("sample")], "--name x"),
    Shape("A3 any main", WORDS, "next build --no-telemetry", []),
    *[
        Shape(f"A7 {how}", ENDS + LAST, how, [told("sample", outcome, code, error)])
        for how, outcome, code, error in (
            ("none", "ok", 0, ""),
            ("zero", "ok", 0, ""),
            ("seven", "error", 7, ""),
            ("true", "error", 1, ""),
            ("false", "ok", 0, ""),
            ("enum", "error", 3, ""),
            ("text", "error", 1, ""),
            ("large", "error", 255, ""),
            ("wraps", "ok", 0, ""),
            ("minus", "error", 255, ""),
            ("exit", "error", 5, ""),
            ("raise", "error", 6, ""),
            ("odd", "error", 4, ""),
            ("bug", "error", 1, "ValueError"),
            ("interrupt", "interrupted", 130, ""),
        )
    ],
    Shape("A7 killed by itself", ENDS + LAST, "signal", []),
    Shape("A7 os._exit", ENDS + LAST, "hard", []),
    Shape("A7 thrown away", ENDS + "main()", "seven", [told("sample", "ok", None)]),
    Shape(
        "A7 caught",
        ENDS + CAUGHT,
        "bug",
        [told("sample", "error", None, "ValueError")],
    ),
    *[
        Shape(f"A11 {how}", STATUSES, how, [told("sample", outcome, int(how))])
        for how, outcome in (("0", "ok"), ("1", "ok"), ("2", "usage"), ("3", "error"))
    ],
    Shape("A11 2 by itself", STATUSES.replace(", ok=(0, 1), usage=(2,)", ""), "2", [told("sample", "error", 2)]),
    Shape("A8 main keeps the word", WORDS, "telemetry status", [told("sample")]),
    Shape("A9 optparse --help", OPTPARSE, "--help", []),
    Shape("A9 optparse -h", OPTPARSE, "-h", []),
    Shape("A9 optparse --version", OPTPARSE, "--version", []),
    Shape("A9 optparse", OPTPARSE, "--name x y", [told("sample")]),
    Shape("A9 optparse refuses", OPTPARSE, "--nonsense", [told("sample", "usage", 2)]),
]
