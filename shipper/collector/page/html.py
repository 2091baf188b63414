"""The page as HTML: filters, figures, one card per question. Pure."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from urllib.parse import urlencode

from shipper.collector.answers.answer import Report
from shipper.collector.answers.filters import PERIODS
from shipper.collector.answers.formats import counted_until
from shipper.collector.page import read_file
from shipper.collector.page.cards import Link, card, identifier, tile
from shipper.collector.stores.dimensions import date_of, day_text
from shipper.collector.stores.store import Window

CI_WORDS = {"all": "people and CI", "without": "people only", "only": "CI only"}


def document(title: str, body: str, style: str = "") -> str:
    """A whole page; with `style` one file that needs no other, without it refers to the receiver's. No script at all."""
    look = (
        f"<style>{style}</style>"
        if style
        else '<link rel="stylesheet" href="page.css"><link rel="icon" href="page.svg" type="image/svg+xml">'
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark">{look}</head><body>{body}</body></html>'
    )


def filters(window: Window, apps: Sequence[str], versions: Sequence[str], today: int) -> str:
    """The filters in one line that folds: links for the usual periods, and a form that puts the rest into the address.

    `today` in days since 1970.
    """
    version, every = window.versions[0] if window.versions else "", "all versions"
    if len(window.versions) > 1:
        version, every = "", ", ".join(window.versions)
    # What is asked for is shown even where no event has it.
    offered = [("", every), *((name, name) for name in dict.fromkeys([*versions, *filter(None, [version])]))]
    chosen = f"{version or every}, {CI_WORDS[window.ci]}"
    return (
        f'<div class="choices"><nav class="periods" aria-label="Usual periods">{_periods(window, today)}</nav>'
        f'<details class="filters"><summary>Filters: {escape(chosen)}</summary>'
        '<form method="get" aria-label="Filters">'
        + _select("app", "App", [(app, app) for app in apps], window.app)
        + _date("since", "From", window.since)
        + _date("until", "Until", window.until)
        + _select("version", "Version", offered, version)
        + _select("ci", "Whom", list(CI_WORDS.items()), window.ci)
        + "<button>Show</button></form></details></div>"
    )


def _periods(window: Window, today: int) -> str:
    links = []
    for days in PERIODS:
        given = [("app", window.app), ("days", days), *(("version", version) for version in window.versions)]
        given += [("ci", window.ci)]
        here = ' aria-current="page"' if (window.until, window.until - window.since + 1) == (today, days) else ""
        links.append(f'<a href="?{escape(urlencode(given))}"{here}>{days} days</a>')
    return " ".join(links)


def _date(name: str, label: str, day: int) -> str:
    return f'<label>{label} <input type="date" name="{name}" value="{day_text(day)}" required></label>'


def _select(name: str, label: str, options: Sequence[tuple[str, str]], chosen: str) -> str:
    items = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(words)}</option>'
        for value, words in options
    )
    return f'<label>{label} <select name="{name}">{items}</select></label>'


def header(title: str, subtitle: str, form: str = "") -> str:
    """The top of every page."""
    return f'<header><h1>{escape(title)} <span class="sub">{escape(subtitle)}</span></h1>{form}</header>'


def period(window: Window) -> str:
    """A window's days as people say them."""
    since, until = date_of(window.since), date_of(window.until)
    year = "" if since.year == until.year else f" {since.year}"
    return f"{since.day} {since:%b}{year} to {until.day} {until:%b %Y} (UTC)"


def body(report: Report, form: str, link: str = "answers.json") -> str:
    """Everything that one window has to say; `link` leads to the same for scripts."""
    window = report.window
    tiles = "".join(map(tile, report.figures))
    sections, names = [], []
    for group, found in groupby(report.answers, lambda answer: answer.question.group):
        answers = list(found)
        cards = "".join(card(answer, report, _users_link(window) if link else None) for answer in answers)
        title = f"<h2>{escape(group)}</h2>" if group else f'<h2 class="hidden">{GLANCE}</h2>'
        names += [group] if group else []
        named = f'id="{identifier(group or "glance")}" aria-label="{escape(group or GLANCE)}"'
        side = " halves" if any(answer.question.key == "grew" for answer in answers) else ""
        sections.append(f'<section class="group{side}" {named}>{title}<div class="cards">{cards}</div></section>')
    jumps = " ".join(f'<a href="#{identifier(name)}">{escape(name)}</a>' for name in names)
    return (
        header(window.app, period(window), form)
        + f'<main><dl class="tiles">{tiles}</dl><div class="between">{_compared(report)}'
        + f'<nav class="jumps" aria-label="Parts of this page">{jumps}</nav></div>{"".join(sections)}</main>'
        + f"<footer>{escape(FOOT)}"
        + ("" if report.declared.known else f" {escape(LEARNED)}")
        + (f' <a href="{escape(link)}">The same as JSON</a>' if link else "")
        + "</footer>"
    )


#: What the cards beneath no heading are called for a screen reader.
GLANCE = "At a glance"
FOOT = (
    "Counts are exact; durations of commands are read from steps (1, 2, 5, 10, ...). An installation is one pseudonymous"
    " id; CI never counts as one. Made by shipper."
)
LEARNED = (
    "No catalog of this app is known here, so these cards follow what came in: start the receiver with --catalog to see the"
    " author's reasons."
)


def _compared(report: Report) -> str:
    """What the figures are compared with, and whether the window's last day is over."""
    days = report.window.until - report.window.since + 1
    before = f"the {days} days" if days > 1 else "the day"
    underway = " Today is not over yet." if report.window.until >= report.today else ""
    until = f" {counted_until(report.as_of)}" if report.as_of is not None else ""
    return f'<p class="under">Compared with {before} before.{underway}{until}</p>'


def _users_link(window: Window) -> Link:
    """Make addresses that ask who still uses something, in the same window."""
    given = [("app", window.app), ("since", day_text(window.since)), ("until", day_text(window.until))]
    given += [("version", version) for version in window.versions]
    return lambda feature: f"?{urlencode([*given, ('uses', feature)])}#users"


def whole(report: Report) -> str:
    """The page as one file that needs no other and no network."""
    return document(f"{report.window.app}: shipper", body(report, "", link=""), read_file("page.css"))


def nothing_yet(endpoint: str) -> str:
    """What a receiver shows before the first event."""
    return header("shipper", "no event yet") + (
        "<main><section class='card'><h2>No event has come in yet</h2>"
        f"<p>Let an app send here: <code>App(..., endpoint=&quot;{escape(endpoint)}&quot;)</code>, "
        "use it, and run <code>shipper flush</code>. Then reload this page.</p></section></main>"
    )


def trouble(title: str, why: str, back: Mapping[str, str]) -> str:
    """What went wrong, in words, and where to go from here."""
    links = " ".join(f'<a href="{escape(target)}">{escape(words)}</a>' for words, target in back.items())
    return header("shipper", "something is wrong") + (
        f'<main><section class="card" role="alert"><h2>{escape(title)}</h2><p>{escape(why)}</p><p>{links}</p>'
        "</section></main>"
    )
