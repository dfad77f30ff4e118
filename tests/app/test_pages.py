"""Each page, driven without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import app.house
from app.desk import Ask
from app.house import House
from tests.app.conftest import HOSTILE_NAME
from tests.app.given import LIGHTHOUSE

MAIN = str(Path(app.house.__file__).with_name("main.py"))


def opened(screen: str = "", **query: str) -> AppTest:
    """A page after its first run, which must have gone well."""
    at = AppTest.from_file(MAIN, default_timeout=30)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    if screen:
        at.switch_page(f"screens/{screen}.py")
        for name, value in query.items():
            at.query_params[name] = value
        at.run()
    assert not at.exception
    return at


def drawn(at: AppTest) -> str:
    """All HTML of a page."""
    return "\n".join(one.proto.body for one in at.get("html") if "<style>" not in one.proto.body)


@pytest.mark.usefixtures("house")
def test_a_search_shows_hits_with_their_terms_marked_and_both_legs() -> None:
    at = opened(q="lighthouse lamp")
    body = drawn(at)
    assert "<mark>lighthouse</mark>" in body and "<mark>lamp</mark>" in body
    assert "words <b>#1" in body and "meaning <b>#" in body and "%" not in body


@pytest.mark.usefixtures("house")
def test_a_search_by_words_needs_no_model_and_reads_chinese() -> None:
    at = opened(q="龙井", mode="Words")
    assert "<mark>龙井</mark>" in drawn(at) and "meaning" not in drawn(at)


@pytest.mark.usefixtures("house")
def test_filters_and_the_number_of_passages_live_in_the_address() -> None:
    at = opened(q="the", kind="pdf", top="5")
    assert at.slider(key="top").value == 5 and "Timetable" in drawn(at) and "sourdough" not in drawn(at)


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("query", [{"since": "soon"}, {"q": "x" * 5000}, {"q": "zzzz qqqq", "mode": "Words"}])
def test_a_search_that_finds_nothing_or_is_wrong_says_so(query: dict[str, str]) -> None:
    at = opened(**{"q": "lamp", **query})
    assert at.error or "No passage matches" in drawn(at) or "passage" in drawn(at)


@pytest.mark.usefixtures("house")
def test_a_hostile_file_is_shown_as_text() -> None:
    at = opened(q="Zanzibar", mode="Words")
    assert "&lt;script&gt;" in drawn(at) and "<script>" not in drawn(at)
    link = next(element for element in at.get("page_link") if "bold" in element.proto.label)
    assert "\\[x\\]" in link.proto.label and "\\<b\\>" in link.proto.label


def test_a_document_opens_at_its_passage(house: House) -> None:
    hit = house.collection.search("lighthouse", mode="words").hits[0]
    at = opened("document", id=str(hit.document), start=str(hit.start), end=str(hit.end), **{"for": "lamp"})
    assert '<span class="tf-span" id="passage"' in drawn(at) and "<mark>lamp</mark>" in drawn(at)


def test_a_pdf_opens_as_its_page_with_the_passage_marked(house: House) -> None:
    hit = house.collection.search("ferry leaves", mode="words").hits[0]
    at = opened("document", id=str(hit.document), start=str(hit.start), end=str(hit.end))
    assert hit.page == "page 1–2" and 'alt="Page 2 with the passage marked"' in drawn(at)
    assert "data:image/png;base64" in drawn(at) and "left:" in drawn(at)


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("number", ["", "999", "-1", "x", "9" * 40])
def test_a_document_that_is_gone_says_so(number: str) -> None:
    at = opened("document", id=number)
    assert any("not in the collection" in one.value for one in at.markdown)


def test_a_question_is_answered_with_quotes_that_open(house: House) -> None:
    at = opened("ask")
    at.segmented_control(key="style").set_value("quote").run()
    at.chat_input(key="ask-question").set_value("When was the lighthouse on Skerry built?").run()
    for row in house.collection.answers.conversations(1):
        assert house.desk.wait(house.collection.answers.of(row.id)[0].id)
    at.run()
    assert not at.exception
    assert '<div class="tf-quote">The lighthouse on Skerry was built in 1844.</div>' in drawn(at)
    assert any(element.proto.label.startswith("1 · lighthouse") for element in at.get("page_link"))


def test_a_conversation_is_read_again_after_a_restart(house: House) -> None:
    number = house.desk.ask(Ask("What does the lamp on Skerry burn?"))
    assert house.desk.wait(number)
    at = opened("ask", talk=str(house.collection.answers.get(number).conversation))
    assert "paraffin" in drawn(at)


def test_a_conversation_is_renamed_and_deleted(house: House) -> None:
    number = house.desk.ask(Ask("What does the lamp burn?"))
    assert house.desk.wait(number)
    talk = house.collection.answers.get(number).conversation
    at = opened("ask", talk=str(talk))
    at.text_input(key=f"ask-title-{talk}").set_value("Lamps").run()
    at.button(key="ask-rename").click().run()
    assert house.collection.answers.title(talk) == "Lamps"
    assert any(link.proto.label == "Lamps" for link in at.get("page_link"))
    at.button(key=f"ask-doom-{talk}").click().run()
    at.button(key=f"ask-keep-{talk}").click().run()
    at.button(key=f"ask-doom-{talk}").click().run()
    at.button(key=f"ask-delete-{talk}").click().run()
    assert not at.exception and "talk" not in at.query_params and not house.collection.answers.of(talk)


@pytest.mark.usefixtures("house")
def test_the_library_lists_documents_and_what_could_not_be_read() -> None:
    at = opened("library")
    assert set(at.dataframe[0].value["Document"]) >= {"lighthouse.md", "茶.txt", "ferry.pdf", HOSTILE_NAME}
    assert "broken.pdf" in drawn(at) and "could not be read" in drawn(at)


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("folder", ["", "relative/path", "/no/such/folder"])
def test_a_folder_that_cannot_be_added_says_why(folder: str) -> None:
    at = opened("library")
    at.text_input(key="library-folder").set_value(folder)
    at.button[0].click().run()
    assert at.error


def test_an_uploaded_file_is_kept_indexed_and_found(house: House) -> None:
    at = opened("library")
    sent = at.file_uploader(key="library-files")
    sent.upload("../../owl.md", b"Owls turn their heads by 270 degrees.", "text/markdown")
    sent.upload("evil.exe", b"MZ", "application/octet-stream")
    next(one for one in at.button if "files" in one.label).click().run()
    assert [one.value for one in at.error] == ["evil\\.exe\\: files of this kind are not read"]
    assert house.works.wait()
    assert [file.name for file in house.uploads().iterdir()] == ["owl.md"]
    assert house.collection.search("owls", mode="words").hits
    house.collection.remove(house.uploads())


@pytest.mark.usefixtures("house")
def test_the_models_page_shows_tokens_with_their_weights() -> None:
    at = opened("models")
    assert 'class="tf-token"' in drawn(at)
    at.text_area(key="models-text").set_value("<b>bold</b>").run()
    assert "&lt;" in drawn(at) and not at.exception


def test_another_method_becomes_a_space_and_then_the_default(house: House) -> None:
    at = opened("methods")
    at.selectbox(key="models-space").set_value("last").run()
    at.button(key="models-build").click().run()
    assert house.works.wait() and not house.works.problems
    made = next(row for row in house.collection.spaces() if row.method == "last")
    at.run()
    at.button(key=f"models-promote-{made.id}").click().run()
    assert house.collection.default_space().method == "last" and not at.exception
    house.collection.rollback()
    house.collection.drop_space(made.id)


@pytest.mark.usefixtures("house")
def test_an_empty_collection_teaches_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_HOME", str(tmp_path))
    st.cache_resource.clear()
    for screen in ("", "ask", "library"):
        assert any("yet" in one.value for one in opened(screen).markdown)
    assert LIGHTHOUSE not in drawn(opened(q="lighthouse"))
