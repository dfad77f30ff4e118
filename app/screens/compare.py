"""Compare: one query through two to four columns at once, the same passages tied together by letter and colour."""

from __future__ import annotations

import json
from dataclasses import replace

import streamlit as st

from app import parts
from app.compare import Comparison, beside, document, table
from app.contenders import WORDS, Contender, contender, offered, whole
from app.parts_beside import (
    agreement,
    awaited,
    by_chunk,
    column,
    gathered,
    movers,
    picture,
    queued_note,
    style,
    took,
)
from app.parts_shared import LIBRARY, METHODS_PAGE, house, loading_note, note, teach
from embedder import ENCODERS, METHODS
from indexer import Found, Space

FEWEST, MOST = 2, 4


def controls(spaces: list[Space]) -> list[str]:
    """Which columns, and how deep; all of it lives in the address."""
    options = offered(spaces)
    if "columns" not in st.query_params and "columns" not in st.session_state:
        # no default of the widget: those are left out of the address
        st.session_state.columns = first_choice([label for label in options if whole(label, spaces)])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.multiselect(
            "Columns", options, key="columns", max_selections=MOST, bind="query-params",
            help="Vectors of a method, words alone (BM25), or both fused as Search does. Two to four.",
        )  # fmt: skip
        with st.popover("Results", icon=":material/format_list_numbered:"):
            st.slider("Passages in a column", 3, 20, 8, key="depth", bind="query-params")
    return chosen


def first_choice(options: list[str]) -> list[str]:
    """Every space up to three, and words alone."""
    dense = [label for label in options if label != WORDS and not label.endswith("+words")]
    return [*dense[: MOST - 1], WORDS] if len(dense) > 1 else [*dense, WORDS, *(f"{label}+words" for label in dense)]


def columns_asked(chosen: list[str]) -> dict[str, Contender]:
    """The contenders of the chosen labels, each with the instruction of its column."""
    spaces = house().collection.spaces()
    found = {}
    for label in chosen:
        # an address is opened before the widget that reads it is there
        words = st.session_state.get(key(label), st.query_params.get(key(label), ""))
        found[label] = replace(contender(label, spaces), instruction=str(words).strip())
    return found


def key(label: str) -> str:
    """The name of a column's instruction in the address."""
    return f"for-{label}"


def instruction(label: str, one: Contender) -> None:
    """The instruction of a column, where its method reads one."""
    row = METHODS.get(one.method) or ENCODERS.get(one.method)
    if one.mode == "words":
        note("BM25 over the words of the passages")
    elif row is not None and not row.wants_instruction:
        note("This method reads no instruction")
    else:
        st.text_input(
            f"Instruction of {one.title}", key=key(label), placeholder=row.instruction if row else "the method's own",
            bind="query-params", label_visibility="collapsed",
        )  # fmt: skip


def head(label: str, one: Contender, found: Found | None) -> None:
    """A column's title, its instruction and how long it took."""
    st.html(f'<div class="tf-head">{parts.escaped(one.title)}</div>')
    instruction(label, one)
    if one.space is not None and one.space.missing:
        passages = parts.plural(one.space.missing, "passage")
        st.warning(f"{passages} cannot be found here: their vectors are not made yet.", icon=":material/hourglass_top:")
    if found is not None:
        st.html(took(found))
        for text in found.notes:
            st.info(parts.plain(text, 300), icon=":material/info:")


def draw(query: str, asked: dict[str, Contender], top: int) -> None:
    """The picture, then the columns."""
    with st.spinner("Searching…", show_time=True):
        there, waiting = gathered({label: (one, query) for label, one in asked.items()}, top=top)
    comparison = beside(query, {label: there[label] for label in asked if label in there})
    found, chunks = by_chunk(comparison)
    titles = {label: asked[label].title for label in comparison.columns}
    if len(titles) > 1 and found:
        picture(found, titles)
    style(found, list(comparison.columns))
    for place, (label, one) in zip(st.columns(len(asked), gap="medium"), asked.items(), strict=True):
        with place:
            with st.container(key=f"headof-{list(asked).index(label)}"):
                head(label, one, there.get(label))
            if label in waiting:
                queued_note(waiting[label])
            elif there[label].hits:
                at = list(comparison.columns).index(label)
                column(at, label, next(iter(comparison.columns)), comparison, chunks)
            else:
                note("No passage found.")
    if len(titles) > 1 and found:
        with st.expander("Who moved, and how far the columns agree", icon=":material/swap_vert:"):
            agreement(comparison, titles, top)
            movers(found, titles)
    exports(comparison, asked, top)
    if waiting:
        awaited(list(waiting.values()))


def exports(comparison: Comparison, asked: dict[str, Contender], top: int) -> None:
    """Save what is on the page."""
    about = {
        "collection": house().collection.name, "top": top,
        "instructions": {label: one.instruction for label, one in asked.items() if one.instruction},
        "models": {label: one.space.model for label, one in asked.items() if one.space is not None},
    }  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        whole = json.dumps(document(comparison, about), ensure_ascii=False, indent=2)
        st.download_button("Save as JSON", whole, "comparison.json", "application/json", icon=":material/download:",
                           on_click="ignore")  # fmt: skip
        st.download_button("Save as CSV", table(comparison), "comparison.csv", "text/csv", icon=":material/download:",
                           on_click="ignore")  # fmt: skip
        note("The address of this page holds the query, the columns and their instructions: it can be kept or sent.")


def one_space_note() -> None:
    """With vectors of one method only, say where others come from."""
    if len(house().collection.spaces()) < 2:
        with st.container(horizontal=True, vertical_alignment="center"):
            note("This collection has vectors of one method. More can be added without reading a file again:")
            st.page_link(METHODS_PAGE, label="Add a method", icon=":material/add:")


def page() -> None:
    """The whole page."""
    st.html(parts.hero("Compare", "One query, several methods: which passages each of them finds, and where."))
    home = house()
    if not home.collection.status()["chunks"]:
        teach("Nothing to compare yet", "Add a folder in the Library first.", ":material/folder_open:")
        st.page_link(LIBRARY, label="Add a folder", icon=":material/add:")
        return
    query = st.text_input("Query", key="query", placeholder="What are you looking for?", icon=":material/search:",
                          label_visibility="collapsed", bind="query-params", type="search")  # fmt: skip
    chosen = controls(home.collection.spaces())
    one_space_note()
    model = st.empty()
    with model:
        loading_note()
    if not query or not query.strip():
        return
    if len(chosen) < FEWEST:
        st.info("Choose at least two columns.", icon=":material/view_column:")
        return
    try:
        draw(query.strip(), columns_asked(chosen), st.session_state.depth)
        if house().runtime.state.phase == "ready":
            model.empty()  # it came while the columns waited for it
    except (ValueError, RuntimeError) as error:
        st.error(parts.plain(str(error), 400), icon=":material/error:")


page()
