"""Questions that an author declares about the app's own commands; only apps that declare some load this file.

    questions={
        "setup": {"from": "init", "to": "up", "reason": "A first project should take minutes."},
        "start": {"steps": ["init", "generate", "up"]},
    }

The same as TOML is `[questions.setup]` with `from = "init"` and `to = "up"`.
"""

from shipper.recording.names import valid_name
from shipper.recording.values import quote, wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Questions of one app, and steps of a funnel: more than a person reads.
MAX_QUESTIONS, MAX_STEPS = 20, 8


class DeclaredQuestion:
    """A pair of commands, "how long is it from one to the other", or a funnel, "how many come as far as each step"."""

    __slots__ = ("name", "pair", "reason", "steps")

    def __init__(self, name: "str", steps: "Sequence[str]", pair: "bool", reason: "str" = "") -> None:
        self.name, self.steps, self.pair, self.reason = name, tuple(steps), pair, reason


def read_questions(tables: "object") -> "tuple[DeclaredQuestion, ...]":
    """Read what `questions` says, a table by name. Raises DeclarationError."""
    if not isinstance(tables, dict) or len(tables) > MAX_QUESTIONS:
        wrong(f"questions are at most {MAX_QUESTIONS} tables, each by its name")
    return tuple([_question(name, table) for name, table in tables.items()])


def questions_json(questions: "Mapping[str, Mapping[str, object]]") -> "str":
    """Write declared questions as a JSON member after a comma, as the manifest holds them. Raises DeclarationError."""
    said = []
    for asked in read_questions(questions):
        steps = ",".join([f'"{step}"' for step in asked.steps])
        body = f'"from":"{asked.steps[0]}","to":"{asked.steps[1]}"' if asked.pair else f'"steps":[{steps}]'
        reason = f',"reason":{quote(asked.reason)}' if asked.reason else ""
        said.append(f'"{asked.name}":{{{body}{reason}}}')
    return f',"questions":{{{",".join(said)}}}'


def _question(name: "object", table: "object") -> "DeclaredQuestion":
    if not isinstance(name, str) or not valid_name(name) or not isinstance(table, dict):
        wrong(f"{name!r} cannot be a question: give a name and a table with from and to, or with steps")
    reason, steps, pair = table.get("reason", ""), table.get("steps"), "steps" not in table
    if set(table) - {"reason"} != ({"from", "to"} if pair else {"steps"}):
        wrong(f"the question {name} has from and to, or has steps, and may have a reason; nothing else")
    if pair:
        steps = [table["from"], table["to"]]
    if not isinstance(steps, (list, tuple)) or not 2 <= len(steps) <= MAX_STEPS:
        wrong(f"the steps of the question {name} are a list of 2 to {MAX_STEPS} commands")
    if not all(isinstance(step, str) and valid_name(step) for step in steps):
        wrong(f"the question {name} names a command that can be none: 1 to 64 of A-Z a-z 0-9 _ . : + / < > -")
    if not isinstance(reason, str) or not reason.isprintable():
        wrong(f"the reason of the question {name} is one line of text")
    return DeclaredQuestion(name, steps, pair, reason)
