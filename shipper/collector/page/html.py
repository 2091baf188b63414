"""The page as HTML: filters, figures, one card per question with its chart and its table. Pure."""

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import urlencode

from shipper.collector.answers.answer import Answer, Figure
from shipper.collector.answers.answer_rows import Cell
from shipper.collector.answers.filters import PERIODS
from shipper.collector.answers.formats import written
from shipper.collector.answers.questions import TEXT
from shipper.collector.page import read_file
from shipper.collector.page.charts import chart
from shipper.collector.stores.dimensions import day_text
from shipper.collector.stores.store import Window

#: Rows of a table on the page; scripts get all of them.
MOST_ROWS = 200

#: What stands in the place of an answer that the store could not give.
FAILED = "This could not be worked out. The other answers are not affected."

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
    """The filters: a form that puts them into the address, and links for the usual periods. `today` in days since 1970."""
    version, every = window.versions[0] if window.versions else "", "all versions"
    if len(window.versions) > 1:
        version, every = "", ", ".join(window.versions)
    # What is asked for is shown even where no event has it.
    offered = [("", every), *((name, name) for name in dict.fromkeys([*versions, *filter(None, [version])]))]
    return (
        f'<nav class="periods" aria-label="Usual periods">{_periods(window, today)}</nav>'
        '<form method="get" class="filters" aria-label="Filters">'
        + _select("app", "App", [(app, app) for app in apps], window.app)
        + _date("since", "From", window.since)
        + _date("until", "Until", window.until)
        + _select("version", "Version", offered, version)
        + _select("ci", "Whom", list(CI_WORDS.items()), window.ci)
        + "<button>Show</button></form>"
    )


def _periods(window: Window, today: int) -> str:
    links = []
    for days in PERIODS:
        given = [("app", window.app), ("days", days), *(("version", version) for version in window.versions)]
        given += [("ci", window.ci)]
        here = ' aria-current="page"' if (window.until, window.until - window.since + 1) == (today, days) else ""
        links.append(f'<a href="?{escape(urlencode(given))}"{here}>last {days} days</a>')
    return " ".join(links)


def _date(name: str, label: str, day: int) -> str:
    return f'<label>{label} <input type="date" name="{name}" value="{day_text(day)}" required></label>'


def _select(name: str, label: str, options: Sequence[tuple[str, str]], chosen: str) -> str:
    items = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(words)}</option>'
        for value, words in options
    )
    return f'<label>{label} <select name="{name}">{items}</select></label>'


def header(subtitle: str, form: str = "") -> str:
    """The top of every page."""
    return f'<header><h1>shipper <span class="sub">{escape(subtitle)}</span></h1>{form}</header>'


def screen(
    window: Window, form: str, figures: Sequence[Figure], answers: Sequence[Answer], link: str = "answers.json"
) -> str:
    """Everything that one window has to say."""
    tiles = "".join(
        f'<div class="tile"><dt>{escape(figure.name)}</dt><dd>{escape(written(figure.value, figure.kind))}</dd></div>'
        for figure in figures
    )
    span = f"{day_text(window.since)} to {day_text(window.until)}, UTC"
    cards = "".join(card(answer, window) for answer in answers)
    return (
        header(f"{window.app}, {span}", form)
        + f'<main><dl class="tiles">{tiles}</dl><div class="cards">{cards}</div></main>'
        + "<footer>Every number is exact. An installation is one pseudonymous id; CI never counts as one."
        + (f' <a href="{escape(link)}">The same as JSON</a>' if link else "")
        + "</footer>"
    )


def whole(window: Window, figures: Sequence[Figure], answers: Sequence[Answer]) -> str:
    """The screen as one file that needs no other and no network."""
    body = screen(window, "", figures, answers, link="")
    return document(f"{window.app}: shipper", body, read_file("page.css"))


def card(answer: Answer, window: Window) -> str:
    """One question."""
    question = answer.question
    if answer.failed:
        inner = f'<p class="empty" role="alert">{escape(FAILED)}</p>'
    elif not answer.rows:
        inner = f'<p class="empty">{escape(question.empty)}</p>'
    else:
        rows = f"{len(answer.rows):,} row{'s' if len(answer.rows) > 1 else ''}"
        inner = (
            f"<figure>{chart(answer, window)}</figure>"
            f"<details><summary>As a table, {rows}</summary>{table(answer)}</details>"
        )
    return (
        f'<section class="card" id="{question.key}" aria-labelledby="{question.key}-title">'
        f'<h2 id="{question.key}-title">{escape(question.title)}</h2>'
        f'<p class="about">{escape(answer.about)}</p>{inner}</section>'
    )


def table(answer: Answer) -> str:
    """An answer's rows; a region of its own, so that a wide one scrolls and the page does not."""
    kinds = [kind for _, kind in answer.question.columns]
    head = "".join(f'<th scope="col"{_side(kind)}>{escape(title)}</th>' for title, kind in answer.question.columns)
    rows = "".join(f"<tr>{_cells(row, kinds)}</tr>" for row in answer.rows[:MOST_ROWS])
    left = len(answer.rows) - MOST_ROWS
    more = f'<p class="more">and {left:,} more, scripts get all of them</p>' if left > 0 else ""
    label = escape(f"{answer.question.title} As a table")
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{more}"
    )


def _cells(row: tuple[Cell, ...], kinds: Sequence[str]) -> str:
    words = [(escape(written(cell, kind)), kind) for cell, kind in zip(row, kinds, strict=True)]
    return f'<th scope="row">{words[0][0]}</th>' + "".join(f"<td{_side(kind)}>{said}</td>" for said, kind in words[1:])


def _side(kind: str) -> str:
    return "" if kind == TEXT else ' class="number"'


def nothing_yet(endpoint: str) -> str:
    """What a receiver shows before the first event."""
    return header("no event yet") + (
        "<main><section class='card'><h2>No event has come in yet</h2>"
        f"<p>Let an app send here: <code>App(..., endpoint=&quot;{escape(endpoint)}&quot;)</code>, "
        "use it, and run <code>shipper flush</code>. Then reload this page.</p></section></main>"
    )


def trouble(title: str, why: str, back: Mapping[str, str]) -> str:
    """What went wrong, in words, and where to go from here."""
    links = " ".join(f'<a href="{escape(target)}">{escape(words)}</a>' for words, target in back.items())
    return header("something is wrong") + (
        f'<main><section class="card" role="alert"><h2>{escape(title)}</h2><p>{escape(why)}</p><p>{links}</p>'
        "</section></main>"
    )
