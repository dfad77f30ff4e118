"""Evaluate: methods on questions with known answers, what each costs, which to use; results kept over time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import streamlit as st

from app import parts
from app.contenders import BOTH, Contender, contender, offered, space_labels, whole
from app.evaluation import TestSet, open_test_set, test_sets
from app.parts_measure import advice_card, figures, hits, progress, questions, tests, titles_of
from app.parts_shared import ARENA, LIBRARY, TEST_SETS, house, loading_note, note, teach
from app.pictures import COSTS, over_time, quality_against_cost
from app.recommend import preferred, recommend
from embedder import METHODS
from indexer import Result, Results

FOLDER = "a folder in BEIR's layout"
MODES = {"dense": "Meaning", "hybrid": "Meaning + words"}


def chosen_set() -> str:
    """The name of a test set: of this collection, measured before, or a folder to be named."""
    sets = test_sets(house().collection)
    label = st.selectbox("Test set", [*sets, FOLDER], key="set", bind="query-params", format_func=set_title)
    if label != FOLDER:
        return str(label)
    return st.text_input("Folder with corpus.jsonl, queries.jsonl and qrels/test.tsv", key="folder",
                         placeholder="/data/scifact", bind="query-params").strip()  # fmt: skip


def set_title(name: str) -> str:
    """A set as a person calls it."""
    if name == "votes":
        return "Your votes in the Arena"
    return f"Made from your documents: {name.removeprefix('made:')}" if name.startswith("made:") else name


@st.cache_resource(show_spinner="Reading the test set…", ttl=60, max_entries=2)
def opened(name: str, stamp: int) -> TestSet:
    """The set itself, kept a minute: what was measured needs its texts and judgements."""
    return open_test_set(house().collection, name)


def stamp(name: str) -> int:
    """What changes when a set does: a folder's own time, or how much was voted and written."""
    if name == "votes" or name.startswith("made:"):
        home = house().collection
        return hash((len(home.votes.all()), home.status()["chunks"], st.session_state.get("testset-changed", 0)))
    folder = Path(name).expanduser()
    files = [folder / name for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")]
    return max((file.stat().st_mtime_ns for file in files if file.is_file()), default=0)


def start(name: str, own: bool) -> None:
    """What to measure, and the button."""
    spaces = house().collection.spaces()
    labels = [label for label in offered(spaces) if not label.endswith(BOTH)]
    extra = [] if own else [method for method in METHODS if method not in labels]
    there = [label for label in labels if not own or whole(label, spaces)]  # half a space would only look bad
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.multiselect(
            "Methods", [*labels, *extra], default=there, key="evaluate-methods",
            format_func=lambda label: contender(label, spaces).title,
            help="What the collection has vectors of; on a folder any method of the model in memory as well.",
        )  # fmt: skip
        mode = st.segmented_control("Search", list(MODES), default="dense", required=True, key="evaluate-mode",
                                    format_func=MODES.__getitem__)  # fmt: skip
        if st.button("Measure", type="primary", icon=":material/play_arrow:", key="evaluate-go", disabled=not chosen):
            asked = [moded(contender(label, spaces), mode == "hybrid") for label in chosen]
            if not house().bench.start(name, asked):
                st.toast("That is being measured already.")
    if not own:
        note("On a folder every document is embedded once for each method; vectors are kept, so a stopped measurement "
             "goes on where it was.")  # fmt: skip


def moded(one: Contender, hybrid: bool) -> Contender:
    """The contender with words fused in, where that is wanted and it is not words alone."""
    return replace(one, mode="hybrid", label=one.label + BOTH) if hybrid and one.mode == "dense" else one


def results(test: TestSet) -> None:
    """What was measured on the set: advice, figures, picture, tests, single questions, earlier results."""
    store = Results(house().collection.catalogue)
    latest = sorted(store.latest(test.digest), key=preferred)
    if not latest:
        note("Nothing measured on this set yet.")
        return
    titles = titles_of(latest)
    default = house().collection.default_space()
    advice = recommend(latest, default.fingerprint if default else "")
    if advice is not None and advice_card(advice, own=test.own):
        promote(advice.best)
    st.subheader("Figures")
    figures(latest, titles)
    if len(latest) > 1:
        tests(latest, titles)
    picture(latest, titles)
    if len(latest) > 1:
        by_question(latest, titles, test)
    every = store.all(test.digest)
    if len(every) > len(latest):
        with st.expander("Over time", icon=":material/timeline:"):
            st.altair_chart(over_time(every, titles_of(every)), width="stretch", alt="nDCG@10 of every measurement")


def promote(best: Result) -> None:
    """Make the best method the default."""
    space = next(s for s in house().collection.spaces() if s.fingerprint == best.fingerprint)
    house().promote(space)
    st.toast(f"Searches use {space.method} now.")
    st.rerun()


def picture(latest: list[Result], titles: list[str]) -> None:
    """Quality against one of the costs."""
    st.subheader("Quality against cost")
    able = [name for name in COSTS if any(one.cost and COSTS[name][1](one.cost) for one in latest)]
    if not able:
        return
    cost = st.segmented_control("Cost", able, default=able[0], required=True, key="evaluate-cost",
                                format_func=lambda name: COSTS[name][0], label_visibility="collapsed")  # fmt: skip
    said = "; ".join(f"{title} {one.metrics['ndcg@10'].value:.2f}" for one, title in zip(latest, titles, strict=True))
    st.altair_chart(quality_against_cost(latest, titles, cost), width="stretch", alt=f"nDCG@10 against cost: {said}")


def by_question(latest: list[Result], titles: list[str], test: TestSet) -> None:
    """Which questions one method loses to another, with the hits of both."""
    st.subheader("Question by question")
    names = dict(enumerate(titles))
    with st.container(horizontal=True, gap="small"):
        left = st.selectbox("Method", names, key="evaluate-left", format_func=names.__getitem__)
        right = st.selectbox("Against", names, index=1, key="evaluate-right", format_func=names.__getitem__)
    if left == right:
        note("Choose two different ones.")
        return
    rows = questions(latest[left], latest[right], (titles[left], titles[right]), test.dataset.queries)
    lost = sum(row["Difference"] < 0 for row in rows)
    won = sum(row["Difference"] > 0 for row in rows)
    of = parts.plural(len(rows), "question")
    note(f"{titles[left]} loses {lost:,} of {of} and wins {won:,}. Select a row to see the hits.")
    shown = [{name: value for name, value in row.items() if name != "id"} for row in rows]
    picked = st.dataframe(shown, hide_index=True, on_select="rerun", selection_mode="single-row", key="evaluate-rows",
                          alt="nDCG@10 of every question under both methods")  # fmt: skip
    at = next(iter(picked["selection"]["rows"]), None)
    if at is not None and at < len(rows):
        both(rows[at]["id"], (latest[left], latest[right]), (titles[left], titles[right]), test)


def both(query: str, pair: tuple[Result, Result], titles: tuple[str, str], test: TestSet) -> None:
    """The hits of one question under two methods."""
    st.html(f'<div class="tf-question">{parts.escaped(test.dataset.queries.get(query, query))}</div>')
    judged = test.dataset.judged.get(query, {})
    for place, one, title in zip(st.columns(2, gap="medium"), pair, titles, strict=True):
        row = next(row for row in one.rows if row.query == query)
        with place:
            st.html(f'<div class="tf-head">{parts.escaped(title)}</div>'
                    + parts.dim(f"nDCG@10 {row.metrics['ndcg@10']:.3f}"))  # fmt: skip
            hits(row, judged, test.dataset.documents, own=test.own)


def page() -> None:
    """The whole page."""
    st.html(parts.hero("Evaluate", "Which method works on your files? Measured on questions whose answers are known."))
    loading_note()
    if not space_labels(house().collection.spaces()):
        teach("Nothing to measure yet", "Add a folder in the Library first.", ":material/folder_open:")
        st.page_link(LIBRARY, label="Add a folder", icon=":material/add:")
        return
    if not test_sets(house().collection):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            note("This collection has no questions of its own yet; a folder in BEIR's layout can be measured now.")
            st.page_link(ARENA, label="Vote in the Arena", icon=":material/swords:")
            st.page_link(TEST_SETS, label="Make a test set of your documents", icon=":material/quiz:")
    name = chosen_set()
    if not name:
        return
    try:
        test = opened(name, stamp(name))
    except (ValueError, LookupError, OSError) as error:
        st.error(parts.plain(str(error), 400), icon=":material/error:")
        return
    judged, passages = len(test.dataset.judged), len(test.dataset.documents)
    note(f"{parts.plural(judged, 'question')} over {parts.plural(passages, 'passage')}.")
    if name.startswith("made:"):
        note("These questions were made from the passages themselves: they compare methods on these files, and their "
             "figures mean nothing beside figures from elsewhere.")  # fmt: skip
    start(name, test.own)
    progress()
    results(test)


page()
