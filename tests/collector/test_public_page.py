"""The public page: no number stands for fewer than so many installations, and none can be worked out."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from shipper.cli import main
from shipper.collector.answers.public import LEAST, public_report
from shipper.collector.page.public_html import public_page
from shipper.collector.stores.sqlite import SqliteStore
from shipper.collector.stores.store import Row, Window, person_of
from tests.collector.model import Model
from tests.fixtures.event_world import NOW, world
from tests.fixtures.receiver_process import running
from tests.fixtures.world_catalog import WORLD, WORLD_TOML

TODAY = NOW // 86_400
WINDOW = Window("wunderctl", TODAY - 30, TODAY - 1)
Counts = dict[tuple[str, str, str], int]


class Told:
    """A view that is nothing but counts of installations."""

    def __init__(self, counts: Counts, active: dict[tuple[int, str], int]) -> None:
        self.counts, self.by_day = counts, active

    def installations(self, event: str, field: str | None) -> Mapping[tuple[str, str, str], int]:
        return {key: n for key, n in self.counts.items() if key[0] == event and field in (None, key[1]) and n}

    def active(self) -> Mapping[tuple[int, str], int]:
        return {key: n for key, n in self.by_day.items() if n}

    def values(self) -> Mapping[tuple[str, str, str], int]:
        return {key: 1000 * n for key, n in self.counts.items() if n and key[0]}


def page(view: object, least: int = LEAST, known: bool = True) -> str:
    """The public page of a view."""
    report = public_report(view, WINDOW, least, TODAY, WORLD if known else None)  # type: ignore[arg-type]
    return public_page(report)


CELLS: tuple[tuple[str, str, str], ...] = (
    ("", "", ""),
    *(("", "version", version) for version in ("0.1", "0.2", "0.10")),
    *(("", "platform", platform) for platform in ("linux x86_64", "macos arm64", "plan9 mips")),
    ("command", "", ""),
    *(("command", "command", command) for command in ("up", "init", "unheard-of")),
    *(("command", "error", error) for error in ("KeyError", "mine.Secret")),
    *(("editor", "operations", step) for step in ("2-4", "10-19", "5-9")),
    ("theme", "", ""),
    *(("datasource", "kind", kind) for kind in ("postgres", "rest", "other")),
)
DAYS = tuple((TODAY - back, version) for back in (1, 2, 9) for version in ("0.1", "0.10"))


@some.composite
def twins(draw: some.DrawFn) -> tuple[int, list[int], list[int]]:
    """Two worlds of counts that differ in hidden counts, and in shown ones within a step, in any number of cells."""
    least = draw(some.integers(2, 20))
    one, other = [], []
    for _ in range(len(CELLS) + len(DAYS)):
        step = draw(some.sampled_from((0, 0, 1, 2, 7)))
        one.append(step * least + draw(some.integers(0, least - 1)))
        other.append(step * least + draw(some.integers(0, least - 1)))
    return least, one, other


@settings(max_examples=300, deadline=None)
@given(twins(), some.booleans())
def test_the_page_is_identical_byte_for_byte_where_only_hidden_counts_move(
    worlds: tuple[int, list[int], list[int]], known: bool
) -> None:
    least, *both = worlds
    pages = [
        page(
            Told(dict(zip(CELLS, counts, strict=False)), dict(zip(DAYS, counts[len(CELLS) :], strict=True))),
            least,
            known,
        )
        for counts in both
    ]
    assert pages[0] == pages[1]


def numbers(html: str) -> list[int]:
    """Every number of installations that a page says, in text, in a scale, or where only a pointer or reader finds it."""
    said = re.sub(r"<style>.*?</style>|<footer>.*", "", html, flags=re.S)
    bars = re.findall(r'class="(?:size|value)">([\d,]+)\+', said)
    hidden = [
        number
        for title in re.findall(r"<title>(.*?)</title>", said, re.S)[1:]
        for number in re.findall(r": ([\d,]+)", title)
    ]
    told = re.findall(r"at most ([\d,]+) on", said)
    return [int(number.replace(",", "")) for number in (*bars, *hidden, *told)]


def test_no_number_and_no_difference_of_two_stands_for_fewer_installations_than_it_may() -> None:
    rows = [(row, at // 60) for row, at in world(20_000)]
    for least in (2, 10, 25):
        found = numbers(page(Model(rows, WINDOW), least))
        assert len(found) > 20
        assert {number % least for number in found} == {0}
        assert min(found) >= least


PEOPLE = some.lists(
    some.tuples(
        some.sampled_from(["0.1", "0.2"]),
        some.sampled_from(["linux", "macos"]),
        some.sampled_from(["postgres", "rest"]),
    ),
    min_size=25,
    max_size=60,
)


def seen(people: list[tuple[str, str, str]], secret: set[int], label: str) -> list[tuple[Row, int]]:
    """An event of each person, and one more with a label that only those of `secret` have."""
    template = next(row for row, _ in world(10) if row.name == "command")
    rows = []
    for number, (version, system, kind) in enumerate(people):
        base = template._replace(
            app="wunderctl", version=version, os=system, name="datasource", time=(TODAY - 3) * 86_400_000, ci=False,
            person=person_of(str(number)), agent="",
        )  # fmt: skip
        rows.append(base._replace(id=number.to_bytes(16, "big"), fields={"kind": kind}))
        if number in secret:
            rows.append(base._replace(id=(1000 + number).to_bytes(16, "big"), fields={"kind": label}))
    return [(row, NOW // 60) for row in rows]


@settings(max_examples=60, deadline=None)
@given(
    PEOPLE, some.sets(some.integers(0, 24), max_size=9), some.sampled_from(["graphql", "mysql", "other", "undeclared"])
)
def test_who_did_what_few_do_cannot_be_reconstructed(
    people: list[tuple[str, str, str]], secret: set[int], label: str
) -> None:
    """Whoever has the page and knows everything of everybody but this one label learns nothing of who has it."""
    without = page(Model(seen(people, set(), label), WINDOW))
    for known in (True, False):
        without = page(Model(seen(people, set(), label), WINDOW), known=known)
        assert page(Model(seen(people, secret, label), WINDOW), known=known) == without


def test_an_app_of_few_installations_shows_nothing_but_that() -> None:
    few = [(row, at // 60) for row, at in world(1600)]
    assert 0 < len({row.person for row, _ in few if row.person}) < LEAST
    assert page(Model(few, WINDOW)) == page(Model([], WINDOW))
    assert "Fewer than 10 installations" in page(Model(few, WINDOW))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with enough people for a public page."""
    folder = tmp_path_factory.mktemp("public") / "data"
    store = SqliteStore(str(folder))
    store.add([[row for row, _ in world(8000)]], NOW)
    store.close()
    return folder


def test_the_report_writes_the_public_page_and_says_what_it_leaves_out(data: Path, tmp_path: Path) -> None:
    catalog, file = tmp_path / "telemetry.toml", tmp_path / "public.html"
    catalog.write_text(WORLD_TOML)
    given = ["report", "wunderctl", "--data", str(data), "--catalog", str(catalog), "--since", "2026-10-24"]
    given += ["--until", "2026-11-22", "--public", "--html", str(file)]
    assert main([*given, "--least", "5"]) == 0
    text = file.read_text()
    assert "Not shown: what fewer than 5 installations did" in text
    assert re.search(r"Made on \d{4}-\d\d-\d\d", text)
    assert "Connectors cost work." in text
    assert numbers(text)
    assert {number % 5 for number in numbers(text)} == {0}


@pytest.mark.parametrize(
    "options",
    [
        ["--public"],
        ["--public", "--html", "x", "--version", "0.150.0"],
        ["--public", "--html", "x", "--ci", "without"],
        ["--public", "--html", "x", "--least", "1"],
        ["--public", "--html", "x", "--from", "http://127.0.0.1:1"],
    ],
)
def test_what_would_tell_more_than_a_public_page_may_is_refused(
    options: list[str], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = [] if "--from" in options else ["--data", str(data)]
    assert main(["report", "wunderctl", *source, *options]) == 2
    assert "--public" in capsys.readouterr().err


def test_a_receiver_publishes_it_without_a_token_and_takes_no_filter(data: Path, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("sender\nread looker\n")
    tokens.chmod(0o600)
    with running(data, "--token-file", str(tokens)) as receiver:
        assert receiver.client.get("/public").status_code == 404
    with running(data, "--token-file", str(tokens), "--public-page") as receiver:
        page = receiver.client.get("/public?app=wunderctl")
        assert page.status_code == 200
        assert receiver.client.get("/").status_code == 401
        for more in ("&version=0.150.0", "&since=2026-11-01", "&ci=only", "&least=1"):
            assert receiver.client.get(f"/public?app=wunderctl{more}").text == page.text
        unknown = receiver.client.get("/public?app=unheard-of").text
        assert "Fewer than 10 installations" in unknown
        assert "<script>" not in receiver.client.get("/public?app=<script>").text
        assert receiver.client.get("/public?app=a b").status_code == 400
