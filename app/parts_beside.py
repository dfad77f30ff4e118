"""What the pages that put things side by side draw alike: columns of passages, the picture of ranks, who moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import streamlit as st

from app import palette, parts
from app.compare import Comparison, Passage, moved, passages
from app.parts_shared import house, note, passage_link
from app.pictures import colours, rank_flow
from indexer import Filters, Found, Hit

if TYPE_CHECKING:
    from app.contenders import Contender
    from app.errands import Errand

PATIENCE_SECONDS = 8.0  # a model that is in memory answers by then; others are waited for in the background
SHORT = 150
POLL_SECONDS = 0.6


def sent(one: Contender, query: str) -> Errand | None:
    """The errand for a column's query vector; None for words, which need none."""
    if one.mode == "words" or one.space is None:
        return None
    return house().errands.send(one.space, query, one.instruction)


def searched(one: Contender, errand: Errand | None, query: str, *, top: int) -> Found:
    """A column, once its vector is there; `seconds` counts the encoding, not the wait for the model."""
    collection = house().collection
    if errand is None:
        return collection.search(query, top=top, mode="words", filters=Filters())
    if errand.reason:
        return Found([], (errand.reason,))
    found = collection.search(query, errand.embedder, top=top, mode=one.mode, query_vector=errand.vector)
    return replace(found, seconds={"query": errand.seconds, **found.seconds})


def gathered(asked: Mapping[str, tuple[Contender, str]], *, top: int) -> tuple[dict[str, Found], dict[str, Errand]]:
    """Every column that can be drawn now, and the errands of those that wait for a model. Keys are the columns' own."""
    home = house()
    errands = {key: sent(one, query) for key, (one, query) in asked.items()}
    there: dict[str, Found] = {}
    waiting: dict[str, Errand] = {}
    for key, (one, query) in asked.items():
        errand = errands[key]
        if errand is not None and one.space is not None and home.at_home(one.space):
            errand.over.wait(PATIENCE_SECONDS)
        if errand is None or errand.over.is_set():
            there[key] = searched(one, errand, query, top=top)
        else:
            waiting[key] = errand
    return there, waiting


@st.fragment(run_every=POLL_SECONDS)
def awaited(errands: Sequence[Errand]) -> None:
    """Redraws the page as soon as one of the errands is over."""
    if any(errand.over.is_set() for errand in errands):
        st.rerun(scope="app")


def queued_note(errand: Errand) -> None:
    """Says what a column waits for."""
    behind = house().errands.waiting
    ahead = f" {parts.plural(behind, 'question')} waiting." if behind else ""
    text = (
        f"Queued: these vectors are of the model {errand.space.model}, which is being brought into memory in the place "
        f"of {house().runtime.home_name()}.{ahead}"
    )
    st.info(parts.plain(text, 300), icon=":material/hourglass_top:")


def picture(found: Sequence[Passage], titles: Mapping[str, str]) -> None:
    """The ranks as a picture, with the same thing in words for who cannot see it."""
    shared = sum(one.shared > 1 for one in found)
    alt = f"Ranks of {parts.plural(len(found), 'passage')} in {len(titles)} columns; {shared} are in several."
    st.altair_chart(rank_flow(found, titles), width="stretch", alt=alt)


def style(found: Sequence[Passage], columns: Sequence[str]) -> None:
    """Gives each passage's card the line and the letter the colour that its line has in the picture."""
    known = colours(found)
    rules = [
        f".st-key-beside-{at}-{one.ranks[name]} {{ --tf-tie: {known.get(one.letter, palette.ALONE)}; }}"
        for one in found for at, name in enumerate(columns) if one.ranks[name] is not None
    ]  # fmt: skip
    st.html(f"<style>{' '.join(rules)}</style>")


def column(at: int, name: str, first: str, comparison: Comparison, found: Mapping[int, Passage]) -> None:
    """The hits of one column; letters and colours say which passages other columns have too."""
    for hit in comparison.columns[name].hits:
        one = found[hit.chunk]
        with st.container(key=f"beside-{at}-{hit.rank}", gap=None):
            badge = badges(one, hit, "" if name == first else moved(one, name, first))
            st.html(badge)
            label = parts.plain(PurePath(hit.path).name, 60) + (f" · {parts.plain(hit.page, 20)}" if hit.page else "")
            passage_link(label, hit.document, hit.start, hit.end, query=comparison.query)
            st.html(parts.excerpt(hit.text, comparison.query, SHORT, kind=hit.kind))


def badges(one: Passage, hit: Hit, move: str) -> str:
    """Letter, rank, and how the passage moved from the first column."""
    said = {"new": "not in the first column", "=": "same rank"}.get(move, "")
    title = f' title="{parts.escaped(said)}"' if said else ""
    tail = f'<span class="tf-move"{title}>{parts.escaped(move)}</span>' if move else ""
    return f'<div class="tf-tie"><i>{one.letter}</i><b>#{hit.rank}</b>{tail}</div>'


def took(found: Found) -> str:
    """How long a column took, with its steps as a hint."""
    steps = ", ".join(f"{name} {parts.duration(seconds)}" for name, seconds in found.seconds.items())
    return parts.dim(parts.duration(sum(found.seconds.values())), hint=steps)


def agreement(comparison: Comparison, titles: Mapping[str, str], top: int) -> None:
    """How far each pair of columns agrees."""
    rows = [
        [f"{titles[o.left]} – {titles[o.right]}", f"{o.shared}", f"{o.jaccard:.2f}", f"{o.rbo:.2f}"]
        for o in comparison.overlaps
    ]
    st.html(parts.table(["Columns", f"Passages in both first {top}", f"Jaccard@{top}", "Rank-biased overlap"], rows))
    note("Rank-biased overlap weighs the first ranks most; 1 is the same order, 0 nothing in common.")


def movers(found: Sequence[Passage], titles: Mapping[str, str]) -> None:
    """Every passage with its rank in each column, those that moved most first."""
    first = next(iter(titles))
    ordered = sorted(found, key=lambda one: (-(one.spread if one.shared > 1 else -1), one.letter))
    rows: list[dict[str, Any]] = []
    for one in ordered:
        row: dict[str, Any] = {"": one.letter, "File": parts.cell(PurePath(one.hit.path).name)}
        row |= {title: one.ranks[name] for name, title in titles.items()}
        row["Moved"] = ", ".join(m for name in titles if (m := moved(one, name, first)) not in ("", "="))
        rows.append(row)
    st.dataframe(rows, hide_index=True, alt="Ranks of every passage in each column")


def by_chunk(comparison: Comparison) -> tuple[list[Passage], dict[int, Passage]]:
    """The passages of a comparison, in order and by chunk."""
    found = passages(comparison.columns)
    return found, {one.hit.chunk: one for one in found}
