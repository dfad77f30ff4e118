"""Models: what is resident and what it can do, the methods that suit it, and how a text looks to it."""

from __future__ import annotations

import streamlit as st

from app import parts
from app.parts_shared import house, loading_note, note
from embedder import METHODS, Method


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
        st.markdown("Any decoder in a folder with `safetensors` weights, or a GGUF file. Vectors of another model are "
                    "another space: the documents are embedded again beside the old ones.")  # fmt: skip
        name = st.text_input("Folder, file, or name", key="models-name", placeholder="/models/Qwen3-Embedding-0.6B")
        if st.form_submit_button("Load", icon=":material/download:") and name.strip():
            house().runtime.load(name.strip())
            st.rerun()


def methods() -> None:
    """All methods, those that fit the resident model first."""
    st.subheader("Methods")
    note("A method turns a text into tokens and weights. Those marked “untrained use” work on this model, but were "
         "meant for weights trained with them.")  # fmt: skip
    fitting = house().card().method
    rows = sorted(METHODS.values(), key=lambda m: (m.name != fitting, m.trained, m.name))
    head = ["Method", "Pools", "Attention", "Use on this model", "Source"]
    st.html(parts.table(head, [describe(row, fitting) for row in rows]))


def describe(method: Method, fitting: str) -> list[str]:
    """A method as a row of the table."""
    use = "trained for it" if method.name == fitting else "untrained use" if method.trained else "needs no training"
    return [method.name, method.pool, "causal" if method.causal else "both ways", use, method.source]


def spaces() -> None:
    """The spaces of the collection."""
    rows = house().collection.spaces()
    if not rows:
        return
    st.subheader("Spaces of this collection")
    head = ["Method", "Model", "Dimensions", "Vectors", "Missing", "Size", "Use"]
    st.html(parts.table(head, [
        [row.method + (" (untrained use)" if row.untrained else ""), row.model, f"{row.dim:,}", f"{row.vectors:,}",
         f"{row.missing:,}", parts.size(row.bytes), "default" if row.default else ""]
        for row in rows
    ]))  # fmt: skip


def build() -> None:
    """Make vectors of the resident model under another method, or make a finished space the default."""
    home = house()
    with st.expander("Add or change a space", icon=":material/layers:"):
        method = st.selectbox("Method of the new space", list(METHODS), key="models-space")
        if st.button("Embed all documents", key="models-build", icon=":material/play_arrow:"):
            begun = home.add_space(method)
            st.toast("The Library shows how far it is." if begun else "That is under way already.")
        others = [row for row in home.collection.spaces() if row.ready and not row.default]
        for row in others:
            if st.button(f"Use {row.method} on {row.model}", key=f"models-promote-{row.id}", icon=":material/check:"):
                home.collection.promote(row.id)
                st.rerun()


def inspector() -> None:
    """A text as tokens, with the weight of each in the vector."""
    st.subheader("Token inspector")
    note("What the model is given for a text, token by token. The darker a token, the more it weighs in the vector.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = list(METHODS)
        fitting = house().card().method
        name = st.selectbox("Method", names, index=names.index(fitting) if fitting in names else 0, key="models-method")
        side = st.segmented_control("Side", ["query", "document"], default="query", required=True, key="models-side")
    text = st.text_area("Text", "Which lighthouse was built first?", key="models-text", max_chars=2000, height=90)
    if not text.strip():
        return
    try:
        tokens = house().inspect(name, "document" if side == "document" else "query", text)
    except ValueError as error:
        st.error(parts.plain(str(error), 400), icon=":material/error:")
        return
    st.html(shaded(tokens))
    pooled = sum(weight > 0 for _, weight in tokens)
    note(f"{parts.plural(len(tokens), 'token')}, of which {pooled:,} carry the vector.")


def shaded(tokens: list[tuple[str, float]]) -> str:
    """Tokens as boxes, the weight as the strength of the colour under each."""
    most = max((weight for _, weight in tokens), default=0.0) or 1.0
    boxes = []
    for text, weight in tokens:
        share = round(100 * weight / most)
        tint = f"background: color-mix(in srgb, var(--tf-accent) {share * 0.3:.0f}%, transparent); "
        line = f"border-color: color-mix(in srgb, var(--tf-accent) {share}%, var(--tf-line))"
        shown = parts.escaped(text.replace("\n", "↵")) or "&nbsp;"
        boxes.append(f'<span class="tf-token" style="{tint}{line}" title="weight {weight:.4f}">{shown}</span>')
    return f'<div class="tf-tokens">{"".join(boxes)}</div>'


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
    spaces()
    if house().runtime.state.phase == "ready" and house().collection.spaces():
        build()
    methods()
    if house().runtime.state.phase == "ready":
        inspector()


page()
