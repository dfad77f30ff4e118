"""Models: what is resident and what it can do, and how a text looks to it under a method."""

from __future__ import annotations

from importlib.util import find_spec

import streamlit as st

from app import parts
from app.parts_shared import house, loading_note, note
from app.parts_tokens import about, shaded
from embedder import METHODS
from embedder.engine import INSTALL, check_model


def resident() -> None:
    """The model in memory: its figures and its card."""
    home = house()
    engine = home.runtime.engine()
    card = home.card()
    st.html(parts.stats([
        ("resident", engine.name),
        ("memory for its weights", parts.size(engine.bytes) if hasattr(engine, "bytes") else "none"),
        ("dimensions", f"{engine.dim:,}"),
        ("context in tokens", f"{engine.context:,}"),
        ("on", f"{engine.device}, {engine.dtype}"),
        *((("threads", f"{engine.threads:,}"),) if hasattr(engine, "threads") else ()),
    ]))  # fmt: skip
    writing = "writes" if card.writes else "writes poorly: answers are quoted"
    does = ["embeds", writing if home.writes() else "does not write: answers are quoted"]
    does += ["re-orders passages well"] if card.rerank else []
    trained = ("trained for", card.method or "no method of the list below")
    st.html(parts.chips([*(("", text) for text in does), trained]))
    if card.text:
        with st.expander("Its card", icon=":material/id_card:"):
            st.html(f'<div class="tf-text">{parts.escaped(card.text)}</div>')


def change() -> None:
    """Put another model in its place."""
    with st.expander("Use another model", icon=":material/swap_horiz:"), st.form("models-load", border=False):
        once = "" if find_spec("llama_cpp") else f" once it is installed: `{INSTALL}`"
        st.markdown(f"Any decoder in a folder with `safetensors` weights, or a GGUF file, which llama.cpp runs{once}. "
                    "The model there is let go first; if the other cannot be loaded, it comes back. Vectors of another "
                    "model are another space: the documents are embedded again beside the old ones.")  # fmt: skip
        name = st.text_input("Folder, file, or name", key="models-name", placeholder="/models/Qwen3-0.6B-Q8_0.gguf")
        if st.form_submit_button("Load", icon=":material/download:") and name.strip():
            load(name.strip())


def load(name: str) -> None:
    """Begin to load a model, unless it can be seen beforehand that it cannot be."""
    try:
        check_model(name)
    except ValueError as error:
        st.error(parts.plain(str(error), 400), icon=":material/error:")
        return
    house().runtime.load(name)
    st.rerun()


def inspector() -> None:
    """A text as tokens, with the weight of each in the vector."""
    st.subheader("Token inspector")
    note(
        "What the model is given for a text, token by token. The darker a token and the bar under it, the more it "
        "weighs in the vector; an instruction is slanted."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = list(METHODS)
        fitting = house().card().method
        name = st.selectbox("Method", names, index=names.index(fitting) if fitting in names else 0, key="models-method")
        side = st.segmented_control("Side", ["query", "document"], default="query", required=True, key="models-side")
    text = st.text_area("Text", "Which lighthouse was built first?", key="models-text", max_chars=2000, height=90)
    if not text.strip():
        return
    try:
        shown = house().inspect(name, "document" if side == "document" else "query", text)
    except ValueError as error:
        st.error(parts.plain(str(error), 400), icon=":material/error:")
        return
    st.html(shaded(shown["tokens"]))
    note(about(shown))


def page() -> None:
    """The whole page."""
    st.html(parts.hero("Models", "One language model is in memory. It finds the passages and writes the answers."))
    loading_note()
    if house().runtime.state.phase == "loading":
        st.button("Look again", icon=":material/refresh:")
        return
    if house().runtime.state.phase == "ready":
        resident()
    change()
    if house().runtime.state.phase == "ready":
        inspector()


page()
