"""Pieces the pages are drawn from, as strings: every character of a document that goes through here stays inert.

It knows no widget and no collection. Text of documents becomes escaped HTML, labels escaped Markdown; nothing of a
reader's files is ever read as markup.
"""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from app.terms import marks, window

MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")
SPACES = re.compile(r"[^\S\n]+")
HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
FULL = 45  # characters of a line that may have been wrapped
ITEM = re.compile(r"\s*(?:[-*•#>]|\d+[.)])")
CODE = frozenset({"code", "json", "csv", "ipynb"})
BLANK = re.compile(r"\s*\n\s*")
ICONS = {
    "pdf": ":material/picture_as_pdf:", "docx": ":material/description:", "pptx": ":material/slideshow:",
    "xlsx": ":material/table_chart:", "csv": ":material/table_chart:", "html": ":material/language:",
    "ipynb": ":material/science:", "json": ":material/data_object:", "code": ":material/code:",
    "eml": ":material/mail:", "epub": ":material/menu_book:",
}  # fmt: skip


def plain(text: str, limit: int = 160) -> str:
    """Text as a label that Markdown leaves alone, on one line."""
    line = " ".join(text.split())
    return MARKUP.sub(r"\\\1", line if len(line) <= limit else line[: limit - 1] + "…")


def cell(text: str) -> str:
    """Text for a table that can be saved as CSV: a spreadsheet must not take it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def icon(kind: str, path: str = "") -> str:
    """The picture of a kind of document."""
    return ICONS.get(kind) or ICONS.get(PurePath(path).suffix.lstrip(".").lower()) or ":material/article:"


def escaped(text: str) -> str:
    """Text as HTML shows it."""
    return html.escape(text, quote=True)


def marked(text: str, spans: Iterable[tuple[int, int]], open_tag: str = "<mark>", close_tag: str = "</mark>") -> str:
    """Escaped text with the spans, in order and apart, between two tags."""
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts += [escaped(text[at:start]), open_tag, escaped(text[start:end]), close_tag]
        at = end
    return "".join([*parts, escaped(text[at:])])


def excerpt(text: str, query: str, size: int = 420, *, kind: str = "") -> str:
    """The part of a passage that repeats the query most, its terms marked, headings without their Markdown."""
    start, end = window(text, marks(text, query), size)
    shown = text[start:end].strip("\n") if kind in CODE else flowing(text[start:end], kind)
    before, after = "… " if start > 0 else "", " …" if end < len(text) else ""
    style = "tf-text tf-clamp tf-code" if kind in CODE else "tf-text tf-clamp"
    return f'<div class="{style}">{before}{marked(shown, marks(shown, query))}{after}</div>'


def flowing(text: str, kind: str = "") -> str:
    """Prose as it reads: lines that only wrapped are joined, blank lines and the marks of headings go."""
    lines = SPACES.sub(" ", text).split("\n")
    shown = lines[0]
    for before, line in itertools.pairwise(lines):
        shown += (" " if wrapped(before, line) else "\n") + line
    short = BLANK.sub("\n", shown).strip()
    return HEADING.sub("", short) if kind == "md" else short


def wrapped(before: str, line: str) -> bool:
    """Whether a line goes on where the one before was full: long prose, no table, no item of a list."""
    return len(before) > FULL and bool(line.strip()) and not ITEM.match(line) and "|" not in before + line


def chips(pairs: Sequence[tuple[str, str]]) -> str:
    """Small labels, each a name and a value."""
    inner = "".join(
        f'<span class="tf-chip">{escaped(name)}{" " if name and value else ""}<b>{escaped(value)}</b></span>'
        for name, value in pairs
    )
    return f'<div class="tf-chips">{inner}</div>'


def stats(pairs: Sequence[tuple[str, str]]) -> str:
    """A row of figures, each a value over its name."""
    inner = "".join(f'<div class="tf-stat"><b>{escaped(v)}</b><span>{escaped(n)}</span></div>' for n, v in pairs)
    return f'<div class="tf-stats">{inner}</div>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of plain text."""
    top = "".join(f'<th scope="col">{escaped(name)}</th>' for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escaped(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    inner = f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="tf-scroll"><table class="tf-table">{inner}</table></div>'


def hero(title: str, line: str) -> str:
    """A page's heading and the sentence under it."""
    return f'<div class="tf-hero"><h1>{escaped(title)}</h1><p>{escaped(line)}</p></div>'


def dim(text: str, hint: str = "") -> str:
    """A quiet line, with a hint shown where the mouse rests on it."""
    title = f' title="{escaped(hint)}"' if hint else ""
    return f'<div class="tf-dim"{title}>{escaped(text)}</div>'


def size(count: float) -> str:
    """Bytes as a person reads them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("the last unit takes any size")


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun: 1 passage, 2,000 passages."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Seconds as a person reads them."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
