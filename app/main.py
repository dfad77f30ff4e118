"""The pages: a router that opens the shared house once and draws the page that was asked for."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.parts_shared import MARK, house

HERE = Path(__file__).parent
SCREENS = HERE / "screens"


def pages() -> dict[str, list[st.Page]]:
    """Every page under its heading, in the order of the navigation; a document is reached from a hit."""
    return {
        "": [
            st.Page(SCREENS / "search.py", title="Search", icon=":material/search:", url_path="search", default=True),
            st.Page(SCREENS / "ask.py", title="Ask", icon=":material/forum:", url_path="ask"),
            st.Page(SCREENS / "library.py", title="Library", icon=":material/folder_open:", url_path="library"),
            st.Page(SCREENS / "models.py", title="Models", icon=":material/memory:", url_path="models"),
            st.Page(SCREENS / "train.py", title="Train", icon=":material/model_training:", url_path="train"),
            st.Page(SCREENS / "document.py", title="Document", url_path="document", visibility="hidden"),
        ],
        "Side by side": [
            st.Page(SCREENS / "compare.py", title="Compare", icon=":material/view_column:", url_path="compare"),
            st.Page(SCREENS / "methods.py", title="Methods", icon=":material/layers:", url_path="methods"),
            st.Page(SCREENS / "lab.py", title="Instruction lab", icon=":material/science:", url_path="lab"),
            st.Page(SCREENS / "evaluate.py", title="Evaluate", icon=":material/leaderboard:", url_path="evaluate"),
            st.Page(SCREENS / "arena.py", title="Blind arena", icon=":material/swords:", url_path="arena"),
            st.Page(SCREENS / "testsets.py", title="Test sets", icon=":material/quiz:", url_path="testsets"),
            st.Page(SCREENS / "tasks.py", title="Other tasks", icon=":material/category:", url_path="tasks"),
        ],
    }


st.set_page_config(page_title="Twofold", page_icon=MARK, layout="wide", initial_sidebar_state="collapsed")
st.html(HERE / "style.css")
st.logo(MARK, size="medium")
here = st.navigation(pages(), position="top")
house()  # opened by the first session, before any page needs it
here.run()
