"""Blind arena: two hidden methods answer a question, the reader says which served better, and only then sees which."""

from __future__ import annotations

import random
from itertools import combinations
from typing import Any, get_args

import streamlit as st

from app import parts
from app.arena import Duel, Ring, pairs_in_turn, questions_of, topics
from app.contenders import WORDS, Contender, contender, offered, whole
from app.parts_shared import LIBRARY, house, loading_note, note, passage_link, teach
from app.pictures_measured import standings
from indexer import Hit, Rating, Vote, judgements, ratings, trec, votes_needed
from indexer.votes import Choice

SOURCES = {"own": "My questions", "file": "From a file", "mined": "Where they disagree"}
SAID: dict[Choice, tuple[str, str]] = {
    "left": ("Left", ":material/arrow_back:"), "right": ("Right", ":material/arrow_forward:"),
    "both": ("Both", ":material/done_all:"), "neither": ("Neither", ":material/close:"),
}  # fmt: skip
TRIED = 60  # pieces of the documents that every contender is asked
SHORT = 260
FEW = 5  # votes below which a bootstrap interval would look surer than it is


def ring() -> Ring:
    """Where this collection's contenders meet."""
    return Ring(house().collection, house().of_contender)


def chance() -> random.Random:
    """A coin that no reload repeats."""
    return random.Random()


def contenders(labels: list[str]) -> list[Contender]:
    """The contenders of the labels."""
    spaces = house().collection.spaces()
    return [contender(label, spaces) for label in labels]


def first_choice(options: list[str]) -> list[str]:
    """The vectors there are, words alone, and both as a search has them."""
    dense = [label for label in options if label != WORDS and not label.endswith("+words")]
    return [*dense[:3], WORDS, *(f"{label}+words" for label in dense[:1])]


def controls() -> list[str]:
    """Who takes part, and where questions come from."""
    spaces = house().collection.spaces()
    options = [label for label in offered(spaces) if whole(label, spaces)]  # half a space would lose for its gaps
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.segmented_control(
            "Questions", list(SOURCES), format_func=SOURCES.__getitem__, default="own", required=True, key="arena-from",
            label_visibility="collapsed",
        )  # fmt: skip
        asked = st.session_state.get("arena-who", first_choice(options))
        st.session_state["arena-who"] = [one for one in asked if one in options]  # Train sends its own two
        with st.popover("Who takes part", icon=":material/groups:"):
            chosen = st.multiselect(
                "Methods", options, key="arena-who",
                format_func=lambda label: contender(label, []).title,
                help="A duel is between two of them. Which two, and which stands left, stays hidden until you vote.",
            )  # fmt: skip
    return chosen


def ask(labels: list[str]) -> None:
    """The next duel, from wherever questions come."""
    source = st.session_state["arena-from"]
    if source == "own":
        own(labels)
    elif source == "file":
        listed(labels)
    else:
        mined(labels)


def own(labels: list[str]) -> None:
    """A question the reader types."""
    with (
        st.form("arena-own", border=False, clear_on_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        query = st.text_input("Question", key="arena-query", placeholder="Ask what you would really look for",
                              label_visibility="collapsed", max_chars=2000)  # fmt: skip
        sent = st.form_submit_button("Ask both", type="primary", icon=":material/swords:")
    if sent and query.strip():
        pairs = pairs_in_turn(house().collection.votes.all(), contenders(labels), chance())
        with st.spinner("They are looking…", show_time=True):
            duel = ring().duel(query.strip(), pairs, chance())
        if duel is None:
            st.info("All of them found the same passages in the same order: there is nothing to choose. "
                    "Ask something else.", icon=":material/drag_handle:")  # fmt: skip
        begin([duel] if duel else [])


def listed(labels: list[str]) -> None:
    """Questions of a file, those first that divide the methods most."""
    sent = st.file_uploader("One question a line, or JSON lines with a “text”", type=["txt", "jsonl", "tsv", "csv"],
                            key="arena-file", max_upload_size=5)  # fmt: skip
    if st.button("Begin", type="primary", icon=":material/play_arrow:", key="arena-begin", disabled=sent is None):
        divide(questions_of(sent.getvalue()) if sent else [], labels)


def mined(labels: list[str]) -> None:
    """Pieces of the documents that divide the methods most."""
    note("Titles, headings and sentences of your documents are put to every method. You are asked those on which two "
         "of them disagree most.")  # fmt: skip
    if st.button("Find questions", type="primary", icon=":material/travel_explore:", key="arena-mine"):
        divide(ring().taken(TRIED, seed=chance().randrange(10**6)), labels)


def divide(queries: list[str], labels: list[str]) -> None:
    """Duels on the questions that divide the methods; says so where none does."""
    if not queries:
        st.info("There is no question to ask here.", icon=":material/info:")
        return
    with st.spinner(f"{parts.plural(len(queries), 'question')} for {len(labels)} methods…", show_time=True):
        duels = ring().duels(queries, contenders(labels), chance())
    if duels:
        st.toast(f"{len(duels)} of {parts.plural(len(queries), 'question')} divide two methods.")
    else:
        st.info("The methods agree on every one of these questions.", icon=":material/drag_handle:")
    begin(duels)


def begin(duels: list[Duel]) -> None:
    """Put duels in line; the first one is on."""
    st.session_state.arena = {"line": duels, "vote": 0, "choice": ""}
    if duels:
        st.rerun()


def state() -> dict[str, Any]:
    """The duels in line, and the vote just given on the first of them."""
    found: dict[str, Any] = st.session_state.setdefault("arena", {"line": [], "vote": 0, "choice": ""})
    return found


def vote(choice: Choice) -> None:
    """Keep what was chosen; the names may be shown from now on."""
    now = state()
    if now["line"] and not now["vote"]:
        now["vote"] = house().collection.votes.add(now["line"][0].vote(choice))
        now["choice"] = choice


def undo() -> None:
    """Take the vote back: the same duel again, though no longer quite blind."""
    now = state()
    house().collection.votes.undo(now["vote"])
    now |= {"vote": 0, "choice": ""}


def go_on() -> None:
    """The next duel in line."""
    now = state()
    now |= {"line": now["line"][1:], "vote": 0, "choice": ""}


def end() -> None:
    """Leave the line."""
    st.session_state.arena = {"line": [], "vote": 0, "choice": ""}


def duel_bar(duel: Duel) -> None:
    """Four buttons before the vote; after it who was who, undo and next."""
    now = state()
    with st.container(horizontal=True, gap="small", key="arena-bar", vertical_alignment="center"):
        if not now["vote"]:
            for number, choice in enumerate(get_args(Choice), start=1):
                label, icon = SAID[choice]
                st.button(label, key=f"arena-{choice}", icon=icon, shortcut=str(number), on_click=vote, args=(choice,),
                          help=f"Key {number}")  # fmt: skip
            st.button("Skip", key="arena-skip", icon=":material/skip_next:", shortcut="s", on_click=go_on,
                      type="tertiary")  # fmt: skip
            st.button("End", key="arena-end", icon=":material/stop:", on_click=end, type="tertiary",
                      help="Leave these questions; votes stay")  # fmt: skip
            return
        st.button("Undo", key="arena-undo", icon=":material/undo:", shortcut="u", on_click=undo)
        more = len(now["line"]) - 1
        label = f"Next ({more} left)" if more else "Another question"
        st.button(label, key="arena-next", icon=":material/skip_next:", type="primary", shortcut="n", on_click=go_on)


def reveal(duel: Duel) -> None:
    """Who was who, once the vote is in."""
    titles = {label: contender(label, []).title for label in (duel.left, duel.right)}
    winner = {"left": titles[duel.left], "right": titles[duel.right]}.get(state()["choice"])
    said = f"You chose {winner}." if winner else f"You said: {SAID[state()['choice']][0].lower()}."
    st.success(parts.plain(f"{said} Left was {titles[duel.left]}, right was {titles[duel.right]}.", 300),
               icon=":material/visibility:")  # fmt: skip


def draw(duel: Duel) -> None:
    """Question, buttons, and both sides; nothing tells which method stands where."""
    st.html(f'<div class="tf-question">{parts.escaped(duel.query)}</div>')
    voted = bool(state()["vote"])
    if voted:
        reveal(duel)
    duel_bar(duel)
    names = {"left": contender(duel.left, []).title, "right": contender(duel.right, []).title}
    for place, side, hits in zip(st.columns(2, gap="medium"), ("left", "right"), (duel.left_hits, duel.right_hits),
                                 strict=True):  # fmt: skip
        with place:
            head = f"{side.capitalize()}: {names[side]}" if voted else side.capitalize()
            st.html(f'<div class="tf-head">{parts.escaped(head)}</div>')
            for hit in hits:
                passage(hit, duel.query, side)
            if not hits:
                note("Nothing was found.")


def passage(hit: Hit, query: str, side: str) -> None:
    """A passage without anything that would give its method away: no score, no legs."""
    with st.container(border=True, key=f"card-arena-{side}-{hit.rank}"):
        name = hit.path.replace("\\", "/").rpartition("/")[2]
        label = parts.plain(name, 60) + (f"  ·  {parts.plain(hit.page, 20)}" if hit.page else "")
        passage_link(label, hit.document, hit.start, hit.end, query=query, icon=parts.icon(hit.kind, hit.path))
        st.html(parts.excerpt(hit.text, query, SHORT, kind=hit.kind))


def table(votes: list[Vote]) -> None:
    """Standings, what is still needed to tell pairs apart, and the votes to take along."""
    st.subheader("Standings")
    rated = ratings(votes)
    titles = {one.method: contender(one.method, []).title for one in rated}
    if len(votes) < FEW:
        note(f"{parts.plural(len(votes), 'vote')} so far. Ratings are shown from {FEW} on: with fewer, an interval "
             "would look surer than it is.")  # fmt: skip
    else:
        chart(votes, rated, titles)
    with st.expander("Who is ahead of whom, and how many votes would show it", icon=":material/rule:"):
        head = ["Pair", "Votes", "Left of the pair won", "More votes to tell them apart"]
        st.html(parts.table(head, [pair_row(votes, titles, one, other) for one, other in combinations(titles, 2)]))
        note("About the votes that a sign test at the 5% level takes if they go on as so far.")
    exports(votes)


def chart(votes: list[Vote], rated: list[Rating], titles: dict[str, str]) -> None:
    """Ratings with their intervals."""
    alt = "; ".join(f"{titles[one.method]} {one.value:.0f}, {one.low:.0f} to {one.high:.0f}" for one in rated)
    st.altair_chart(standings(rated, titles), width="stretch", alt=f"Ratings: {alt}")
    note(f"{parts.plural(len(votes), 'vote')}. Bradley–Terry ratings: 400 points are odds of ten to one; the line is "
         "the 95% bootstrap interval. “Both” and “neither” count half for each.")  # fmt: skip


def pair_row(votes: list[Vote], titles: dict[str, str], one: str, other: str) -> list[str]:
    """Two methods: votes between them, share, and what is missing."""
    between = [vote for vote in votes if {vote.left, vote.right} == {one, other}]
    won = sum(vote.choice == ("left" if vote.left == one else "right") for vote in between)
    ties = sum(vote.choice in ("both", "neither") for vote in between)
    needed = votes_needed(votes, one, other)
    told = "none: told apart" if needed == 0 else "look alike so far" if needed is None else f"about {needed:,}"
    share = f"{won} of {len(between)}" + (f", {ties} ties" if ties else "") if between else "–"
    return [f"{titles[one]} – {titles[other]}", f"{len(between):,}", share, told if between else "not met yet"]


def exports(votes: list[Vote]) -> None:
    """The judgements for other tools; here they are a test set called “votes”."""
    judged = judgements(votes)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.download_button("Judgements (TREC qrels)", "\n".join(trec(judged)) + "\n", "votes.qrels", "text/plain",
                           icon=":material/download:", on_click="ignore")  # fmt: skip
        st.download_button("Their questions (TSV)", topics(judged), "votes.topics.tsv", "text/tab-separated-values",
                           icon=":material/download:", on_click="ignore")  # fmt: skip
    note("The first three passages of what you chose count as relevant, those of what you refused as not. Evaluate "
         "measures methods on them as the test set “votes”.")  # fmt: skip


def page() -> None:
    """The whole page."""
    st.html(parts.hero("Blind arena", "Two hidden methods answer your question. Say which served you better, then see "
                       "which they were."))  # fmt: skip
    if not house().collection.status()["chunks"]:
        teach("Nobody can enter yet", "Add a folder in the Library first: methods are compared on your own files.",
              ":material/folder_open:")  # fmt: skip
        st.page_link(LIBRARY, label="Add a folder", icon=":material/add:")
        return
    labels = controls()
    loading_note()
    if len(labels) < 2:
        st.info("Choose at least two methods under “Who takes part”.", icon=":material/groups:")
        return
    try:
        if not state()["line"]:
            ask(labels)
        if state()["line"]:
            draw(state()["line"][0])
    except (ValueError, RuntimeError) as error:
        st.error(parts.plain(str(error), 400), icon=":material/error:")
    if votes := house().collection.votes.all():
        table(votes)


page()
