"""Voting and test sets in a real Chromium: keys, what the page does not give away, and a set that is made."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedder import Embedder
from indexer import Collection
from indexer.taking import Question
from indexer.testset import QuestionSet, QuestionSets
from tests.app.browser import Served, idle, playwright, visit
from tests.app.contrast import faint
from tests.indexer.test_testset import FERRY, logbooks

pytestmark = pytest.mark.browser
PATIENCE_MS = 120_000  # of a machine with much else to do


@pytest.fixture(scope="module")
def served(library: Path, embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The library with a few more documents, which questions can be taken from."""
    playwright()
    home, docs = tmp_path_factory.mktemp("arena") / "home", tmp_path_factory.mktemp("logs")
    shutil.copytree(library, home)
    for name, text in (logbooks() | {"islands": FERRY}).items():
        (docs / f"{name}.md").write_text(text, encoding="utf-8")
    collection = Collection.open(home)
    for _ in collection.ingest(docs, [embedder]):
        pass
    collection.close()
    server = Served(home, home.parent / "log")
    yield server
    server.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def votes(served: Served) -> list[Any]:
    collection = Collection.open(served.home)
    try:
        return collection.votes.all()
    finally:
        collection.close()


def test_keys_vote_the_names_come_after_and_a_vote_is_taken_back(page: Any, served: Served) -> None:
    visit(page, served, "arena")
    page.get_by_placeholder("Ask what you would really look for").fill("When do the boats leave the old harbour?")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Neither").wait_for()
    idle(page)
    told = page.locator("[data-testid=stMainBlockContainer]").inner_html()
    assert not re.search(r"BM25|\bmean\b|cosine|hybrid", told)  # neither text nor attribute gives a method away
    before = len(votes(served))
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("2")
    page.get_by_text(re.compile("Left was .*, right was")).wait_for()
    (vote,) = votes(served)[before:]
    assert vote.choice == "right" and vote.query.startswith("When do the boats")
    page.get_by_role("heading", name="Standings").wait_for()
    idle(page)
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Neither").wait_for()
    assert len(votes(served)) == before


def test_a_test_set_is_made_and_says_where_it_comes_from(page: Any, served: Served) -> None:
    visit(page, served, "testsets")
    page.get_by_label("Name").fill("harbour")
    page.get_by_role("button", name="Make").click()
    page.get_by_role("button", name="Save changes").wait_for()
    page.get_by_text("Judged by words").wait_for()
    collection = Collection.open(served.home)
    store = QuestionSets(collection.catalogue)
    questions = store.questions(store.get("harbour").id)
    collection.close()
    assert questions and all(question.taken in question.passage for question in questions)


def kept(served: Served, name: str) -> list[Any]:
    """A set of three questions about the first passage, and its questions as they are kept."""
    collection = Collection.open(served.home)
    try:
        store = QuestionSets(collection.catalogue)
        if name not in {row.name for row in store.all()}:
            first = collection.document(collection.documents(limit=1)[0].id)
            at = first.chunks[0]
            passage = first.text[at.start : at.end]
            asked = [Question(text, "written", at.id, first.path, passage) for text in ("one?", "two?", "three?")]
            store.add(QuestionSet(name, "written", "a model", {"judges": ["words"]}), asked)
        return store.questions(store.get(name).id)
    finally:
        collection.close()


def settle(page: Any) -> None:
    """Let the table tell the page what was edited; it waits a little, should more be typed."""
    page.wait_for_timeout(1000)
    idle(page)


def test_the_cells_of_a_test_set_are_edited_from_the_keyboard(page: Any, served: Served) -> None:
    kept(served, "by hand")
    visit(page, served, "testsets")
    table = page.locator("[data-testid=stDataFrame]").first
    table.locator(".dvn-scroller").click(position={"x": 60, "y": 52})
    page.keyboard.press("Enter")
    field = page.locator("#portal textarea")
    field.fill("where does 渡船 land?")
    field.press("Enter")  # which goes on to the next row
    field.wait_for(state="detached")
    settle(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    settle(page)
    page.get_by_role("button", name="Save changes").click()
    page.wait_for_function("() => document.querySelector('.tf-stats')?.innerText.startsWith('2')")
    first, second = kept(served, "by hand")
    assert (first.text, first.edited) == ("where does 渡船 land?", True)
    assert (second.text, second.edited) == ("three?", False)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_pages_fit_and_every_text_is_readable(browser: Any, served: Served, width: int, theme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    context.set_default_timeout(PATIENCE_MS)
    tab = context.new_page()
    for screen in ("arena", "testsets", "tasks"):
        visit(tab, served, screen)
        tab.wait_for_timeout(300)  # styles fade in
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, screen
        assert faint(tab) == [], screen
    context.close()
