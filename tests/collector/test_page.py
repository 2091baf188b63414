"""The page in a real browser: what it shows is what the store says, nothing comes from elsewhere, everybody can use it."""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shipper.collector.answers.answer import Answer, ask
from shipper.collector.answers.formats import written
from shipper.collector.answers.question import HEAT, SHARE
from shipper.collector.answers.questions import questions_of
from shipper.collector.page.cards import MOST_ROWS, identifier
from shipper.collector.stores.addresses import read_store
from shipper.collector.stores.sqlite import SqliteStore
from shipper.collector.stores.store import Window
from tests.fixtures.event_world import NOW, world
from tests.fixtures.receiver_inside import receiving
from tests.fixtures.receiver_process import Running, running
from tests.fixtures.waiting import until
from tests.fixtures.world_catalog import WORLD, WORLD_TOML

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
BROWSERS = ("chromium", "chromedriver")
MISSING = [program for program in BROWSERS if shutil.which(program) is None]
needs_browser = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

EVENTS = 8_000
TODAY = NOW // 86_400
MONTH = "app=wunderctl&since=2026-10-25&until=2026-11-23"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a world in it."""
    folder = tmp_path_factory.mktemp("page") / "data"
    store = SqliteStore(str(folder))
    rows = list(world(EVENTS))
    for start in range(0, EVENTS, 100):
        store.add([[row for row, _ in rows[start : start + 100]]], rows[start + 99][1])
    store.close()
    return folder


@pytest.fixture
def receiver(data: Path) -> Iterator[Running]:
    catalog = data.parent / "telemetry.toml"
    catalog.write_text(WORLD_TOML)
    with running(data, "--catalog", str(catalog)) as started:
        yield started


class Browser:
    """A headless Chromium of a size and a colour scheme, that remembers what went wrong."""

    def __init__(self, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver: Any = webdriver.Chrome(
            options=options, service=webdriver.ChromeService(shutil.which("chromedriver"))
        )
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def run(self, script: str, *given: object) -> Any:
        return self.driver.execute_script(script, *given)

    def wrong(self) -> list[str]:
        """Whatever the console said: errors, warnings, violations of the policy."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requested(self) -> set[str]:
        """The origins from which anything was asked for."""
        found = re.findall(
            r'"Network\.requestWillBeSent".*?"url":"(\w+://[^/"]*)', str(self.driver.get_log("performance"))
        )
        return set(found)


@pytest.fixture
def browsers() -> Iterator[Any]:
    """Starts browsers, and ends them."""
    started: list[Browser] = []

    def start(**look: Any) -> Browser:
        started.append(Browser(**look))
        return started[-1]

    yield start
    for browser in started:
        browser.driver.quit()


def cells(answer: Answer) -> list[list[str]]:
    """What a table of an answer must say: shares in whole percents where shades tell the most."""
    kinds = [kind for _, kind in answer.question.columns]
    heat = answer.question.chart.kind == HEAT
    return [
        [
            f"{float(cell) * 100:.0f} %" if heat and kind == SHARE and cell != "" else written(cell, kind)
            for cell, kind in zip(row, kinds, strict=True)
        ]
        for row in answer.rows[:MOST_ROWS]
    ]


def shown(browser: Browser, key: str) -> list[list[str]]:
    """The cells of one question's table."""
    cells: list[list[str]] = browser.run(
        "return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)]"
        ".map(row => [...row.cells].map(cell => cell.textContent))",
        identifier(key),
    )
    return cells


@needs_browser
@pytest.mark.parametrize(
    "look", [{}, {"dark": True}, {"width": 390, "height": 800}, {"width": 390, "height": 800, "dark": True}]
)
def test_every_number_on_the_page_is_the_stores_and_nothing_is_wrong_on_any_screen(
    look: dict[str, Any], receiver: Running, data: Path, browsers: Any
) -> None:
    browser = browsers(**look)
    browser.driver.get(f"{receiver.url}/?{MONTH}")
    report = ask(
        read_store(f"sqlite:{data}"), Window("wunderctl", TODAY - 29, TODAY), int(time.time()) // 86_400, WORLD
    )
    tiles = browser.run(
        "return [...document.querySelectorAll('.tile')].map(tile =>"
        " [...tile.querySelectorAll('dt, .value, .past')].map(part => part.textContent))"
    )
    for figure, told in zip(report.figures, tiles, strict=True):
        assert told[:2] == [figure.name, written(figure.value, figure.kind)]
        assert told[2:] in ([f"from {written(figure.before, figure.kind)}"], [])
    assert sum(len(told) for told in tiles) >= 3 * len(tiles) - 1
    for answer in report.answers:
        assert shown(browser, answer.question.key) == cells(answer), answer.question.key
    assert browser.wrong() == []
    assert browser.requested() == {receiver.url}
    # Nothing is wider than the screen: the page scrolls down and never sideways.
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    light = browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(244, 245, 247)"
    assert light is not bool(look.get("dark"))


@needs_browser
def test_the_bars_are_as_long_as_their_numbers(receiver: Running, browsers: Any) -> None:
    browser = browsers()
    browser.driver.get(f"{receiver.url}/?{MONTH}")
    bars = browser.run(
        "return [...document.querySelectorAll('#commands tbody tr')].map(bar =>"
        " [bar.cells[1].textContent, bar.querySelector('rect').getBoundingClientRect().width])"
    )
    longest = max(float(width) for _, width in bars)
    most = max(int(size.replace(",", "")) for size, _ in bars)
    assert len(bars) == 6
    for size, width in bars:
        assert width / longest == pytest.approx(int(size.replace(",", "")) / most, abs=0.01)


@needs_browser
def test_the_filters_work_by_keyboard_and_stand_in_the_address(receiver: Running, data: Path, browsers: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    browser = browsers()
    browser.driver.get(f"{receiver.url}/?{MONTH}")
    browser.driver.find_element("css selector", ".filters summary").send_keys(Keys.ENTER)
    version = browser.driver.find_element("name", "version")
    version.send_keys("0.150.0")
    version.send_keys(Keys.TAB, "people only")
    browser.driver.find_element("css selector", "form button").send_keys(Keys.ENTER)
    until(lambda: "version=0.150.0" in browser.driver.current_url, 20, "the address has the filters")
    assert "ci=without" in browser.driver.current_url
    window = Window("wunderctl", TODAY - 29, TODAY, ("0.150.0",), "without")
    report = ask(read_store(f"sqlite:{data}"), window, int(time.time()) // 86_400, WORLD)
    commands = next(answer for answer in report.answers if answer.question.key == "commands")
    wanted = [[row[0], f"{row[1]:,}"] for row in commands.rows]
    until(lambda: [row[:2] for row in shown(browser, "commands")] == wanted, 20, "the filtered commands are shown")
    browser.driver.find_element("link text", "90 days").click()
    until(lambda: "days=90" in browser.driver.current_url, 20, "the address has the period")
    assert "version=0.150.0" in browser.driver.current_url
    assert browser.wrong() == []


@needs_browser
def test_a_screen_reader_finds_a_heading_per_question_and_names_for_everything(
    receiver: Running, browsers: Any
) -> None:
    browser = browsers()
    browser.driver.get(f"{receiver.url}/?{MONTH}")
    browser.driver.find_element("css selector", ".filters summary").click()
    nodes = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles: dict[str, list[str]] = {}
    for node in nodes:
        if not node["ignored"]:
            roles.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert "Which commands do people use, and where do they fail?" in roles["heading"]
    assert all(roles["heading"])
    assert all(roles["combobox"])
    assert all(roles["button"])
    assert all(roles["image"])
    assert len(roles["region"]) >= 14
    assert browser.run("return document.documentElement.lang") == "en"
    # The tables are closed at first; each opens by keyboard, its summary being a native one.
    assert len(browser.driver.find_elements("css selector", "details > summary")) >= 12


@needs_browser
def test_every_state_without_answers_says_what_to_do(receiver: Running, tmp_path: Path, browsers: Any) -> None:
    browser = browsers()
    browser.driver.get(f"{receiver.url}/?app=wunderctl&days=7&version=9.9")
    assert browser.run("return document.querySelectorAll('.empty').length") == len(questions_of(WORLD)) - 1
    assert browser.run("return document.querySelector('[name=version]').value") == "9.9"
    assert browser.wrong() == []
    browser.driver.get(f"{receiver.url}/?days=many")
    assert "days is a number of days" in browser.driver.find_element("css selector", "[role=alert]").text
    with running(tmp_path / "empty") as empty:
        browser.driver.get(empty.url)
        assert "No event has come in yet" in browser.driver.find_element("tag name", "main").text
        assert empty.url in browser.driver.find_element("tag name", "code").text
        (tmp_path / "empty" / "events.sqlite").rename(tmp_path / "away")
        browser.driver.get(empty.url)
        assert "The store does not answer" in browser.driver.find_element("css selector", "[role=alert]").text


@needs_browser
def test_the_report_that_is_one_file_shows_the_same_without_any_network(
    receiver: Running, tmp_path: Path, browsers: Any
) -> None:
    from shipper.cli import main

    file = tmp_path / "report.html"
    period = ["--since", "2026-10-25", "--until", "2026-11-23"]
    assert main(["report", "wunderctl", "--from", receiver.url, *period, "--html", str(file)]) == 0
    online, offline = browsers(), browsers()
    online.driver.get(f"{receiver.url}/?{MONTH}")
    offline.driver.get(file.as_uri())
    for key in ("commands", "pair:setup", "active", "everything"):
        assert shown(offline, key) == shown(online, key) != []
    assert offline.wrong() == []
    assert offline.requested() <= {"file://"}


def test_the_policy_allows_nothing_from_elsewhere(receiver: Running) -> None:
    for path in ("/", "/answers.json", "/page.css"):
        policy = httpx.get(receiver.url + path, trust_env=False).headers["content-security-policy"]
        assert policy.startswith(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:"
        )


def test_what_stands_in_an_address_or_an_event_is_never_markup(tmp_path: Path) -> None:
    with receiving(tmp_path / "data") as (client, receiver):
        row = next(row for row, _ in world(10))._replace(
            app="<b>", version="<i>", fields={"command": "<u>"}, name="command"
        )
        receiver.store.add([[row]], NOW)
        page = client.get("/", params={"app": "<b>", "since": "2020-01-01", "until": "2049-12-31"})
        assert page.status_code == 200
        assert "&lt;u&gt;" in page.text
        for markup in ("<b>", "<i>", "<u>"):
            assert markup not in page.text
        for given in ({"app": "<script>"}, {"since": "<script>"}, {"version": "'\"><script>"}, {"ci": "<script>"}):
            assert "<script>" not in client.get("/", params=given).text
