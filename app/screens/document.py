"""A document opened at a passage: its text with the span marked, and for a PDF the page itself."""

from __future__ import annotations

import base64
from pathlib import Path, PurePath

import streamlit as st

from app import parts
from app.parts_shared import SEARCH, house, note, teach
from app.terms import marks
from indexer import Document, LoadError
from indexer.records import PageSpan

AROUND = 2500  # characters shown before and after the span
MOST_SHEETS = 3
SCROLL = "<script>document.getElementById('passage')?.scrollIntoView({block: 'center'})</script>"  # no word of a file
CODE = frozenset({"code", "json", "csv"})


def number(name: str) -> int:
    """A whole number from the address; 0 where there is none."""
    value = str(st.query_params.get(name, ""))
    return int(value) if value.isdecimal() and len(value) < 12 else 0


def back() -> None:
    """The way back to the search that led here."""
    st.page_link(SEARCH, label="Back to the results", icon=":material/arrow_back:",
                 query_params=st.session_state.get("last_search") or None)  # fmt: skip


def shown_text(document: Document, start: int, end: int, query: str) -> str:
    """The text around the span as inert HTML: the span framed, the query's terms in it marked."""
    first, last = window(document, start, end)
    text = document.text
    cls = "tf-page tf-code" if document.kind in CODE else "tf-page"
    inside = parts.marked(text[start:end], marks(text[start:end], query)) if query else parts.escaped(text[start:end])
    before, after = parts.escaped(text[first:start]), parts.escaped(text[end:last])
    lead, tail = "… " if first else "", " …" if last < len(text) else ""
    if end <= start:
        return f'<div class="{cls}">{before}{after}{tail}</div>'
    span = f'<span class="tf-span" id="passage" tabindex="-1">{inside}</span>'
    return f'<div class="{cls}">{lead}{before}{span}{after}{tail}</div>'


def window(document: Document, start: int, end: int) -> tuple[int, int]:
    """Characters to show: the span and AROUND on both sides (of a PDF its pages), moved to the edges of lines."""
    if document.kind == "pdf" and (page := page_at(document, start)):
        last_page = page_at(document, max(start, end - 1)) or page
        return page.start, max(end, last_page.end)
    first = max(0, start - AROUND)
    edge = document.text.find("\n", first, start)
    first = edge + 1 if first and edge >= 0 else first
    last = min(len(document.text), end + AROUND)
    edge = document.text.rfind("\n", end, last)
    return first, edge if last < len(document.text) and edge > 0 else last


def sheets(document: Document, start: int, end: int) -> str:
    """The PDF pages that hold the span, as pictures with a box over each line of the passage; "" where it has none."""
    end = max(end, start + 1)
    over = [page for page in document.pages if page.start < end and start < max(page.end, page.start + 1)]
    path = Path(document.path)
    return "".join(sheet(path, page, start, end) for page in over[:MOST_SHEETS] if page.label.startswith("page "))


def sheet(path: Path, page: PageSpan, start: int, end: int) -> str:
    """One page as a picture with its part of the span marked."""
    number = int(page.label.removeprefix("page "))
    first, last = max(start, page.start) - page.start, min(end, page.end) - page.start
    drawn = house().papers.draw(path, number, first, last)
    boxes = "".join(
        f'<span style="left:{x0:.2%};top:{y0:.2%};width:{x1 - x0:.2%};height:{y1 - y0:.2%}"></span>'
        for x0, y0, x1, y1 in drawn.boxes
    )
    source = base64.b64encode(drawn.png).decode()
    alt = f"Page {number} with the passage marked"
    return f'<div class="tf-sheet"><img alt="{alt}" src="data:image/png;base64,{source}">{boxes}</div>'


def page_at(document: Document, start: int) -> PageSpan | None:
    """The page, slide, sheet or cell a character is on."""
    return next((page for page in document.pages if page.start <= start < max(page.end, page.start + 1)), None)


def draw_sheet(document: Document, start: int, end: int) -> None:
    """The page's picture, or why there is none."""
    try:
        drawn = sheets(document, start, end)
    except (LoadError, OSError) as error:  # gone or damaged: its text is still there
        note(f"The page cannot be drawn: {error}")
    else:
        if drawn:
            st.html(drawn)


def header(document: Document, start: int) -> None:
    """Name, place and size of the document."""
    page = page_at(document, start)
    label = page.label if page else ""
    st.html(f'<div class="tf-hero"><h1>{parts.escaped(document.title or PurePath(document.path).name)}</h1></div>')
    pairs = [("", document.kind or "text"), ("", label), ("", parts.plural(len(document.text), "character"))]
    st.html(parts.chips([pair for pair in pairs if pair[1]]) + parts.dim(document.path))
    for other in document.also:
        note(f"also at {other}")


def step(document: Document, start: int, end: int) -> None:
    """Links to the text before and after what is shown."""
    first, last = window(document, start, end)
    with st.container(horizontal=True):
        if first:
            at = max(0, first - AROUND)
            st.page_link(__file__, label="Earlier", icon=":material/arrow_upward:",
                         query_params={"id": str(document.id), "start": str(at), "end": str(at)})  # fmt: skip
        if last < len(document.text):
            at = min(len(document.text), last + AROUND)
            st.page_link(__file__, label="Later", icon=":material/arrow_downward:",
                         query_params={"id": str(document.id), "start": str(at), "end": str(at)})  # fmt: skip


def page() -> None:
    """The whole page."""
    back()
    try:
        document = house().collection.document(number("id"))
    except LookupError:
        teach("This document is not in the collection", "It may have been removed, or the folder was read again after "
              "the file changed. Search again to find it.", ":material/link_off:")  # fmt: skip
        return
    start = min(number("start"), len(document.text))
    end = min(max(start, number("end")), len(document.text))
    header(document, start)
    text = shown_text(document, start, end, str(st.query_params.get("for", "")))
    if document.kind == "pdf":
        left, right = st.columns([1, 1], gap="large")
        with left:
            draw_sheet(document, start, end)
        with right:
            st.html(text)
    else:
        st.html(text)
        st.html(SCROLL, unsafe_allow_javascript=True)
    step(document, start, end)


page()
