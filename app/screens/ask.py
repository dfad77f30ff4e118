"""Ask: a conversation over the files. Answers grow in a buffer of the desk, so a click or a reload loses nothing."""

from __future__ import annotations

import streamlit as st

from app import parts
from app.desk import Ask
from app.parts_answer import draw_answer, draw_growing
from app.parts_shared import LIBRARY, house, loading_note, note, teach
from app.saved import turns

LISTED = 30
STYLES = {"quote": "Quote", "write": "Write"}
HELP = (
    "Quote shows the sentences of your files that answer, word for word. Write lets the model put an answer into its "
    "own words; sentences that no passage supports are underlined."
)


def conversation() -> int:
    """The conversation in the address, 0 for a new one."""
    value = str(st.query_params.get("talk", ""))
    return int(value) if value.isdecimal() and len(value) < 12 else 0


def bar() -> None:
    """Style, new conversation, earlier ones, and how passages are found."""
    able = house().writes()
    styles = list(STYLES) if able else ["quote"]
    writes = able and house().card().writes
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.segmented_control(
            "Style of the answer", styles, format_func=STYLES.__getitem__, key="style", required=True,
            default="write" if writes else "quote", label_visibility="collapsed", help=HELP,
        )  # fmt: skip
        if st.button("New", icon=":material/add_comment:", help="Begin a new conversation", key="ask-new"):
            st.query_params.clear()
            st.rerun()
        with st.popover("Earlier", icon=":material/history:"):
            earlier()
        if talk := conversation():
            with st.popover("Title", icon=":material/edit:"):
                titled(talk)
        with st.popover("Options", icon=":material/tune:"):
            st.slider("Passages to read", 3, 20, 8, key="ask-top")
            st.toggle(
                "Let the model re-order the passages", key="ask-rerank", value=house().card().rerank,
                help="Orders passages by how likely the model finds the question after reading each. Slower.",
            )  # fmt: skip


def earlier() -> None:
    """Links to the last conversations, each with a button that deletes it."""
    rows = house().collection.answers.conversations(limit=LISTED)
    if not rows:
        note("Conversations you have had are listed here.")
    for row in rows:
        label = parts.plain(row.title, 34)  # the button beside it stays on the line of a narrow screen
        with st.container(horizontal=True, vertical_alignment="center", key=f"ask-earlier-{row.id}"):
            st.page_link(__file__, label=label, query_params={"talk": str(row.id)}, width="stretch")
            if st.session_state.get("ask-doomed") == row.id:
                st.button("Keep", key=f"ask-keep-{row.id}", on_click=doom, args=(0,))
                if st.button("Delete", key=f"ask-delete-{row.id}", type="primary", help="With all its answers"):
                    delete(row.id)
            else:
                st.button("", icon=":material/delete:", key=f"ask-doom-{row.id}", type="tertiary",
                          help=f"Delete {label}", on_click=doom, args=(row.id,))  # fmt: skip


def doom(talk: int) -> None:
    """Ask about one conversation whether it is to be deleted, 0 for none."""
    st.session_state["ask-doomed"] = talk


def titled(talk: int) -> None:
    """Rename the conversation shown, or delete it."""
    before = house().collection.answers.title(talk)
    title = st.text_input("Title of this conversation", before, max_chars=80, key=f"ask-title-{talk}")
    with st.container(horizontal=True):
        if st.button("Rename", key="ask-rename", icon=":material/check:", disabled=not title.strip()):
            house().collection.answers.rename(talk, title)
            st.rerun()
        if st.button("Delete", key="ask-delete", icon=":material/delete:", help="With all its answers"):
            delete(talk)


def delete(talk: int) -> None:
    """Forget a conversation, an answer of it that is still growing too; the files stay as they are."""
    for row in house().collection.answers.of(talk):
        house().desk.stop(row.id)
        house().desk.wait(row.id, 5.0)
    house().collection.answers.forget(talk)
    if talk == conversation():
        st.query_params.clear()
    st.rerun()


def ask(question: str) -> None:
    """Begin an answer and show its conversation."""
    home, state = house(), st.session_state
    talk = conversation() or None
    history = turns(home.collection.answers.of(talk)) if talk else []
    wanted = Ask(question, talk, style=state.style, top=state["ask-top"], rerank=state["ask-rerank"])
    number = home.desk.ask(wanted, history)
    st.query_params["talk"] = str(home.collection.answers.get(number).conversation)
    st.rerun()


def talk_so_far(talk: int) -> bool:
    """Every turn of the conversation; whether one is still growing."""
    growing = False
    for row in house().collection.answers.of(talk):
        with st.chat_message("user", avatar=":material/person:"):
            st.html(f'<div class="tf-question">{parts.escaped(row.question)}</div>')
        with st.chat_message("assistant", avatar=":material/auto_stories:"):
            if house().desk.buffer(row.id) is not None:
                growing = True
                draw_growing(row.id)
            else:
                draw_answer(row)
    return growing


def welcome() -> None:
    """What to do before the first question."""
    line = "Answers come from your own documents, and every sentence shows where it stands."
    st.html(parts.hero("Ask your files", line))
    if not house().collection.status()["documents"]:
        teach("Nothing to ask yet", "Add a folder in the Library first.", ":material/folder_open:")
        st.page_link(LIBRARY, label="Add a folder", icon=":material/add:")
        return
    note("Ask a question below. A follow-up may say “it” or “那…呢”: the turns before are read along. Where the files "
         "hold no answer, you are told so.")  # fmt: skip


def page() -> None:
    """The whole page."""
    bar()
    loading_note()
    talk = conversation()
    growing = talk_so_far(talk) if talk else False
    if not talk:
        welcome()
    question = st.chat_input("Ask a question about your files", key="ask-question", disabled=growing, max_chars=4000)
    if question and question.strip():
        ask(question.strip())


page()
