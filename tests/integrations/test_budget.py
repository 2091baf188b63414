"""What recording may load: of ours the modules of the recording path, of the library next to nothing.

Times are `make bench`'s; here stands what decides them and never flickers: which modules a process has loaded.
"""

import os
import subprocess
import sys

import pytest

import shipper.recording.app
from tests.integrations.test_same_with_and_without import PROGRAMS, ROOT, on

__all__ = ["on"]

#: The files of the recording path, which the wheel fuses into one.
RECORDING = (
    "active", "app", "automation", "command", "consent", "due", "environment", "event", "folder", "foreign", "line", "lock",
    "manifest",
    "modes", "names", "settings", "spooling", "values",
)  # fmt: skip
SOURCES = {f"shipper.recording.{name}" for name in RECORDING} | {"shipper", "shipper.recording"}
#: Whether the package under test is the wheel, in which another name of the front door stands for each of these files.
FUSED = shipper.recording.app is shipper
PATH = {"shipper"} if FUSED else SOURCES
#: All that the recording path may load of the library, at most. errno and binascii come with the third event, or an error.
LIBRARY = {"sys", "os", "time", "errno", "binascii"}

DECLARE = """
from shipper import App, Event, error_class, milliseconds, one_of
telemetry = App("sample", version="1.0", endpoint="http://127.0.0.1:9", events=[
    Event("command", "Why.", command=one_of("up"), duration_ms=milliseconds(), outcome=one_of("ok"), error=error_class()),
])
"""


def loaded(code: str, *options: str) -> set[str]:
    """What a process has loaded when it ends, beyond a bare interpreter."""
    show = "import sys; print(*sys.modules)"
    bare, full = (
        subprocess.run([sys.executable, *options, "-c", text], capture_output=True, text=True, check=True)
        for text in (show, f"{code}\n{show}")
    )
    return set(full.stdout.splitlines()[-1].split()) - set(bare.stdout.split())


@pytest.mark.parametrize("mode", ["on", "local"])
@pytest.mark.parametrize("how", ["record", "command"])
def test_declare_and_record_load_exactly_the_recording_path(
    how: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMPLE_TELEMETRY", mode)
    uses = {
        "record": "assert telemetry.record('command', command='up')",
        "command": "with telemetry.command('up'): pass",
    }
    loaded(DECLARE + uses[how])  # the first use of all makes folders and the id

    new = loaded(DECLARE + uses[how], "-I")
    assert new & {name for name in new if name.startswith("shipper")} == PATH
    assert new == PATH


def test_whatever_is_recorded_the_library_modules_stay_those_of_the_budget() -> None:
    loaded(DECLARE + "assert telemetry.record('command', command='up')")  # the first use of all
    new = loaded(DECLARE + "for _ in range(5): assert telemetry.record('command', command='up')", "-I")

    assert new - PATH <= LIBRARY


def of_program(program: str, typed: str, **more: str) -> set[str]:
    code = f"""
import atexit, runpy, sys
sys.argv = {[program, *typed.split()]!r}
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
runpy.run_path({str(PROGRAMS / program)!r} + ".py", run_name="__main__")
"""
    environ = os.environ | {"PYTHONPATH": str(ROOT)} | more
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def of_ours(*names: str) -> set[str]:
    names = names if FUSED else ("click", "failures", "program", *names)  # the door of the integrations loads these
    return PATH | {"shipper.integrations"} | {f"shipper.integrations.{name}" for name in names}


@pytest.mark.parametrize(
    ("program", "typed", "expected"),
    [
        ("with_click", "init", of_ours()),
        ("with_typer", "init", of_ours("typer")),
        ("with_argparse", "init", of_ours("argparse", "function", *(() if FUSED else ("argparse_tree",)))),
        ("with_function", "well", of_ours("function")),
    ],
)
def test_an_instrumented_program_loads_nothing_else_than_without(program: str, typed: str, expected: set[str]) -> None:
    of_program(program, typed)  # the first use of all
    new = of_program(program, typed) - of_program(program, typed, SAMPLE_BARE="1")

    assert {name for name in new if name.startswith("shipper")} == expected
    assert new == expected
