"""What a release changes in its declaration, in words, and that it dates what it adds or widens."""

from pathlib import Path
from typing import Any

import pytest

from shipper import Event, error_class, flag, integer, milliseconds, one_of
from shipper.catalog.comparison import Change, compare
from shipper.recording.values import ValueType
from tests.fixtures.command_line import shipper

OLD = """app = "tool"
version = "1.0"
endpoint = "https://telemetry.example.com"
[events.theme]
reason = "Which themes people choose."
fields.name = { type = "one_of", members = ["dark", "light"], since = "2026-01-01" }
fields.size = { type = "integer", range = [0, 10] }
fields.gone = { type = "flag" }
[events.old]
reason = "Why."
"""
NEW = """app = "tool"
version = "1.1"
endpoint = "https://telemetry.example.com"
[events.theme]
reason = "Which themes people choose."
fields.name = { type = "one_of", members = ["dark", "sepia"], since = "2027-03-01" }
fields.size = { type = "integer", range = [0, 5] }
[events.login]
reason = "How people log in."
since = "2027-03-01"
"""


@pytest.fixture
def releases(tmp_path: Path) -> "tuple[str, str]":
    (tmp_path / "old.toml").write_text(OLD)
    (tmp_path / "new.toml").write_text(NEW)
    return str(tmp_path / "old.toml"), str(tmp_path / "new.toml")


def test_a_release_is_told_in_words_and_passes_when_it_is_dated(releases: "tuple[str, str]") -> None:
    done = shipper("docs", "--diff", *releases)
    assert done.stdout.splitlines() == [
        "widens   theme.name: may also be sepia",
        "narrows  theme.name: is no longer light",
        "narrows  theme.size: from 0 to 5, was 0 to 10",
        "removes  theme.gone: no longer recorded",
        "adds     login: a new event: How people log in.",
        "removes  old: no longer recorded",
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_not_dated_fails_the_authors_ci(releases: "tuple[str, str]", tmp_path: Path) -> None:
    old, new = releases
    Path(new).write_text(
        NEW.replace('since = "2027-03-01"\n', "").replace('since = "2027-03-01"', 'since = "2026-01-01"')
    )
    done = shipper("docs", "--diff", old, new)
    assert done.returncode == 1
    assert "it is dated 2026-01-01, as before: write the day of this release" in done.stdout
    assert 'it has no date: write since="YYYY-MM-DD", the day of the release' in done.stdout
    assert done.stderr == "2 changes not dated: a choice that was made before does not cover what came after\n"
    page = tmp_path / "TELEMETRY.md"
    page.write_text(shipper("docs", new).stdout)
    assert shipper("docs", new, "--check", str(page)).returncode == 0
    assert shipper("docs", new, "--check", str(page), "--released", old).returncode == 1
    assert shipper("docs", old, "--check", str(page), "--released", old).returncode == 1, "the page is another's"
    assert shipper("docs", "--diff", old, old).stdout == "nothing changes\n"
    assert "say where the app is declared" in shipper("docs").stderr


def between(before: ValueType, after: ValueType) -> list[Change]:
    return compare({"e": Event("e", "Why.", f=before)}, {"e": Event("e", "Why.", f=after)})


DATED: dict[str, Any] = {"since": "2027-01-01"}


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (flag(), flag(), []),
        (flag(), integer(0, 1, **DATED), ["widens"]),
        (integer(0, 5), integer(-1, 5, **DATED), ["widens"]),
        (integer(0, 5), integer(1, 6, **DATED), ["widens", "narrows"]),
        (milliseconds(), milliseconds(100), ["narrows"]),
        (milliseconds(100), milliseconds(**DATED), ["widens"]),
        (milliseconds(100), milliseconds(100, 1000, **DATED), ["widens"]),
        (error_class("httpx"), error_class("httpx", "click", **DATED), ["widens"]),
        (error_class("httpx", "click"), error_class("httpx"), ["narrows"]),
        (error_class("httpx"), error_class(**DATED), ["widens"]),
        (flag(expires="2027-01-01"), flag(expires="2028-01-01", **DATED), ["widens"]),
        (flag(), flag(expires="2028-01-01"), ["narrows"]),
        (one_of("a"), one_of("a", **DATED), ["dates"]),
    ],
)
def test_each_type_is_compared_by_what_it_may_hold(before: ValueType, after: ValueType, kinds: list[str]) -> None:
    changes = between(before, after)
    assert [change.kind for change in changes] == kinds
    assert not any(change.fault for change in changes)
    undated = type(after)(after.kind, after.detail, ("", "", after.expires, ""))
    assert any(change.fault for change in between(before, undated)) == ("widens" in kinds)


def test_a_date_is_set_once() -> None:
    (change,) = between(one_of("a", since="2027-01-01"), one_of("a"))
    assert change.fault == "since was 2027-01-01 and is set once: write it again"
