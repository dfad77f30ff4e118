"""The pages in a real Chromium: what a person does, and what a hostile file would like to do."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.browser import Served, idle, playwright, visit
from tests.app.contrast import faint

pytestmark = pytest.mark.browser
SCREENS = ("", "ask", "library", "models", "train", "?q=lighthouse", "document?id=1&start=0&end=40")


@pytest.fixture(scope="module")
def served(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    playwright()
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(library, home)
    server = Served(home, home.parent / "log")
    yield server
    server.close()


@pytest.fixture
def page(browser: Any, served: Served) -> Iterator[Any]:
    """A fresh visitor, who writes down every address the page asks for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)
    tab = context.new_page()
    tab.asked = []
    tab.on("request", lambda request: tab.asked.append(request.url))
    served.hold()
    yield tab
    served.go()  # nothing may go on waiting for this test
    context.close()


def ask(page: Any, question: str, style: str = "Write") -> None:
    page.get_by_role("radio", name=style).or_(page.get_by_role("button", name=style, exact=True)).first.click()
    idle(page)
    page.get_by_placeholder("Ask a question").fill(question)
    page.keyboard.press("Enter")


def test_a_folder_is_added_and_found(page: Any, served: Served, tmp_path: Path) -> None:
    (tmp_path / "heron.md").write_text("Grey herons build heronries in tall trees.")
    (tmp_path / "empty.txt").write_text("")
    visit(page, served, "library")
    page.get_by_role("textbox", name="Folder").fill(str(tmp_path))
    page.get_by_role("button", name="Add folder").click()
    page.get_by_text(re.compile(r"2 files could not be read")).wait_for()
    visit(page, served, "?q=herons")
    assert page.locator("mark", has_text="herons").count()


def test_a_chinese_search_lives_in_the_address_and_survives_a_reload(page: Any, served: Served) -> None:
    visit(page, served)
    page.get_by_role("searchbox").or_(page.get_by_role("textbox", name="Search your files")).first.fill("龙井 水温")
    page.keyboard.press("Enter")
    page.locator("mark", has_text="水温").first.wait_for()
    assert "q=" in page.url
    page.reload()
    page.locator("mark", has_text="水温").first.wait_for()


def test_a_pdf_hit_opens_at_its_page_with_the_passage_marked(page: Any, served: Served) -> None:
    visit(page, served, "?q=ferry%20leaves")
    page.get_by_role("link", name=re.compile("ferry.pdf")).first.click()
    sheet = page.get_by_role("img", name="Page 2 with the passage marked")
    sheet.wait_for()
    mark = page.locator(".tf-sheet span").last.bounding_box()
    assert mark["width"] > 50 and mark["height"] > 5
    page.get_by_role("link", name="Back to the results").click()
    page.locator("mark", has_text="ferry").first.wait_for()


def test_a_growing_answer_can_be_stopped_and_keeps_its_words(page: Any, served: Served) -> None:
    visit(page, served, "ask")
    ask(page, "When was the lighthouse on Skerry built?")
    page.locator(".tf-caret", has_text="lighthouse").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped by you.").wait_for()
    assert page.locator(".tf-answer", has_text="lighthouse").count()


def test_an_answer_goes_on_through_a_reload_and_a_second_tab_sees_it(page: Any, served: Served) -> None:
    visit(page, served, "ask")
    ask(page, "When was the lighthouse on Skerry built?")
    page.locator(".tf-caret", has_text="lighthouse").wait_for()
    page.reload()
    page.locator(".tf-caret", has_text="lighthouse").wait_for()
    other = page.context.new_page()
    other.goto(page.url)
    other.locator(".tf-caret", has_text="lighthouse").wait_for()
    visit(other, served, "?q=sourdough")  # searching goes on while somebody's answer is being written
    other.locator("mark", has_text="sourdough").first.wait_for()
    served.go()
    page.get_by_text(re.compile("passages? read")).wait_for()
    assert "1844" in page.locator(".tf-answer").inner_text()


def test_a_quoted_sentence_opens_its_passage(page: Any, served: Served) -> None:
    visit(page, served, "ask")
    ask(page, "When was the lighthouse on Skerry built?", style="Quote")
    page.locator(".tf-quote", has_text="1844").wait_for(timeout=60_000)  # an earlier answer is finished first
    page.get_by_role("link", name=re.compile("^1 · lighthouse")).first.click()
    page.locator("#passage", has_text="The lighthouse on Skerry was built in 1844.").wait_for()


def test_a_bad_upload_is_listed_with_its_reason(page: Any, served: Served, tmp_path: Path) -> None:
    bad = tmp_path / "scan.pdf"
    bad.write_bytes(b"%PDF-1.4 nothing")
    visit(page, served, "library")
    page.get_by_role("tab", name="Upload files").click()
    page.locator("input[type=file]").set_input_files(bad)
    page.get_by_text("scan.pdf").first.wait_for()
    page.get_by_test_id("stBaseButton-primaryFormSubmit").last.click()
    row = page.get_by_role("row", name=re.compile("scan.pdf.*damaged"))
    for _ in range(10):  # what was open closes when the page hears that the work is done
        visit(page, served, "library")
        page.get_by_text(re.compile("files? could not be read")).click()
        page.wait_for_timeout(1500)
        if row.count():
            return
    pytest.fail("the bad file is not listed with its reason")


def test_a_hostile_file_does_nothing_and_nothing_is_fetched_from_elsewhere(page: Any, served: Served) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a script of a document ran: {dialog.message}"))
    for path in ("?q=Zanzibar", "library", "ask", "models"):
        visit(page, served, path)
    visit(page, served, "?q=Zanzibar")
    page.get_by_role("link", name=re.compile("bold")).first.click()
    page.get_by_text("<script>alert(1)</script>").first.wait_for()
    elsewhere = [url for url in page.asked if not url.startswith((served.address, "data:", "blob:"))]
    assert elsewhere == [] and page.locator("b", has_text="bold").count() == 0


def test_a_search_needs_no_mouse(page: Any, served: Served) -> None:
    visit(page, served)
    page.get_by_placeholder("What are you looking for?").wait_for()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.placeholder") == "What are you looking for?":
            break
    assert page.evaluate("document.activeElement.tagName") == "INPUT"
    page.keyboard.type("lamp burns")
    page.keyboard.press("Enter")
    page.locator("mark", has_text="lamp").first.wait_for()
    idle(page)
    for _ in range(20):
        page.keyboard.press("Tab")
        if "lighthouse" in page.evaluate("document.activeElement.innerText"):
            break
    page.keyboard.press("Enter")
    page.locator("#passage").wait_for()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_fits_and_every_text_is_readable(browser: Any, served: Served, width: int, theme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    tab = context.new_page()
    for screen in SCREENS:
        visit(tab, served, screen)
        tab.wait_for_timeout(300)  # styles fade in
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, screen
        assert faint(tab) == [], screen
    context.close()


def test_only_this_machine_can_connect(served: Served) -> None:
    lines = Path("/proc/net/tcp").read_text().splitlines() if Path("/proc/net/tcp").exists() else []
    listening = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    doors = [door for door in listening if door.endswith(f":{served.port:04X}")]
    assert not lines or doors == [f"0100007F:{served.port:04X}"]
