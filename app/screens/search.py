"""Search: reads the query and its settings from the address, asks the collection once, draws the hits."""

from __future__ import annotations

import os
from pathlib import PurePath

import streamlit as st

from app import parts
from app.house import settle
from app.parts_shared import LIBRARY, house, loading_note, note, passage_link, teach
from embedder import INSTRUCTIONS
from indexer import Filters, Found, Hit

MODES = {"hybrid": "Meaning + words", "dense": "Meaning", "words": "Words"}
LEGS = {"dense": "meaning", "words": "words", "likelihood": "likelihood", "retrieved": "before"}
SUGGESTED = 6
OWN = "the method's own"


def controls() -> None:
    """The widgets that shape a search; all of them live in the address."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.segmented_control(
            "How to search", list(MODES), format_func=MODES.__getitem__, default="hybrid", required=True, key="mode",
            label_visibility="collapsed", bind="query-params",
        )  # fmt: skip
        with st.popover("Filters", icon=":material/filter_list:"):
            st.text_input("Folder or file begins with", key="path", placeholder="/home/me/notes", bind="query-params")
            st.text_input("Kind", key="kind", placeholder="pdf", bind="query-params")
            st.text_input("Changed since", key="since", placeholder="2026-01-31", bind="query-params")
            st.text_input("Changed until", key="until", placeholder="2026-12-31", bind="query-params")
        with st.popover("Instruction", icon=":material/tune:"):
            st.markdown("What counts as a match. Only the query carries it: changing it costs no re-indexing.")
            st.selectbox("Task", [OWN, *INSTRUCTIONS], key="task", bind="query-params")
            st.text_input("Or in your own words", key="instruction", bind="query-params",
                          placeholder="Given a question, retrieve passages that contradict it")  # fmt: skip
        with st.popover("Results", icon=":material/format_list_numbered:"):
            st.slider("Passages to show", 5, 50, 10, 5, key="top", bind="query-params")


def instruction() -> str:
    """The reader's own words, else those of the task chosen, else nothing: the method's own."""
    chosen = st.session_state.task
    return st.session_state.instruction.strip() or ("" if chosen == OWN else INSTRUCTIONS[chosen])


def search(query: str) -> Found:
    """One search as the widgets say; words alone while no model is there."""
    state, home = st.session_state, house()
    mode = state.mode
    filters = Filters(
        os.path.expanduser(state.path.strip()), *(state[name].strip() for name in ("kind", "since", "until"))
    )
    embedder = None if mode == "words" else home.embedder()
    return home.collection.search(query, embedder, top=state.top, mode=mode, instruction=instruction(), filters=filters)


def outdated(found: Found) -> None:
    """Where the documents have no vectors of the resident model, offer to make them."""
    home = house()
    if not any("no vectors" in note for note in found.notes):  # asked first: the other question counts all vectors
        return
    if home.collection.space_of(home.embedder()) is not None:
        return
    label = "Embed the documents with this model"
    if st.button(label, icon=":material/layers:", key="search-embed", type="primary"):
        home.add_space("")
        st.toast("The Library shows how far it is. Searching goes on meanwhile.")


@st.cache_resource(show_spinner=False)
def first_search_done() -> None:
    """The first search loads libraries of its own; once in a process they are settled too."""
    settle()


def card(hit: Hit, query: str) -> None:
    """One hit: where it is, what it says, how each leg saw it."""
    with st.container(border=True, key=f"card-{hit.rank}"):
        label = parts.plain(PurePath(hit.path).name) + (f"  ·  {parts.plain(hit.page)}" if hit.page else "")
        passage_link(label, hit.document, hit.start, hit.end, query=query, icon=parts.icon(hit.kind, hit.path))
        st.html(parts.dim(where(hit)) + parts.excerpt(hit.text, query, kind=hit.kind) + legs(hit))


def legs(hit: Hit) -> str:
    """Rank and score of each leg, as labels."""
    pairs = [("", f"#{hit.rank}")]
    for name, leg in hit.legs.items():
        if leg.rank is None and leg.score is None and st.session_state.mode != "hybrid":
            continue  # this leg was not asked
        value = f"#{leg.rank}" if leg.rank else "not found"
        pairs.append((LEGS.get(name, name), value if leg.score is None else f"{value} · {leg.score:.3g}"))
    return parts.chips(pairs)


def where(hit: Hit) -> str:
    """The folder, and other places that hold the same bytes."""
    also = f"  ·  the same file is also at {', '.join(hit.also[:3])}" if hit.also else ""
    return f"{PurePath(hit.path).parent}{also}"


def results(query: str) -> None:
    """The hits of a query, and what to know about them."""
    try:
        with st.spinner("Searching…", show_time=True):
            found = search(query)
    except (ValueError, RuntimeError) as error:
        st.error(parts.plain(str(error), 400), icon=":material/error:")
        return
    first_search_done()
    for text in found.notes:
        st.info(parts.plain(text, 400), icon=":material/info:")
    outdated(found)
    if not found.hits:
        teach("Nothing found", "No passage matches. Fewer filters, other words, or searching by meaning may help; "
              "a file that could not be read is listed in the Library.", ":material/search_off:")  # fmt: skip
        return
    files = len({hit.document for hit in found.hits})
    steps = ", ".join(f"{name} {parts.duration(seconds)}" for name, seconds in found.seconds.items())
    took = parts.duration(sum(found.seconds.values()))
    note(f"{parts.plural(len(found.hits), 'passage')} from {parts.plural(files, 'document')} in {took}", hint=steps)
    for hit in found.hits:
        card(hit, query)


def welcome() -> None:
    """What to do before there is a query."""
    status = house().collection.status()
    if not status["documents"]:
        teach("Nothing to search yet", "Add a folder in the Library: its files are read on this machine, cut into "
              "passages, and each passage becomes a vector. Nothing leaves it.", ":material/folder_open:")  # fmt: skip
        st.page_link(LIBRARY, label="Add a folder", icon=":material/add:")
        return
    there = f"{parts.plural(status['documents'], 'document')}, {parts.plural(status['chunks'], 'passage')} to search."
    note(f"{there} Use your own words, in English or Chinese; results open at the passage.")
    with st.container(horizontal=True, gap="small", key="search-try"):
        for row in house().collection.documents(limit=SUGGESTED):
            title = row.title or PurePath(row.path).stem.replace("-", " ").replace("_", " ")
            st.page_link(__file__, label=parts.plain(title, 40), icon=":material/search:", query_params={"q": title})


def page() -> None:
    """The whole page."""
    if not st.query_params.get("q"):
        st.html(parts.hero("Search your files", "By meaning, by words, or both, with one model on this machine."))
    query = st.text_input(
        "Search your files", key="q", placeholder="What are you looking for?", icon=":material/search:", type="search",
        label_visibility="collapsed", bind="query-params",
    )  # fmt: skip
    controls()
    model = st.empty()
    with model:
        loading_note()
    st.session_state.last_search = dict(st.query_params)
    if query and query.strip():
        results(query.strip())
        if house().runtime.state.phase == "ready":
            model.empty()  # it came while this search waited for it
    else:
        welcome()


page()
