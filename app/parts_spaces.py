"""What the Methods page draws: the spaces of the collection, adding one after telling its cost, the methods' cards."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from app import parts
from app.contenders import space_labels
from app.methods_table import cards
from app.parts_shared import house, note
from embedder import METHODS
from indexer import Space, spaces

POLL_SECONDS = 1.0
OWN = "the model's own"


@st.fragment(run_every=POLL_SECONDS)
def building() -> None:
    """Vectors being made, in whichever process, each with a button that ends it; redraws the page when one ends."""
    home = house()
    running = [job for job in home.collection.jobs(running=True) if job.kind == "space"]
    waiting = [name for name in (home.works.current, *home.works.waiting) if name.startswith("vectors of")]
    seen = st.session_state.get("spaces-running", False)
    st.session_state["spaces-running"] = bool(running or waiting)
    if seen and not st.session_state["spaces-running"]:
        st.rerun(scope="app")
    for job in running:
        progress = home.works.progress
        left = f", about {parts.duration(progress.eta_s)} left" if progress is not None and progress.eta_s else ""
        text = f"{job.target}: {job.done:,} of {parts.plural(job.total, 'passage')}{left}"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=parts.plain(text, 240))
            if st.button("Stop", key=f"spaces-stop-{job.id}", icon=":material/stop_circle:"):
                home.collection.cancel(job.id)
                home.works.stop(next(iter(waiting), ""))
    for name in waiting[1:] if running else waiting:
        note(f"Waiting: {name}")
    for name, reason in home.works.problems:
        st.error(parts.plain(f"{name}: {reason}", 400), icon=":material/error:")


def held() -> None:
    """The spaces there are: which one searches use, what is missing, what can be done with each."""
    rows = house().collection.spaces()
    busy = {job.target for job in house().collection.jobs(running=True) if job.kind == "space"}
    labels = {space.id: label for label, space in space_labels(rows).items()}
    for space in sorted(rows, key=lambda row: (not row.default, row.id)):
        with st.container(border=True, key=f"card-space-{space.id}"):
            one(
                space,
                labels.get(space.id, f"{space.method}, an earlier version"),
                busy=f"{space.method} on {space.model}" in busy,
            )
    with house().collection.catalogue.read() as connection:
        before = spaces.previous(connection)
    earlier = next((row for row in rows if row.id == before), None)
    if earlier is not None and st.button(
        f"Go back to {labels.get(earlier.id, earlier.method)}", key="spaces-rollback", icon=":material/undo:",
        help="Makes the method that searches used before the default again, at once.",
    ):  # fmt: skip
        house().rollback()
        st.rerun()


def one(space: Space, label: str, *, busy: bool) -> None:
    """One space with its buttons."""
    chips = [("", "default")] if space.default else []
    chips += [("on", space.model), ("", parts.plural(space.vectors, "vector")), ("", f"{space.dim:,} dimensions")]
    chips += [("", parts.size(space.bytes))]
    chips += [("", f"{space.missing:,} missing")] if space.missing else []
    chips += [("", "untrained use")] if space.untrained else []
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(f'<div class="tf-head">{parts.escaped(label)}</div>{parts.chips(chips)}')
        able = space.ready and not space.default
        if able and st.button("Use", key=f"models-promote-{space.id}", icon=":material/check:"):
            act(lambda: house().promote(space))
        idle = not space.ready and not busy
        if idle and st.button("Go on", key=f"spaces-finish-{space.id}", icon=":material/play_arrow:"):
            act(lambda: house().finish(space))
        if not space.default and not busy:
            with st.popover("Remove", icon=":material/delete:"):
                st.markdown("Its vectors are removed. The documents and the other methods stay.")
                if st.button("Remove the vectors", key=f"spaces-drop-{space.id}", type="primary"):
                    act(lambda: house().collection.drop_space(space.id))


def act(work: Any) -> None:
    """Do it and draw the page anew; what cannot be done is said."""
    try:
        work()
    except (ValueError, RuntimeError, OSError) as error:
        st.error(parts.plain(str(error), 400), icon=":material/error:")
    else:
        st.rerun()


def add() -> None:
    """Choose a method and a model, see what it will take, and have it made in the background."""
    st.subheader("Add a method")
    note("Files are not read again. Searching goes on meanwhile, with the method it uses now.")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        method = st.selectbox("Method", [OWN, *METHODS], key="models-space")
        model = st.text_input("Model", key="models-on", placeholder="the one at home, or a folder or GGUF file",
                              help="Decoders and encoders. One model is in memory at a time: while vectors of another "
                              "one are made, a search brings the first one back for its query.")  # fmt: skip
        asked = ("" if method == OWN else method, model.strip())
        estimate = st.button("Estimate", key="models-estimate", icon=":material/timer:")
        build = st.button("Embed all documents", key="models-build", icon=":material/play_arrow:", type="primary")
    if estimate:
        projected(*asked)
    if build:
        begun = house().add_space(*asked)
        st.toast("It is being made. It can be stopped, and goes on later." if begun else "That is under way already.")


def projected(method: str, model: str) -> None:
    """Time and disk of a new space, measured on a sample of the collection's passages."""
    try:
        with st.spinner("Measuring on a sample…", show_time=True):
            embedder = house().known(method, model)
            plan = house().collection.project(embedder)
    except (ValueError, RuntimeError, OSError) as error:
        st.error(parts.plain(str(error), 400), icon=":material/error:")
        return
    name = f"{embedder.method.name} on {embedder.engine.name}"
    if not plan["chunks"]:
        st.info(parts.plain(f"{name}: every passage has its vector already."), icon=":material/check:")
        return
    st.html(parts.stats([
        ("passages to embed", f"{int(plan['chunks']):,}"), ("about", parts.duration(plan["seconds"])),
        ("on disk", parts.size(plan["bytes"])),
    ]))  # fmt: skip
    note(f"{name}, measured on a sample of these passages.")
    if embedder.untrained:
        st.warning(parts.plain(f"Untrained use: {embedder.method.name} wants weights trained for it, and nothing says "
                               f"that {embedder.engine.name} was."), icon=":material/info:")  # fmt: skip


def method_cards() -> None:
    """One method's card, and all of them as JSON."""
    st.subheader("Method cards")
    known = {card["name"]: card for card in cards(house().collection)}
    fitting = house().card().method
    names = sorted(known, key=lambda name: (not known[name]["here"], name != fitting, known[name]["trained"], name))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox("Card of", names, key="methods-card", bind="query-params")
        whole = json.dumps({"methods": list(known.values())}, ensure_ascii=False, indent=2)
        st.download_button("All cards as JSON", whole, "methods.json", "application/json", icon=":material/download:",
                           on_click="ignore")  # fmt: skip
    draw_card(known[name], fitting)


def draw_card(card: dict[str, Any], fitting: str) -> None:
    """What a method is, where it comes from, what it does here."""
    use = "trained for it" if card["name"] == fitting else "untrained use" if card["trained"] else "needs no training"
    chips = [("pools", card["pooling"]), ("attention", card["attention"]), ("on this model", use)]
    st.html(f'<div class="tf-head">{parts.escaped(card["title"])}</div>{parts.dim(card["source"])}{parts.chips(chips)}')
    document = "the same" if card["document"] == card["query"] else seen(card["document"])
    rows = [["query", seen(card["query"])], ["document", document]]
    rows += [["instruction", card["instruction"]]] if card["instruction"] else []
    rows += [["note", card["note"]]] if card["note"] else []
    st.html(parts.table(["", "Template"], rows))
    for there in card["here"]:
        measured(there)


def seen(template: str) -> str:
    """A template on one line, its line ends as the two characters they are written with."""
    return template.replace("\n", "\\n")


def measured(there: dict[str, Any]) -> None:
    """A space of the method: its size, cost and quality in this collection."""
    cost = there["cost"]
    chips = [("on", there["model"]), ("", parts.plural(there["vectors"], "vector")), ("", parts.size(there["bytes"]))]
    if cost:
        chips += [("", f"{cost['tokens']:,.0f} tokens a passage"), ("", f"{cost['tokens_per_s']:,.0f} tokens/s")]
        chips += [("query", f"{cost['p50'] * 1000:,.1f} ms, 95%: {cost['p95'] * 1000:,.1f} ms")]
    st.html(parts.chips(chips))
    rows = [
        [one["dataset"], one["mode"], f"{one['ndcg@10']:.3f} [{one['interval'][0]:.3f}, {one['interval'][1]:.3f}]",
         f"{one['queries']:,}", one["created"][:10]]
        for one in there["quality"]
    ]  # fmt: skip
    if rows:
        st.html(parts.table(["Measured on", "Mode", "nDCG@10", "Questions", "Day"], rows))
