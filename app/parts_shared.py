"""What several pages draw alike: the shared house, the logo, a link to a passage, a note. It knows no single page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import parts
from app.house import House, open_house

FOLD = '<path d="M4 6l12 5v17L4 22z" fill="#0f6b62"/><path d="M28 6L16 11v17l12-6z" fill="#4fb8a9"/>'
MARK = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32">{FOLD}</svg>'
DOCUMENT = str(Path(__file__).parent / "screens" / "document.py")
SEARCH = str(Path(__file__).parent / "screens" / "search.py")
LIBRARY = str(Path(__file__).parent / "screens" / "library.py")
METHODS_PAGE = str(Path(__file__).parent / "screens" / "methods.py")
COMPARE = str(Path(__file__).parent / "screens" / "compare.py")
ARENA = str(Path(__file__).parent / "screens" / "arena.py")
TEST_SETS = str(Path(__file__).parent / "screens" / "testsets.py")
EVALUATE = str(Path(__file__).parent / "screens" / "evaluate.py")


@st.cache_resource(show_spinner=False, on_release=House.close)
def house() -> House:
    """The one house of this process."""
    return open_house()


def passage_link(label: str, document: int, start: int, end: int, *, query: str = "", icon: str | None = None) -> None:
    """A link that opens a document at a span."""
    given = {"id": str(document), "start": str(start), "end": str(end)} | ({"for": query} if query else {})
    st.page_link(DOCUMENT, label=label, icon=icon, query_params=given)


def note(text: str, hint: str = "") -> None:
    """A quiet line under a result."""
    st.html(parts.dim(text, hint))


def loading_note() -> None:
    """Tells that the model is on its way, or why it did not come."""
    state = house().runtime.state
    if state.phase == "failed" or state.reason:
        st.error(parts.plain(f"The model could not be loaded: {state.reason}", 400), icon=":material/error:")
    elif state.phase == "loading":
        st.info("The model is being loaded. Searching by words works meanwhile.", icon=":material/hourglass_top:")


def teach(title: str, text: str, icon: str) -> None:
    """An empty state that says what would be here and how to get it."""
    with st.container(border=True, key=f"teach-{title.lower().replace(' ', '-')}"):
        st.markdown(f"{icon} **{title}**")
        st.html(f'<div class="tf-text">{parts.escaped(text)}</div>')
