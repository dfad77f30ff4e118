"""Comparing, wording, measuring and promoting in a real Chromium."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedder import HashEngine, open_embedder
from indexer import Collection, Results, Space
from tests.app.browser import Served, idle, playwright, visit
from tests.app.contrast import faint
from tests.app.given import BREAD, LIGHTHOUSE, TEA

pytestmark = pytest.mark.browser
QUERY = "compare?query=lighthouse%20lamp"


@pytest.fixture(scope="module")
def served(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    playwright()
    home = tmp_path_factory.mktemp("beside") / "home"
    shutil.copytree(library, home)
    collection = Collection.open(home)
    for method in ("last", "qwen3-embedding"):
        for _ in collection.add_space(open_embedder(method=method, engine=HashEngine())):
            pass
    collection.close()
    server = Served(home, home.parent / "log")
    yield server
    server.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def beir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets") / "small"
    (folder / "qrels").mkdir(parents=True)
    queries = ["the lighthouse lamp", "rye bread starter", "龙井茶的水温"]
    for name, texts in (("corpus", [LIGHTHOUSE, BREAD, TEA]), ("queries", queries)):
        rows = [json.dumps({"_id": f"{name[0]}{n}", "text": text}) for n, text in enumerate(texts)]
        (folder / f"{name}.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("".join(f"q{n}\tc{n}\t1\n" for n in range(3)))
    return folder


def comparison(page: Any) -> dict[str, Any]:
    """What the page saves as JSON."""
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as JSON").click()
    return dict(json.loads(Path(saved.value.path()).read_text("utf-8")))


def test_a_comparison_lives_in_the_address_and_is_saved(page: Any, served: Served) -> None:
    visit(page, served, f"{QUERY}&columns=mean&columns=qwen3-embedding&columns=words")
    page.locator(".tf-head", has_text="Words (BM25)").wait_for()
    page.get_by_test_id("stVegaLiteChart").locator("canvas, svg").first.wait_for()
    page.get_by_role("textbox", name="Instruction of qwen3-embedding").fill("Find what shines at sea")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("shines"))
    idle(page)
    told = comparison(page)
    assert list(told["columns"]) == ["mean", "qwen3-embedding", "words"] and told["query"] == "lighthouse lamp"
    assert told["instructions"] == {"qwen3-embedding": "Find what shines at sea"}
    page.reload()
    idle(page)
    playwright().expect(page.locator(".tf-head")).to_have_count(3)
    kept = page.get_by_role("textbox", name="Instruction of qwen3-embedding")
    playwright().expect(kept).to_have_value("Find what shines at sea")
    assert comparison(page)["instructions"] == told["instructions"]  # searched with it, not only shown


def test_the_same_passage_has_one_colour_and_opens(page: Any, served: Served) -> None:
    visit(page, served, QUERY)
    cards = [page.locator(f".st-key-beside-{card}") for card in ("0-1", "1-1")]
    for card in cards:
        playwright().expect(card).to_have_css("border-left-width", "4px")  # its style is there
    letters = [card.locator("i").inner_text() for card in cards]
    lines = [card.evaluate("e => getComputedStyle(e).borderLeftColor") for card in cards]
    assert (letters[0] == letters[1]) == (lines[0] == lines[1])
    page.locator(".st-key-beside-0-1").get_by_role("link").click()
    page.locator("#passage").wait_for()


def test_five_wordings_are_tried_at_once(page: Any, served: Served) -> None:
    visit(page, served, "lab?lab-query=lighthouse%20lamp")
    page.get_by_test_id("stVegaLiteChart").first.wait_for()
    playwright().expect(page.get_by_role("textbox", name=re.compile("^Wording "))).to_have_count(5)
    page.get_by_role("textbox", name="Wording 2").fill("lamp lamp lamp bread bread ferry")
    page.keyboard.press("Enter")
    idle(page)
    page.get_by_text("Which passages moved").wait_for()


def test_a_folder_is_measured_and_its_questions_can_be_looked_into(page: Any, served: Served, beir: Path) -> None:
    visit(page, served, f"evaluate?folder={beir}")
    page.get_by_text("3 questions over 3 passages").wait_for()
    page.get_by_role("button", name="Measure").click()
    page.get_by_text(re.compile("cannot be told apart yet|wins|win ")).first.wait_for(timeout=60_000)
    page.get_by_text("Question by question").wait_for()
    page.get_by_test_id("stVegaLiteChart").first.wait_for()
    page.reload()  # results are rows, not state of a page
    page.get_by_role("columnheader", name="Tokens a passage").wait_for()
    store = Collection.open(served.home)
    assert {one.label for one in Results(store.catalogue).all()} == {"mean", "last", "qwen3-embedding", "words"}
    store.close()


def test_a_method_is_used_and_the_step_taken_back(page: Any, served: Served) -> None:
    def default() -> Space:
        store = Collection.open(served.home)
        try:
            return next(space for space in store.spaces() if space.default)
        finally:
            store.close()

    visit(page, served, "methods")
    page.get_by_role("button", name="Use").first.press("Enter")
    page.get_by_role("button", name="Go back to mean").wait_for()
    assert default().method == "last"
    idle(page)
    page.get_by_role("button", name="Go back to mean").press("Enter")
    page.get_by_role("button", name="Go back to last").wait_for()
    assert default().method == "mean"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_fits_and_every_text_is_readable(
    browser: Any, served: Served, beir: Path, width: int, theme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    tab = context.new_page()
    for screen in (QUERY, "lab?lab-query=lamp", f"evaluate?folder={beir}", "methods"):
        visit(tab, served, screen)
        tab.wait_for_timeout(600)  # styles fade in, pictures are drawn
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, screen
        assert faint(tab) == [], screen
    context.close()
