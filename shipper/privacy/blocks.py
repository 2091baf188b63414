"""A short document as data, written as Markdown or as HTML: text of others can be no markup in either."""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A piece of text in the letters of a program."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """An address that can be followed when it is one of the web."""

    address: str


#: A run of text: plain words, code and addresses.
Run = Sequence[str | Code | Link]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the document's own."""

    level: int
    run: Run


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph."""

    run: Run


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of points."""

    points: Sequence[Run]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: the columns' names, then rows of cells."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Run]]


@dataclass(frozen=True, slots=True)
class Example:
    """Lines of a program's output, as they are."""

    text: str


Block = Heading | Paragraph | Bullets | Grid | Example

_MARKUP = re.compile(r"([\\`*\[\]<>|#~&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_WEB = re.compile(r"https?://[^\s<>\"]+")

_STYLE = """\
:root { color-scheme: light dark; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }
table { border-collapse: collapse; width: 100%; display: block; overflow-x: auto; }
th, td { border: 1px solid #8886; padding: .3rem .6rem; text-align: left; vertical-align: top; }
pre { background: #8882; padding: .8rem; overflow-x: auto; }
code { font: .9em ui-monospace, monospace; }"""


def markdown(blocks: Sequence[Block]) -> str:
    """Write the document as Markdown (CommonMark with GitHub's tables)."""
    return "\n\n".join(_as_markdown(block) for block in blocks) + "\n"


def page(title: str, blocks: Sequence[Block]) -> str:
    """Write the document as one HTML page that loads nothing from anywhere."""
    body = "\n".join(_as_html(block) for block in blocks)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _as_markdown(block: Block) -> str:
    match block:
        case Heading(level, run):
            return f"{'#' * level} {_text(run, _plain)}"
        case Paragraph(run):
            return _text(run, _plain)
        case Bullets(points):
            return "\n".join(f"- {_text(point, _plain)}" for point in points)
        case Grid(columns, rows):
            lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
            lines += [" | ".join(_text(cell, _plain) for cell in row) for row in rows]
            return "\n".join(f"| {line} |" for line in lines)
        case Example(text):
            return f"```\n{text}\n```"


def _plain(part: str | Code | Link) -> str:
    match part:
        case Code(text):
            # A pipe ends a cell even inside of code, and a backtick the code itself: values with either are not ours.
            return "`" + " ".join(text.split()).replace("`", "'").replace("|", "\\|") + "`"
        case Link(address):
            return f"<{address}>" if _WEB.fullmatch(address) else _plain(address)
        case str(text):
            return _MARKUP.sub(r"\\\1", text.replace("\n", " "))


def _as_html(block: Block) -> str:
    match block:
        case Heading(level, run):
            return f"<h{level}>{_text(run, _tagged)}</h{level}>"
        case Paragraph(run):
            return f"<p>{_text(run, _tagged)}</p>"
        case Bullets(points):
            return "<ul>\n" + "\n".join(f"<li>{_text(point, _tagged)}</li>" for point in points) + "\n</ul>"
        case Grid(columns, rows):
            head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
            lines = ["".join(f"<td>{_text(cell, _tagged)}</td>" for cell in row) for row in rows]
            return "<table>\n" + "\n".join(f"<tr>{line}</tr>" for line in [head, *lines]) + "\n</table>"
        case Example(text):
            return f"<pre><code>{html.escape(text)}</code></pre>"


def _tagged(part: str | Code | Link) -> str:
    match part:
        case Code(text):
            return f"<code>{html.escape(text)}</code>"
        case Link(address):
            safe = html.escape(address)
            return f'<a href="{safe}">{safe}</a>' if _WEB.fullmatch(address) else safe
        case str(text):
            return html.escape(text)


def _text(run: Run, write: Callable[[str | Code | Link], str]) -> str:
    return "".join(write(part) for part in run)
