"""What people chose, who decides, and the id: every combination of what may speak, with its reason."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper import files
from shipper.choices import identity
from shipper.choices.saving import save_choice
from shipper.recording import automation, consent
from shipper.recording.consent import decide
from shipper.recording.folder import Folder, open_config
from shipper.recording.lock import Lock
from shipper.recording.modes import ALL, LOCAL, OFF, ON, UNREADABLE

#: What the files say where nobody has chosen and no notice was shown.
NOBODY = ("", "", "", "", "")
NOW = 1795428000000  # 2026-11-23T10:00:00Z


@pytest.fixture
def config() -> Iterator[Folder]:
    with open_config(os.environ, create=True) as folder:
        yield folder


TOLD: tuple[tuple[str | None, dict[str, str]], ...] = ((None, {}), ("off", {}), (None, {"DO_NOT_TRACK": "1"}))
MACHINES = ("", LOCAL, OFF, UNREADABLE)
REPOSITORIES = ("", LOCAL, OFF)
WISHES: tuple[dict[str, str], ...] = (
    {},
    *({"WUNDERCTL_TELEMETRY": value} for value in ("on", "local", "0", "perhaps")),
)
CHOICES = ("", ON, LOCAL, OFF, UNREADABLE)
NOTICES = ("", "-", "2026-01-01", "2026-06-01", UNREADABLE)
CIS: tuple[dict[str, str], ...] = ({}, {"GITHUB_ACTIONS": "true"})
POLICIES = [
    ("wunderctl", kind, date, ci)
    for kind, date, ci in itertools.product(("opt-in", "opt-out"), ("", "2026-03-01"), (OFF, LOCAL, ON))
]
TABLE = (TOLD, WISHES, CHOICES, CHOICES, NOTICES, MACHINES, REPOSITORIES, CIS, POLICIES)


def expected(
    flag: str | None, track: object, wish: str, saved: "consent.Saved", ci: object, policy: "consent.Policy"
) -> tuple[str, str]:
    """The rules as the documentation words them, written down a second time: who speaks first."""
    _, kind, date, policy_ci = policy
    app, everywhere, notice, machine, repository = saved
    told = notice in ("2026-06-01",) or (notice == "2026-01-01" and not date) or (notice == "-" and not date)
    chosen = app or everywhere
    rules = [
        (flag == "off", OFF, consent.BY_FLAG),
        (bool(track), OFF, consent.BY_DO_NOT_TRACK),
        (wish == "0", OFF, consent.BY_VARIABLE_OFF),
        (wish == "perhaps", OFF, consent.BY_VARIABLE_UNREADABLE),
        (everywhere == OFF, OFF, consent.BY_ALL_OFF),
        (app == OFF, OFF, consent.BY_APP_OFF),
        (machine == OFF, OFF, consent.BY_MACHINE_OFF),
        (machine == UNREADABLE, OFF, consent.BY_MACHINE_UNREADABLE),
        (UNREADABLE in (app, everywhere, notice), OFF, consent.BY_UNREADABLE),
        (repository == OFF, OFF, consent.BY_REPOSITORY_OFF),
        (app == LOCAL, LOCAL, consent.BY_APP),
        (app == "" and everywhere == LOCAL, LOCAL, consent.BY_ALL),
        (wish == "local", LOCAL, consent.BY_VARIABLE),
        (bool(ci and not chosen and not wish) and policy_ci != ON, policy_ci, consent.BY_CI),
        (machine == LOCAL, LOCAL, consent.BY_MACHINE),
        (repository == LOCAL, LOCAL, consent.BY_REPOSITORY),
        (app == ON, ON, consent.BY_APP),
        (everywhere == ON, ON, consent.BY_ALL),
        (wish == "on", ON, consent.BY_VARIABLE),
        (bool(ci) and kind == "opt-in", LOCAL, consent.BY_CI),
        (bool(ci), ON, consent.BY_CI),
        (kind == "opt-in", LOCAL, consent.BY_POLICY),
        (told, ON, consent.NOTICE_SHOWN),
        (True, OFF, consent.NOTICE_DUE),
    ]
    return next((mode, why) for speaks, mode, why in rules if speaks)


def test_the_first_rule_that_speaks_wins_in_every_combination() -> None:
    met, size = set(), 0
    for (flag, track), wish, app, everywhere, notice, machine, repository, ci, policy in itertools.product(*TABLE):
        said = wish.get("WUNDERCTL_TELEMETRY", "")
        saved = (app, everywhere, notice, machine, repository)
        answer = decide(flag, {**track, **wish, **ci}, saved, policy)
        assert answer == expected(flag, track, said, saved, ci, policy), (flag, track, wish, *saved, ci, *policy)
        met.add(answer[1])
        size += 1
    assert size == 3 * 5 * 5 * 5 * 5 * 4 * 3 * 2 * 12
    assert len(met) == 19, "every rule is met by some combination"


ORDER = {OFF: 0, LOCAL: 1, ON: 2}


def test_no_variable_no_machine_and_no_repository_raises_what_a_person_chose() -> None:
    policy = ("wunderctl", "opt-out", "", ON)
    for wish, machine, repository, ci, chosen in itertools.product(
        WISHES, MACHINES, REPOSITORIES, CIS, (ON, LOCAL, OFF)
    ):
        for saved in ((chosen, "", "", machine, repository), ("", chosen, "", machine, repository)):
            assert ORDER[decide(None, {**wish, **ci}, saved, policy)[0]] <= ORDER[chosen]


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        *((word, ON) for word in ("1", "on", "true", "yes", "ON", "True", " on ")),
        *((word, OFF) for word in ("0", "off", "false", "no", "OFF", "No", "2", "enabled", "disable", "\udcff", "-1")),
        ("local", LOCAL),
        ("", LOCAL),
        ("  ", LOCAL),
    ],
)
def test_the_apps_variable_is_read_in_all_its_spellings_and_anything_else_is_off(text: str, mode: str) -> None:
    assert decide(None, {"MY_TOOL_TELEMETRY": text}, NOBODY, ("my-tool", "opt-in", "", OFF))[0] == mode


@pytest.mark.parametrize(
    ("text", "mode"), [("", ON), ("0", ON), ("false", ON), ("FALSE", ON), ("1", OFF), ("true", OFF), ("no", OFF)]
)
def test_do_not_track_is_set_unless_it_is_empty_zero_or_false(text: str, mode: str) -> None:
    assert decide(None, {"DO_NOT_TRACK": text}, (ON, "", "", "", ""), ("wunderctl", "opt-in", "", OFF))[0] == mode


@given(text=st.text())
def test_no_value_of_the_variable_sends_what_nobody_allowed(text: str) -> None:
    mode, _ = decide(None, {"WUNDERCTL_TELEMETRY": text}, NOBODY, ("wunderctl", "opt-in", "", OFF))
    assert mode != ON or text.strip().lower() in ("1", "on", "true", "yes")


def test_ci_is_recognised_and_can_be_denied() -> None:
    assert automation.in_ci({}) == ""
    assert automation.in_ci({"CI": "true"}) == "CI"
    assert automation.in_ci({"CI": "woodpecker"}) == "CI"
    assert automation.in_ci({"TF_BUILD": "True"}) == "TF_BUILD"
    assert automation.in_ci({"CI": "false", "GITHUB_ACTIONS": "true"}) == ""
    assert automation.in_ci({"CI": ""}) == ""


def test_an_agent_is_known_by_the_names_of_its_variables_and_said_in_a_closed_word() -> None:
    assert automation.agent({}) == ""
    assert automation.agent({"CLAUDECODE": "1"}) == "claude-code"
    assert automation.agent({"CLAUDECODE": "1", "CODEX_CI": "1"}) == "codex", "the inner agent, not who started it"
    assert automation.agent({"AI_AGENT": "claude-code_2-1-232_agent", "CLAUDECODE": "1"}) == "claude-code"
    assert automation.agent({"AI_AGENT": "my secret agent 7"}) == "other"
    assert automation.agent({"CURSOR_AGENT": ""}) == ""
    assert automation.agent({"AGENT": "goose"}) == "goose"
    assert automation.agent({"AGENT": "build-machine-12"}) == ""
    for name in automation._AGENTS:
        assert automation.agent({name: "any value"}) in automation.AGENTS
        assert automation.signs({name: "any value"}) == ("", automation.agent({name: "any value"}))
    assert automation.signs({"CI": "1", "GEMINI_CLI": "1"}) == ("CI", "gemini-cli")


def test_a_home_made_for_one_run_is_recognised_and_a_kept_one_is_not() -> None:
    bare: set[str] = set()
    docker = {"/.dockerenv"}

    assert automation.one_run_home({"HOME": "/home/jane"}, bare.__contains__) == ""
    assert automation.one_run_home({"HOME": "/tmp/run.x"}, bare.__contains__) == "/tmp"
    assert automation.one_run_home({"HOME": "/scratch/9", "TMPDIR": "/scratch/"}, bare.__contains__) == "/scratch/"
    assert automation.one_run_home({"HOME": "/tmpfoo"}, bare.__contains__) == ""
    assert automation.one_run_home({"HOME": "/root"}, docker.__contains__) == "/.dockerenv"
    assert automation.one_run_home({"HOME": "/root", "CODESPACES": "true"}, docker.__contains__) == ""
    assert automation.one_run_home({"HOME": "/tmp/x", "SHIPPER_HOME": "/tmp/y"}, docker.__contains__) == ""


def test_a_choice_is_saved_with_its_date_and_by_whom(config: Folder) -> None:
    assert consent.read_choice(config, "wunderctl") == ("", "", "")
    save_choice(config, "wunderctl", LOCAL, "shipper local", NOW)
    assert Path(config.path, "wunderctl.mode").read_bytes() == b"local 2026-11-23T10:00:00.000Z shipper local\n"
    assert consent.read_choice(config, "wunderctl") == (LOCAL, "2026-11-23T10:00:00.000Z", "shipper local")
    assert os.stat(Path(config.path, "wunderctl.mode")).st_mode & 0o777 == 0o600
    assert consent.read_choices(config, "wunderctl")[0] == LOCAL
    assert consent.read_choices(None, "wunderctl")[0] == ""
    assert files.names(config) == ["wunderctl.mode"], "no temporary file stays"


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"On\n", b"yes", b"on\x00", b"on\xff", b"\xef\xbb\xbfon\n", b"on\noff\n"]
)
def test_a_choice_that_cannot_be_read_means_off(config: Folder, content: bytes) -> None:
    for name in ("wunderctl.mode", "_all.mode"):
        path = Path(config.path, name)
        path.write_bytes(content)
        saved = (*consent.read_choices(config, "wunderctl"), "", "")
        assert decide(None, {}, saved, ("wunderctl", "opt-in", "", OFF)) == (OFF, consent.BY_UNREADABLE)
        path.unlink()


def test_a_choice_that_is_a_link_or_a_folder_means_off(config: Folder, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("on 2026-11-23T10:00:00.000Z someone\n")
    path = Path(config.path, "wunderctl.mode")
    path.symlink_to(other)
    assert consent.read_choices(config, "wunderctl")[0] == UNREADABLE
    path.unlink()
    path.mkdir()
    assert consent.read_choices(config, "wunderctl")[0] == UNREADABLE


def test_the_notice_is_read_only_where_nobody_has_chosen(config: Folder) -> None:
    Path(config.path, "wunderctl.notice").write_text("2026-03-01 2026-11-23T10:00:00.000Z\n")
    assert consent.read_choices(config, "wunderctl")[2] == "2026-03-01"
    Path(config.path, "wunderctl.notice").write_text("")
    assert consent.read_choices(config, "wunderctl")[2] == UNREADABLE
    save_choice(config, "_all", ON, "shipper on", NOW)
    assert consent.read_choices(config, "wunderctl")[2] == ""


def own(config: Folder, app: str, randomness: bytes, adopt: str = "") -> str:
    """The id that an event bears: read, or made with the first."""
    return consent.read_identity(config, app) or identity.make_identity(config, app, randomness, adopt)[0]


def test_an_id_is_random_made_once_and_private(config: Folder) -> None:
    first = own(config, "wunderctl", bytes(range(16)))
    assert first == identity.identity_of("000102030405060708090a0b0c0d0e0f")
    assert identity.secret_of(config, "wunderctl", first) == "000102030405060708090a0b0c0d0e0f"
    assert os.stat(Path(config.path, f"wunderctl.secret-{first}")).st_mode & 0o777 == 0o600
    assert own(config, "wunderctl", os.urandom(16)) == first
    assert own(config, "otherctl", b"\xff" * 16) != first
    assert os.stat(Path(config.path, "wunderctl.id")).st_mode & 0o777 == 0o600


def test_an_id_that_cannot_be_read_is_never_replaced_in_silence(config: Folder) -> None:
    Path(config.path, "wunderctl.id").write_text("jane doe\n")
    with pytest.raises(OSError, match="cannot be read"):
        own(config, "wunderctl", os.urandom(16))
    assert Path(config.path, "wunderctl.id").read_text() == "jane doe\n"


@pytest.mark.parametrize("left", [b"", b"\0" * 33], ids=["empty", "NULs"])
def test_an_id_that_a_power_cut_left_without_content_is_made_anew(config: Folder, left: bytes) -> None:
    """Else nothing would be recorded ever again."""
    path = Path(config.path, "wunderctl.id")
    path.write_bytes(left)
    path.chmod(0o600)
    made = own(config, "wunderctl", bytes(range(16)))
    assert made == identity.identity_of(bytes(range(16)).hex())
    assert consent.read_identity(config, "wunderctl") == made


def test_who_meets_a_held_lock_makes_no_id_and_says_how_long_it_waited(config: Folder) -> None:
    with Lock(config, 1.0, "wunderctl.lock"):
        assert identity.make_identity(config, "wunderctl", os.urandom(16), seconds=0.0)[0] == ""
        found, waited = identity.make_identity(config, "wunderctl", os.urandom(16), seconds=0.02)
    assert found == ""
    assert waited >= 0.02
    assert consent.read_identity(config, "wunderctl") == ""


RACER = """
import os, sys
from shipper.recording.folder import open_config
from shipper.recording.consent import read_identity
from shipper.choices.identity import make_identity
with open_config(os.environ, create=True) as config:
    print(read_identity(config, "wunderctl") or "none yet", flush=True)
    sys.stdin.read()  # until every racer has looked
    print(make_identity(config, "wunderctl", os.urandom(16), seconds=60.0)[0])
"""


def test_fifty_racing_first_runs_make_one_id() -> None:
    start, line = os.pipe()
    command = [sys.executable, "-c", RACER]
    racers = [subprocess.Popen(command, stdin=start, stdout=subprocess.PIPE, text=True) for _ in range(50)]
    os.close(start)
    assert {racer.stdout.readline() for racer in racers if racer.stdout} == {"none yet\n"}
    os.close(line)
    assert len({racer.communicate()[0] for racer in racers}) == 1
    assert {racer.returncode for racer in racers} == {0}


SLOW = """
import os, sys
from shipper import files
from shipper.recording.folder import open_config
from shipper.choices.identity import make_identity
replace = files.replace
def replace_later(*arguments, **options):
    print("about to write", flush=True)
    sys.stdin.read()
    return replace(*arguments, **options)
files.replace = replace_later
with open_config(os.environ, create=True) as config:
    print(make_identity(config, "wunderctl", os.urandom(16))[0])
"""


def test_who_is_about_to_write_an_id_keeps_everybody_else_from_it(config: Folder) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLOW], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as slow:
        assert slow.stdout is not None
        assert slow.stdout.readline() == "about to write\n"
        assert identity.make_identity(config, "wunderctl", b"\x02" * 16, seconds=0.0)[0] == ""
        made = slow.communicate()[0].split()[-1]
    assert own(config, "wunderctl", b"\x02" * 16) == made


@pytest.mark.parametrize("by_all", [False, True])
@pytest.mark.parametrize("back", [ON, LOCAL])
def test_who_was_off_and_is_not_any_more_is_somebody_new(config: Folder, by_all: bool, back: str) -> None:
    name = ALL if by_all else "wunderctl"
    first = own(config, "wunderctl", b"\x01" * 16)
    save_choice(config, name, OFF, "shipper off", NOW)
    assert consent.read_identity(config, "wunderctl") == first, "off alone keeps it: forget may still need it"
    save_choice(config, name, back, "shipper", NOW)
    assert consent.read_identity(config, "wunderctl") == ""
    assert list(identity.former_identities(config, "wunderctl").values()) == [first]
    assert own(config, "wunderctl", b"\x02" * 16) == identity.identity_of("02" * 16)


def test_a_change_that_was_not_off_keeps_the_id(config: Folder) -> None:
    first = own(config, "wunderctl", b"\x01" * 16)
    for mode in (LOCAL, ON, LOCAL, OFF, OFF):
        save_choice(config, "wunderctl", mode, "shipper", NOW)
    own(config, "otherctl", b"\x03" * 16)
    save_choice(config, "otherctl", ON, "shipper", NOW)
    assert consent.read_identity(config, "wunderctl") == first


KSUID = "0ujtsYcgvSTl8PAuAdqWYSMnLOv"


@pytest.mark.parametrize(
    ("place", "content", "adopted"),
    [
        ("", "5f2c9a10-77aa-4be2-9c1e-000000000001\n", "5f2c9a10-77aa-4be2-9c1e-000000000001"),
        ("#anonymousId", f'{{"anonymousId": "{KSUID}"}}', KSUID),
        ("#telemetry.id", f'{{"telemetry": {{"id": "{KSUID}"}}}}', KSUID),
        ("#telemetry.id", f'{{"telemetry.id": "{KSUID}"}}', KSUID),
        ("#id", '{"id": "%s"}' % ("5f2c9a10" * 8), "5f2c9a10" * 8),
        ("#id", '{"id": "jane@example.com"}', ""),
        ("#id", '{"id": "short"}', ""),
        ("#id", '{"id": 123456789}', ""),
        ("#id", '{"other": 1}', ""),
        ("#a.b", '{"a": [1]}', ""),
        ("#id", "[" * 100000, ""),
        ("#id", "no json", ""),
        ("", "two words here", ""),
    ],
)
def test_an_earlier_telemetrys_id_is_taken_over(config: Folder, place: str, content: str, adopted: str) -> None:
    Path(os.environ["HOME"], "theirs.json").write_text(content)
    found = own(config, "wunderctl", b"\x01" * 16, adopt="~/theirs.json" + place)
    assert found == (adopted or identity.identity_of("01" * 16))
    assert own(config, "wunderctl", b"\x02" * 16) == found


@pytest.mark.parametrize(
    "theirs",
    [
        "johnsmith1984",
        "janes-laptop",
        "00-1b-63-84-45-e6",
        "001b638445e6",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "jane_doe_at_acme_corporation",
    ],
)
def test_an_id_that_may_be_made_of_somebody_is_hashed_with_a_salt_that_nobody_keeps(
    config: Folder, theirs: str
) -> None:
    """A name, a host, a MAC address alone and in a UUID of version 1: by its form none of them is random."""
    Path(os.environ["HOME"], "theirs").write_text(theirs)
    found = own(config, "wunderctl", b"\x01" * 16, adopt="~/theirs")
    assert len(found) == 32
    assert int(found, 16)
    assert theirs not in found
    other = own(config, "otherctl", b"\x02" * 16, adopt="~/theirs")
    assert other != found, "another salt, another id"


def test_an_id_that_was_replaced_does_not_come_back_by_adoption(config: Folder) -> None:
    Path(os.environ["HOME"], "theirs").write_text(KSUID)
    assert own(config, "wunderctl", b"\x01" * 16, adopt="~/theirs") == KSUID
    identity.retire(config, "wunderctl")
    assert own(config, "wunderctl", b"\x01" * 16, adopt="~/theirs") == identity.identity_of("01" * 16)
