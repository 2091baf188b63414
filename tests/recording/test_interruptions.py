"""A signal handler that raises at any step of record(): nothing stays open or locked, and the exception is the host's."""

import ast
import builtins
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.fixtures.sample_app import sample

# The handler is called at step after step, as lines or as instructions of the interpreter. It prints how many steps there
# are, in how many the exception did not arrive, and what was left: descriptors, locks, events that cannot be read.
PROGRAM = textwrap.dedent(
    """
    import os, pathlib, signal, sys
    from shipper import App, Event, integer
    from shipper.reader import decode
    from shipper.recording import lock

    class Deadline({kind}): pass

    def handler(number, frame):
        raise Deadline("the host's own")

    signal.signal(signal.SIGUSR1, handler)
    app = App("demo", version="1.0", endpoint="http://127.0.0.1:9", events=[Event("tick", "Why.", number=integer(0, 9))])
    assert app.record("tick", number=1)
    step, at = 0, -1

    def trace(frame, event, argument):
        global step
        if "shipper" not in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = {opcodes}, not {opcodes}
        if event in ("line", "opcode"):
            step += 1
            if step == at:
                signal.raise_signal(signal.SIGUSR1)
        return trace

    def descriptors():
        return len(os.listdir("/proc/self/fd"))

    def once(number):
        global step, at
        step, at = 0, number
        sys.settrace(trace)
        try:
            app.record("tick", number=1)
        finally:
            sys.settrace(None)

    once(-1)
    steps, before, swallowed, left = step, descriptors(), [], []
    for number in range(1, steps + 1, {stride}):
        try:
            once(number)
            swallowed.append(number)
        except Deadline:
            pass
        if descriptors() != before:
            left.append(number)
            before = descriptors()
        lock.set_patience(0.0)
        assert app.record("tick", number=2), number
    overflow = list(pathlib.Path(os.environ["SHIPPER_HOME"]).rglob("overflow/*.ndjson"))
    for base, _, names in os.walk(os.environ["SHIPPER_HOME"]):
        for name in names:
            if name.endswith(".ndjson"):
                for line in open(os.path.join(base, name), "rb"):
                    decode(line)
    print(steps > 300, swallowed, left, overflow)
    """
)


@pytest.mark.parametrize(
    "kind", ["KeyboardInterrupt", "Exception", "TimeoutError", "FileNotFoundError", "BlockingIOError"]
)
@pytest.mark.parametrize(("opcodes", "stride"), [(False, 1), (True, 13)])
def test_an_exception_of_a_handler_at_any_step_leaves_nothing_and_reaches_the_host(
    kind: str, opcodes: bool, stride: int
) -> None:
    code = PROGRAM.format(kind=kind, opcodes=opcodes, stride=stride)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DEMO_TELEMETRY": "on"},
        capture_output=True,
        text=True,
        timeout=120,
    )

    if opcodes and done.stdout.startswith("False"):
        pytest.skip("this Python traces no single instructions")
    assert (done.stdout, done.stderr) == ("True [] [] []\n", "")


HANDLERS = """
import functools, os, signal
from shipper.recording.interruptions import raised_by_a_handler

class Alarm:
    def __call__(self, number, frame): raise TimeoutError
    def method(self, number, frame): raise TimeoutError

def function(number, frame, *more): raise TimeoutError

for handler in (function, functools.partial(function), Alarm(), Alarm().method):
    signal.signal(signal.SIGUSR1, handler)
    try:
        signal.raise_signal(signal.SIGUSR1)
    except TimeoutError as error:
        print(raised_by_a_handler(error))
"""


def test_a_handler_of_any_kind_is_known() -> None:
    done = subprocess.run([sys.executable, "-c", HANDLERS], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("True\n" * 4, "")


def catches(node: ast.ExceptHandler) -> bool:
    """Whether it may take an OSError of a handler for an answer of the disk."""
    kinds = {each.id for each in ast.walk(node.type) if isinstance(each, ast.Name)} if node.type else set()
    return any(issubclass(getattr(builtins, kind, int), OSError) for kind in kinds)


@pytest.mark.parametrize(
    "path",
    [
        path
        for folder in ("recording", "wakeup")
        for path in sorted((Path(__file__).parents[2] / "shipper" / folder).glob("*.py"))
        if path.name not in ("interruptions.py", "debug.py", "platforms.py", "windows.py")
    ],
    ids=lambda path: path.name,
)
def test_whoever_takes_an_error_for_the_disks_lets_the_hosts_go_on(path: Path) -> None:
    """D8: TimeoutError is an OSError, and what a deadline raises. What only a daemon or a pass calls has no host."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ExceptHandler) and catches(node):
            names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            again = isinstance(node.body[-1], ast.Raise)
            assert again or "is_foreign" in names or path.name in DAEMONS, f"{path}:{node.lineno}"


#: Functions for the daemon stand beside those for hosts here.
DAEMONS = ("doorbell.py",)


def test_a_value_that_raises_is_ours_to_bear_and_no_interruption() -> None:
    class Odd(str):
        def __eq__(self, other: object) -> bool:
            raise ArithmeticError

        __hash__ = str.__hash__

    assert not sample().record("command", command=Odd("up"))
