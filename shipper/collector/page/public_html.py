"""The public page: one file, for everybody."""

from html import escape

from shipper.collector.answers.answer import Answer
from shipper.collector.answers.installations import ACTIVE
from shipper.collector.answers.public import PublicReport, PublicTable
from shipper.collector.page import read_file
from shipper.collector.page.cards import identifier
from shipper.collector.page.charts import bar
from shipper.collector.page.days import days
from shipper.collector.page.html import document, header, period
from shipper.collector.stores.dimensions import day_text


def public_page(report: PublicReport) -> str:
    """Write the page as one file that needs no other and no network."""
    app = report.window.app
    inner = _told(report) if report.installations else _nothing(report)
    body = header(app, f"what its users do, {period(report.window)}") + f"<main>{inner}</main>{_foot(report)}"
    return document(f"{app}: public usage", body, read_file("page.css"))


def _nothing(report: PublicReport) -> str:
    return (
        f'<section class="card"><h2>Fewer than {report.least} installations</h2><p>That is too few for a page that tells'
        " nothing of any one of them, so it tells nothing.</p></section>"
    )


def _told(report: PublicReport) -> str:
    tile = (
        f'<dl class="tiles"><div class="tile"><dt>Installations</dt><dd class="value">{report.installations:,}+</dd>'
        f'<dd class="note">seen in this period</dd></div></dl>'
    )
    chart = ""
    if report.days:
        answer = Answer(ACTIVE, [(day_text(day), version, count) for day, version, count in report.days])
        chart = (
            '<section class="card wide" aria-labelledby="days"><h2 id="days">Installations each day, by version</h2>'
            f"<figure>{days(answer, report.window, report.made)}</figure></section>"
        )
    cards = "".join(_card(table, report.least) for table in report.tables)
    return f'{tile}{chart}<div class="cards">{cards}</div>'


def _card(table: PublicTable, least: int) -> str:
    name = identifier(table.title)
    most = max(count for _, count in table.rows) or 1
    items = "".join(
        f'<li><span class="name">{escape(label)}</span>{bar([(1, count / most, "")])}<span class="size">'
        + (f"{count:,}+" if count else f"under {least}")
        + "</span></li>"
        for label, count in table.rows
    )
    return (
        f'<section class="card" aria-labelledby="{name}"><h3 id="{name}">{escape(table.title)}</h3>'
        f'<p class="about">{escape(table.about)}</p><figure><ol class="bars">{items}</ol></figure></section>'
    )


def _foot(report: PublicReport) -> str:
    least = report.least
    return (
        f"<footer><p>Made on {day_text(report.made)} by shipper. Every number counts installations and is rounded down to"
        f" a multiple of {least}: {least}+ is {least} to {2 * least - 1}.</p>"
        f"<p>Not shown: what fewer than {least} installations did, how often anything happened, how long it took, what ran"
        " in CI or without an id, and anything about one"
        " installation.</p></footer>"
    )
