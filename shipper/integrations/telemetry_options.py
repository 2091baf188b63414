"""Our own words on a command line: `--no-telemetry` and `--telemetry=true|false`.

We read the whole command line up to `--` before the host parses it: whoever writes one of these words is not recorded,
whatever the host makes of it. We remove a word only where the host's parser would accept an option of the program itself;
a word that the host passes on to another program stays where it is.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OPTION, NEGATIVE = "--telemetry", "--no-telemetry"
_YES = ("true", "1", "on", "yes")


def is_ours(word: "str") -> "bool":
    """Say whether a word is one of ours."""
    return word == NEGATIVE or word.startswith(OPTION + "=")


def says_off(arguments: "Iterable[str]") -> "bool":
    """Say whether one of our words before `--` says off; a value that cannot be read means off."""
    for word in arguments:
        if word == "--":
            break
        if word == NEGATIVE or (is_ours(word) and word.partition("=")[2].lower() not in _YES):
            return True
    return False


def take_leading(arguments: "Sequence[str]") -> "list[str]":
    """Return the arguments without those of our words that stand before the first word that is no option.

    They are the program's whatever its grammar is: nothing can have begun there that is passed on.
    """
    kept = list(arguments)
    for place, word in enumerate(arguments):
        if word == "--" or not word.startswith("-"):
            return [word for word in kept[:place] if not is_ours(word)] + kept[place:]
    return [word for word in kept if not is_ours(word)]


def take_all(arguments: "Sequence[str]") -> "list[str]":
    """Return the arguments of our own group without our words."""
    return [word for word in arguments if not is_ours(word)]
