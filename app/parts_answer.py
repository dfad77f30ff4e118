"""An answer on the Ask page: growing in a fragment that asks the desk, or finished with its citations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import streamlit as st

from app import parts
from app.parts_shared import house, note, passage_link

POLL_SECONDS = 0.3
WAITING = {"loading": "Loading the model…", "searching": "Looking for passages…", "writing": "Reading the passages…"}


@st.fragment(run_every=POLL_SECONDS)
def draw_growing(number: int) -> None:
    """What there is of an answer so far, and a button that ends it."""
    buffer = house().desk.buffer(number)
    if buffer is None or buffer.over.is_set():
        st.rerun(scope="app")
        return
    if buffer.text:
        st.html(f'<div class="tf-answer tf-caret">{parts.escaped(buffer.text)}</div>')
    else:
        st.html(f'<div class="tf-dim tf-caret">{WAITING.get(buffer.phase, "")}</div>')
    if st.button("Stop", icon=":material/stop_circle:", key=f"stop-{number}", disabled=buffer.stop.is_set()):
        house().desk.stop(number)


def draw_answer(row: Any) -> None:
    """A finished answer: its text, its sources, what was read, and what went wrong if something did."""
    if row.state in ("failed", "writing"):
        ended = "the program ended while this was being answered"
        reason = ended if row.state == "writing" else row.details.get("reason")
        st.error(parts.plain(f"No answer: {reason}", 400), icon=":material/error:")
    if row.refused:
        st.html(f'<div class="tf-answer">{parts.escaped(row.text)}</div>')
        note("No passage fits the question better than unrelated questions fit. The closest ones are below.")
    elif row.details.get("style", row.style) == "quote":
        if row.style == "write":
            note("The model wrote nothing of use here, so the sentences that answer are quoted.")
        draw_quotes(row)
    elif row.text:
        draw_written(row)
    if row.state == "stopped":
        note("Stopped by you.")
    draw_read(row)


def draw_quotes(row: Any) -> None:
    """Each quoted sentence with the place it stands."""
    for citation in row.citations:
        with st.container(key=f"quote-{row.id}-{citation.ordinal}", gap="small"):
            st.html(f'<div class="tf-quote">{parts.escaped(" ".join(citation.text.split()))}</div>')
            cite(citation, row.question)


def draw_written(row: Any) -> None:
    """The written text with a number after each supported sentence, then the passages the numbers mean."""
    st.html(f'<div class="tf-answer">{numbered(row.text, row.citations, row.details.get("unsupported", []))}</div>')
    if row.details.get("unsupported"):
        note_html = '<span class="tf-bare">Underlined</span>: no passage was found that says this.'
        st.html(f'<div class="tf-dim">{note_html}</div>')
    for citation in row.citations:
        cite(citation, row.question, quoted=True)


def numbered(text: str, citations: Sequence[Any], unsupported: Sequence[Sequence[int]]) -> str:
    """The text escaped, citation numbers set after their sentences, unsupported sentences underlined."""
    ends = {one.answer_end: f"<sup>{one.ordinal}</sup>" for one in citations}
    opens = {start: '<span class="tf-bare">' for start, _ in unsupported}
    closes = {end: "</span>" for _, end in unsupported}
    cuts = sorted({0, len(text), *ends, *opens, *closes})
    shown = []
    for at, following in zip(cuts, [*cuts[1:], len(text)], strict=True):
        shown += [ends.get(at, ""), closes.get(at, ""), opens.get(at, ""), parts.escaped(text[at:following])]
    return "".join(shown)


def cite(citation: Any, question: str, *, quoted: bool = False) -> None:
    """A link to a cited passage, with its words where they are not shown above."""
    place = parts.plain(PurePath(citation.path).name) + (f", {parts.plain(citation.page)}" if citation.page else "")
    label = f"{citation.ordinal} · {place}"
    if not citation.there:
        note(f"{citation.ordinal} · {citation.path} (no longer in the collection)")
    else:
        passage_link(label, citation.document, citation.start, citation.end, query=question)
    if quoted:
        note(" ".join(citation.text.split()))


def draw_read(row: Any) -> None:
    """The passages that were retrieved, cited or not, and how long it took."""
    read = row.details.get("retrieved", [])
    for text in row.details.get("notes", []):
        note(text)
    if not read:
        return
    with st.expander(f"{parts.plural(len(read), 'passage')} read", expanded=bool(row.refused)):
        for hit in read:
            label = parts.plain(PurePath(hit["path"]).name) + (f", {parts.plain(hit['page'])}" if hit["page"] else "")
            passage_link(f"#{hit['rank']} {label}", hit["document"], hit["start"], hit["end"], query=row.question)
        first = row.details.get("seconds_to_first_token", 0.0)
        p_value = row.details.get("p_value")
        odds = "" if p_value is None else f"  ·  unrelated questions score as well with p = {p_value:.2g}"
        note(f"{row.model}, {row.method}  ·  first words after {parts.duration(first)}{odds}")
