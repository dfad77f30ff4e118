"""Methods: which of them the collection has vectors of, adding, using and removing one, and the card of each."""

from __future__ import annotations

import streamlit as st

from app import parts
from app.parts_shared import LIBRARY, house, loading_note, teach
from app.parts_spaces import add, building, held, method_cards


def page() -> None:
    """The whole page."""
    st.html(parts.hero("Methods", "Several ways to embed, side by side over the same passages; searches use one."))
    loading_note()
    home = house()
    if not home.collection.status()["chunks"]:
        teach("Nothing to embed yet", "Add a folder in the Library first.", ":material/folder_open:")
        st.page_link(LIBRARY, label="Add a folder", icon=":material/add:")
    else:
        held()
        building()
        add()
    method_cards()


page()
