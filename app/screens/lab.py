"""Instruction lab: one method, one query, five wordings of the instruction; how the hits move, how they score."""

from __future__ import annotations

import streamlit as st

from app import parts
from app.compare import beside
from app.contenders import Contender, contender, space_labels
from app.evaluation import aligned, open_test_set, test_sets
from app.parts_beside import agreement, awaited, by_chunk, gathered, movers, picture, queued_note
from app.parts_measure import progress
from app.parts_shared import LIBRARY, house, loading_note, note, teach
from app.wordings import COUNT, reads, suggested, worded
from indexer import Found, Result, Results, paired

NONE = "no test set"
TOP = 10


def choice() -> Contender | None:
    """The method whose instruction is worded; None where no method here reads one."""
    spaces = house().collection.spaces()
    able = [label for label in space_labels(spaces) if reads(contender(label, spaces))]
    if not able:
        teach("No method here reads an instruction", "Methods such as pocket, e5-instruct or qwen3-embedding do. Add "
              "one on the Methods page; the files are not read again.", ":material/tune:")  # fmt: skip
        return None
    label = st.selectbox("Method", able, key="lab-method", bind="query-params",
                         format_func=lambda name: contender(name, spaces).title)  # fmt: skip
    return contender(label, spaces)


def wordings(one: Contender) -> dict[str, Contender]:
    """Five fields, the first filled with the method's own wording."""
    texts = []
    for at, text in enumerate(suggested(one), 1):
        texts.append(st.text_input(f"Wording {at}", text, key=f"lab-{at}-{one.method}", placeholder="leave out"))
    return worded(one, texts)


def tried(query: str, asked: dict[str, Contender]) -> None:
    """The same query under every wording."""
    with st.spinner("Searching…", show_time=True):
        there, waiting = gathered({name: (one, query) for name, one in asked.items()}, top=TOP)
    if waiting:
        queued_note(next(iter(waiting.values())))
        awaited(list(waiting.values()))
    comparison = beside(query, {name: there[name] for name in asked if name in there})
    found, _ = by_chunk(comparison)
    if len(comparison.columns) < 2 or not found:
        return
    titles = {name: f"Wording {name}" for name in comparison.columns}
    same(comparison.columns)
    picture(found, titles)
    with st.expander("Which passages moved", icon=":material/swap_vert:", expanded=True):
        movers(found, titles)
    with st.expander("How far the wordings agree", icon=":material/join_inner:"):
        agreement(comparison, titles, TOP)


def same(columns: dict[str, Found]) -> None:
    """Say it where no wording changes anything."""
    orders = {tuple(hit.chunk for hit in found.hits) for found in columns.values()}
    if len(orders) == 1:
        note(
            "All wordings find the same passages in the same order: this model takes nothing from the instruction here."
        )


def scored(one: Contender, asked: dict[str, Contender]) -> None:
    """The wordings on a test set."""
    sets = test_sets(house().collection)
    if not sets:
        note("With votes of the Arena, or a test set made from your documents, the wordings can be scored here too.")
        return
    name = st.selectbox("Score them on", [NONE, *sets], key="lab-set", bind="query-params")
    if name == NONE:
        return
    try:
        digest = open_test_set(house().collection, name).digest
    except (ValueError, LookupError, OSError) as error:
        st.error(parts.plain(str(error), 400), icon=":material/error:")
        return
    if st.button("Score the wordings", key="lab-score", icon=":material/play_arrow:", type="primary"):
        house().bench.start(name, list(asked.values()))
    progress()
    fingerprint = one.space.fingerprint if one.space is not None else ""
    known = {
        result.instruction: result
        for result in Results(house().collection.catalogue).latest(digest)
        if result.fingerprint == fingerprint and result.mode == "dense"
    }
    scores([(number, known[each.instruction]) for number, each in asked.items() if each.instruction in known])


def scores(rows: list[tuple[str, Result]]) -> None:
    """nDCG of every wording that was scored, with the test against the first one."""
    if not rows:
        return
    first = rows[0][1]
    lines = []
    for number, result in rows:
        value = result.metrics["ndcg@10"]
        difference = paired(*aligned(result, first))
        against = "" if result is first else f"{difference.value:+.3f}, p = {difference.p:.2g}"
        lines.append([f"Wording {number}", f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]", against])
    st.html(parts.table(["", "nDCG@10", f"Against wording {rows[0][0]} (paired test)"], lines))


def page() -> None:
    """The whole page."""
    st.html(parts.hero("Instruction lab", "Only the query carries an instruction, so five wordings cost five queries: "
                       "no document is embedded again."))  # fmt: skip
    loading_note()
    if not house().collection.spaces():
        teach("Nothing to try yet", "Add a folder in the Library first.", ":material/folder_open:")
        st.page_link(LIBRARY, label="Add a folder", icon=":material/add:")
        return
    one = choice()
    if one is None:
        return
    query = st.text_input("Query", key="lab-query", placeholder="What are you looking for?", bind="query-params",
                          icon=":material/search:", type="search", label_visibility="collapsed")  # fmt: skip
    with st.expander(f"The {COUNT} wordings", icon=":material/tune:", expanded=True):
        asked = wordings(one)
    if len(asked) < 2:
        st.info("Give at least two different wordings.", icon=":material/tune:")
        return
    try:
        if query and query.strip():
            tried(query.strip(), asked)
        st.subheader("On a test set")
        scored(one, asked)
    except (ValueError, RuntimeError) as error:
        st.error(parts.plain(str(error), 400), icon=":material/error:")


page()
