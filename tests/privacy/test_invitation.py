"""The question of an opt-in app: once in a person's life with it, at a real terminal, and nobody else is kept waiting."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shipper.catalog.declaration import load
from shipper.choices import invitation
from shipper.errors import DeclarationError
from shipper.privacy.page import as_markdown
from tests.fixtures.command_line import shipper
from tests.fixtures.sample_app import lines, sample, spool_of
from tests.fixtures.terminal import session
from tests.fixtures.waiting import until

DAY = 86400
ASKED = "[yes/no]"

#: Records an event, asks, and says what came of it.
TOOL = """
import sys
from tests.fixtures.sample_app import sample
app = sample()
print("recorded", app.record("datasource", kind="mysql"))
print("answer", repr(app.invite()))
"""
#: An instrumented program. Its last word, after everything of ours: whether the question's module was loaded.
PROGRAM = """
import atexit, sys
atexit.register(lambda: print("loaded" if "shipper.choices.invitation" in sys.modules else "not loaded"))
from tests.fixtures.sample_app import sample
app = sample(invite_after=7)
def main():
    print("work")
    FAILING
sys.argv = ["wunderctl", "up"]
main = app.instrument(main)
sys.exit(main())
"""
QUIET = PROGRAM.replace("    FAILING\n", "")


@pytest.fixture
def person(home: Path) -> Path:
    """The home of somebody who has used the app for more than a week."""
    assert sample().record("datasource", kind="mysql")
    use_for(8, home)
    return home


def use_for(days: float, home: Path) -> None:
    """Have the first event lie so many days back."""
    os.utime(home / "config/shipper/wunderctl.id", (time.time() - days * DAY,) * 2)


def answered(text: str, code: str = TOOL, **environ: str) -> "tuple[int, str]":
    """Run code at a terminal and type an answer once the question stands."""
    with session(code, environ) as found:
        until(lambda: found.shows(ASKED), what="the question is shown")
        found.type(text)
        return found.close()


def shown(code: str = TOOL, **environ: str) -> str:
    """Run code at a terminal where nobody types anything, and return what was shown."""
    with session(code, environ) as found:
        return found.close()[1]


def mode(home: Path) -> str:
    file = home / "config/shipper/wunderctl.mode"
    return file.read_text() if file.exists() else ""


def mark(home: Path) -> str:
    return (home / "config/shipper/wunderctl.invited").read_text()


def test_it_says_what_for_where_to_and_what_each_answer_means() -> None:
    text = invitation.text(sample(about="https://example.com/telemetry"))
    for part in (
        "May wunderctl send usage telemetry?",
        "Which data sources people connect.",
        "It would go to http://127.0.0.1:9, under a pseudonymous id.",
        "what was recorded here until now stays here",
        "shipper show wunderctl",
        "https://example.com/telemetry",
        "You are asked this once.",
    ):
        assert part in text


@pytest.mark.parametrize("word", ["yes", "Y", " YES "])
def test_who_says_yes_has_said_on_from_then_on(word: str, person: Path) -> None:
    code, seen = answered(word + "\n")
    assert code == 0
    assert "answer 'on'" in seen
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert mode(person).startswith(f"on {today}")
    assert mode(person).endswith(" invitation\n")
    assert mark(person).endswith(" yes\n")
    assert sample().mode() == ("on", "chosen for this app")
    assert ASKED not in shown(), "never twice"
    with spool_of(dict(os.environ)) as spool, spool.folder("held") as held:
        assert (len(lines(spool)), len(lines(held))) == (1, 2), "what was recorded before the answer stays here"


@pytest.mark.parametrize("word", ["no", "N"])
def test_who_says_no_is_not_recorded_and_what_was_is_erased(word: str, person: Path) -> None:
    code, seen = answered(word + "\n")
    assert code == 0
    assert "answer 'off'" in seen
    assert mode(person).startswith("off ")
    assert list(person.rglob("*.ndjson")) == []
    assert "recorded False" in shown()


@pytest.mark.parametrize("typed", ["\n", "perhaps\n", "yes please\n", "\x04", "\x03", "on\n"])
def test_whatever_else_is_typed_changes_nothing_and_is_not_asked_about_again(typed: str, person: Path) -> None:
    code, seen = answered(typed)
    assert (code, "answer ''" in seen) == (0, True)
    assert mode(person) == ""
    assert mark(person).endswith(" no answer\n")
    assert ASKED not in shown()


def test_a_question_that_nobody_answers_ends_by_itself(person: Path) -> None:
    hurried = "from shipper.choices import invitation; invitation.ANSWER_SECONDS = 0.1\n" + TOOL
    seen = shown(hurried)
    assert ASKED in seen
    assert "answer ''" in seen
    assert mode(person) == ""
    assert ASKED not in shown(hurried)


def test_who_is_killed_at_the_question_is_not_asked_again(person: Path) -> None:
    with session(TOOL) as found:
        until(lambda: found.shows(ASKED))
        found.process.send_signal(signal.SIGKILL)
        found.close()
    assert ASKED not in shown()
    assert mode(person) == ""


def test_nobody_is_asked_in_the_first_week(home: Path) -> None:
    assert ASKED not in shown(), "the first event ever"
    use_for(6.9, home)
    assert ASKED not in shown()
    use_for(-30, home)
    assert ASKED not in shown(), "a clock that went back"
    assert not (home / "config/shipper/wunderctl.invited").exists(), "the question is still to come"


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_a_pipe_is_never_asked(stream: str, person: Path) -> None:
    given, taken = os.pipe()
    try:
        with session(TOOL, replaced={stream: given if stream == "stdin" else taken}) as found:
            assert ASKED not in found.close()[1]
    finally:
        os.close(given)
        os.close(taken)
    assert not (person / "config/shipper/wunderctl.invited").exists()


SILENT = {
    "CI": {"CI": "true"},
    "GitHub": {"GITHUB_ACTIONS": "true"},
    "DO_NOT_TRACK": {"DO_NOT_TRACK": "1"},
    "off": {"WUNDERCTL_TELEMETRY": "off"},
    "local": {"WUNDERCTL_TELEMETRY": "local"},
    "on": {"WUNDERCTL_TELEMETRY": "on"},
    "Claude Code": {"CLAUDECODE": "1"},
    "an agent": {"AI_AGENT": "anything"},
    "a dumb terminal": {"TERM": "dumb"},
}


@pytest.mark.parametrize("name", SILENT)
def test_nobody_is_asked_who_is_no_person_or_has_said_it_already(name: str, person: Path) -> None:
    assert ASKED not in shown(**SILENT[name])
    assert not (person / "config/shipper/wunderctl.invited").exists()


def test_nobody_is_asked_in_a_home_made_for_one_run(tmp_path: Path) -> None:
    """As in a container: HOME lies in the temporary folder. An id that somebody brought along changes nothing."""
    del os.environ["SHIPPER_HOME"]
    folder = tmp_path / "person/.config/shipper"
    folder.mkdir(mode=0o700, parents=True)
    first = folder / "wunderctl.id"
    first.write_text("0" * 32 + "\n")
    first.chmod(0o600)
    os.utime(first, (time.time() - 9 * DAY,) * 2)
    assert ASKED not in shown(TMPDIR=str(tmp_path))
    assert not (folder / "wunderctl.invited").exists()


@pytest.mark.parametrize("choice", [("on",), ("local", "wunderctl"), ("off",)])
def test_who_has_chosen_is_not_asked(choice: "tuple[str, ...]", person: Path) -> None:
    shipper(*choice)
    before = mode(person)
    assert ASKED not in shown()
    assert mode(person) == before


WITHOUT = """import termios
found = termios.tcgetattr(0)
found[3] &= ~termios.{}
termios.tcsetattr(0, termios.TCSANOW, found)
"""
UNFIT = {
    "in the background": "import os\nif os.fork(): os.wait(); os._exit(0)\nos.setpgid(0, 0)\n",
    "a terminal that gives each key": WITHOUT.format("ICANON"),
    "a terminal that does not echo": WITHOUT.format("ECHO"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_terminal_that_is_not_the_programs_to_read_is_not_asked(name: str, person: Path) -> None:
    """A question in the background would stop the process: its shell says so, and the work stands still."""
    assert ASKED not in shown(UNFIT[name] + TOOL)
    assert not (person / "config/shipper/wunderctl.invited").exists()


@pytest.mark.usefixtures("person")
def test_a_terminal_of_another_session_is_not_asked() -> None:
    with session(TOOL, lead=False) as found:
        assert ASKED not in found.close()[1]


def test_what_was_typed_ahead_is_the_shells_and_no_answer(person: Path) -> None:
    waiting = "import select; select.select([0], [], [])\n" + TOOL + "print('left', sys.stdin.readline())\n"
    with session(waiting) as found:
        found.type("yes\n")
        _, seen = found.close()
    assert ASKED not in seen
    assert "left yes" in seen
    assert mode(person) == ""


def test_a_choice_that_is_made_elsewhere_meanwhile_stays(person: Path) -> None:
    with session(TOOL) as found:
        until(lambda: found.shows(ASKED))
        shipper("off", "wunderctl")
        found.type("yes\n")
        assert found.close()[0] == 0
    assert mode(person).startswith("off ")


@pytest.mark.usefixtures("person")
def test_of_programs_that_end_at_the_same_moment_one_asks() -> None:
    gate = Path(os.environ["HOME"], "gate")
    code = f"import os\nwhile not os.path.exists({str(gate)!r}): pass\n{TOOL}"
    with session(code) as one, session(code) as two, session(code) as three:
        sessions = [one, two, three]
        gate.touch()
        until(lambda: any(each.shows(ASKED) for each in sessions))
        until(lambda: sum(each.process.poll() is not None for each in sessions) >= 2)
        (asking,) = [each for each in sessions if each.process.poll() is None]
        asking.type("no\n")
        assert sum(ASKED in each.close()[1] for each in sessions) == 1


def test_an_instrumented_program_asks_as_it_ends_and_its_exit_code_is_its_own(person: Path) -> None:
    code, seen = answered("yes\n", QUIET + "\n")
    assert code == 0
    assert seen.index("work") < seen.index(ASKED)
    assert seen.endswith("loaded\n")
    assert mode(person).startswith("on ")


def test_the_question_is_not_loaded_before_it_is_time_nor_after_it_was_asked(home: Path) -> None:
    assert shown(QUIET) == "work\nnot loaded\n", "the first run"
    assert shown(QUIET) == "work\nnot loaded\n"
    use_for(8, home)
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("work\nnot loaded\n", ""), "in a pipe"
    assert shown(QUIET, CI="true") == "work\nnot loaded\n"
    assert "loaded\n" in answered("\n", QUIET)[1]
    assert shown(QUIET) == "work\nnot loaded\n", "asked already"


@pytest.mark.parametrize("end", ["return 3", "raise RuntimeError('no')", "raise SystemExit(2)"])
@pytest.mark.usefixtures("person")
def test_after_a_command_that_failed_nobody_is_asked(end: str) -> None:
    assert ASKED not in shown(PROGRAM.replace("FAILING", end))


@pytest.mark.usefixtures("person")
def test_a_child_that_outlives_the_command_does_not_ask() -> None:
    code = QUIET.replace(
        "sys.exit(main())", "main()\nimport os\nif os.fork():\n    os.wait()\n    os._exit(0)\nsys.exit(0)"
    )
    assert ASKED not in shown(code)


@pytest.mark.usefixtures("person")
def test_status_says_when_it_was_asked_and_what_was_answered() -> None:
    assert "question asked              no\n" in shipper("status", "wunderctl", "--why").stdout
    answered("\n")
    (line,) = [each for each in shipper("status", "wunderctl", "--why").stdout.splitlines() if "question asked" in each]
    assert line.endswith(" no answer")


def test_only_an_opt_in_app_asks_and_an_author_hears_so() -> None:
    with pytest.raises(DeclarationError, match="opt-in"):
        sample(policy="opt-out", invite_after=7)
    for wrong in (-1, 7.5, True, "7"):
        with pytest.raises(DeclarationError, match="whole numbers"):
            sample(invite_after=wrong)
    assert sample(policy="opt-out").invite() == ""


def test_the_public_page_says_that_it_asks(tmp_path: Path) -> None:
    asked = "asks once whether it may, on a terminal, 7 days or more after its first use"
    assert asked in as_markdown(sample(invite_after=7))
    assert "asks once" not in as_markdown(sample())
    file = tmp_path / "telemetry.toml"
    head = 'app = "deploy"\nversion = "1"\nendpoint = "https://telemetry.example.com"\ninvite_after = 9\n'
    file.write_text(head + '[events.theme]\nreason = "Why."\n')
    assert load(str(file)).invite_after == 9
