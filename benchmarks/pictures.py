"""Takes the pictures of the pages for the README: the sample folder, the bundled model, a real Chromium.

    python -m benchmarks.pictures [--out docs/images]

The sample folder is copied to a neutral place first, so that no path of this machine is on the pictures.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

from app.contenders import parsed
from app.evaluation import TestSet, evaluate
from embedder import Embedder, open_embedder
from indexer import Collection, Results, read_beir
from indexer.dataset import Dataset
from indexer.own import write_beir
from tests.app.browser import ROOT, Served, chromium, idle, playwright

ENGLISH = "how hot should the water for green tea be"
CHINESE = "茶马古道 经过哪里"
ASKED = "How hot should the water for green tea be?", "How long do eyes need to get used to the dark?"
PATIENCE_MS = 180_000
METHODS = ("echo", "mean", "last")  # beside the model's own
SET = "testset"


def indexed(home: Path) -> None:
    """The sample folder in a collection of its own, with vectors of several methods, measured on its headings."""
    folder = home / "Documents"
    shutil.copytree(ROOT / "examples", folder)
    collection = Collection.open(home)
    first = open_embedder()
    embedders = {
        first.method.name: first,
        **{name: open_embedder("pocket", name, engine=first.engine) for name in METHODS},
    }
    for _ in collection.ingest(folder, list(embedders.values())):
        pass
    measured(collection, embedders, home / SET)
    collection.close()


def measured(collection: Collection, embedders: dict[str, Embedder], folder: Path) -> None:
    """Each method on the titles of the documents: which finds the passage that a title stands over."""
    headings(collection, folder)
    test = TestSet(folder.name, read_beir(folder), own=False)
    contenders = parsed(",".join([*embedders, "words"]), collection.spaces())
    results = Results(collection.catalogue)
    pairs = ((one, None if one.mode == "words" else embedders[one.method]) for one in contenders)
    for _, result in evaluate(test, pairs, collection=collection):
        results.keep(result)


def headings(collection: Collection, folder: Path) -> None:
    """Every title as a question whose answer is the document's first passage without that title."""
    documents, queries, judged = {}, {}, {}
    for row in collection.documents(limit=200):
        whole = collection.document(row.id)
        for chunk in whole.chunks:
            documents[str(chunk.id)] = whole.text[chunk.start : chunk.end]
        if row.title and whole.chunks:
            first = str(whole.chunks[0].id)
            documents[first] = documents[first].replace(row.title, "")
            queries[f"q{first}"], judged[f"q{first}"] = row.title, {first: 1}
    write_beir(Dataset(folder.name, documents, queries, judged), folder)


def search(page: Any, address: str, query: str) -> None:
    """The hits of a query, drawn twice: the first time says that the model is being loaded."""
    for _ in range(2):
        page.goto(f"{address}/?q={query}")
        page.locator("mark").first.wait_for()
        idle(page)
    page.wait_for_timeout(800)


def ask(page: Any, address: str, questions: tuple[str, ...]) -> None:
    """A conversation."""
    page.goto(f"{address}/ask")
    idle(page)
    for count, question in enumerate(questions, 1):
        page.get_by_placeholder("Ask a question").fill(question)
        page.keyboard.press("Enter")
        page.wait_for_function("n => document.querySelectorAll('.tf-quote').length >= n", arg=count)
        idle(page)
    page.wait_for_timeout(800)


def arena(page: Any, address: str, out: Path) -> None:
    """A duel on a question: both sides before the vote, then who was who."""
    page.goto(f"{address}/arena")
    idle(page)
    page.get_by_placeholder("Ask what you would really look for").fill(ENGLISH)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Neither").wait_for()
    idle(page)
    page.wait_for_timeout(800)
    page.screenshot(path=out / "arena.png")
    page.get_by_role("button", name="Left").first.click()
    page.get_by_role("heading", name="Standings").wait_for()
    idle(page)
    page.wait_for_timeout(1500)
    page.screenshot(path=out / "arena-revealed.png")


def testsets(page: Any, address: str, out: Path) -> None:
    """A test set of the sample folder, where it comes from and its questions."""
    page.goto(f"{address}/testsets")
    idle(page)
    page.get_by_label("Name").fill("sample")
    page.get_by_role("button", name="Make").click()
    page.get_by_role("button", name="Save changes").wait_for()
    idle(page)
    page.wait_for_timeout(1500)
    page.screenshot(path=out / "testsets.png")
    page.goto(f"{address}/tasks")
    idle(page)
    page.get_by_role("tab", name="Passkey").click()
    page.get_by_role("button", name="Test", exact=True).click()
    page.get_by_role("heading", name="Chinese").wait_for(timeout=3 * PATIENCE_MS)  # millions of tokens
    idle(page)
    page.wait_for_timeout(1500)
    page.screenshot(path=out / "passkey.png")


def light(page: Any, address: str, out: Path) -> None:
    """Search, ask, library, models, arena, test sets and the passkey test, by day."""
    search(page, address, ENGLISH)
    page.screenshot(path=out / "search.png")
    ask(page, address, ASKED)
    page.screenshot(path=out / "ask.png")
    page.goto(f"{address}/library")
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
    page.wait_for_timeout(2500)
    page.screenshot(path=out / "library.png")
    page.goto(f"{address}/models")
    idle(page)
    page.get_by_text("Token inspector").scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    page.screenshot(path=out / "models.png")
    arena(page, address, out)
    testsets(page, address, out)


def dark(page: Any, address: str, out: Path) -> None:
    """A Chinese search and a page of a PDF, by night."""
    search(page, address, CHINESE)
    page.screenshot(path=out / "search-dark.png")
    search(page, address, "telescope magnification aperture")
    page.get_by_role("link", name="telescope").first.click()
    page.locator(".tf-sheet img").first.wait_for()
    idle(page)
    page.wait_for_timeout(1500)
    page.screenshot(path=out / "document-dark.png")


def beside(page: Any, address: str, home: Path, out: Path, name: str = "") -> None:
    """Compare, the lab, the methods and the measurement; `name` is put behind each picture's own."""
    screens = {
        "compare": f"compare?query={ENGLISH}",
        "lab": f"lab?lab-query={ENGLISH}",
        "methods": "methods",
        "evaluate": f"evaluate?folder={home / SET}",
    }
    for screen, path in screens.items():
        for _ in range(2):  # the first time says that the model is being loaded
            page.goto(f"{address}/{path}")
            idle(page)
            if screen != "methods":
                page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg").first.wait_for()
        page.wait_for_timeout(1500)
        high = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        size = page.viewport_size
        page.set_viewport_size({"width": size["width"], "height": min(high, 1400)})
        page.wait_for_timeout(1500)
        page.screenshot(path=out / f"{screen}{name}.png")
        page.set_viewport_size(size)


def main() -> None:
    """Index, serve, take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="twofold-") as folder, playwright().sync_playwright() as driver:
        home = Path(folder)
        indexed(home)
        served = Served(home, home / "log", small=False)
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            sizes = {"light": (1280, 800), "dark": (1280, 800), "phone": (390, 800)}
            for name, (width, height) in sizes.items():
                scheme = "dark" if name == "dark" else "light"
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                context.set_default_timeout(PATIENCE_MS)
                page = context.new_page()
                if name == "phone":
                    search(page, served.address, ENGLISH)
                    page.screenshot(path=out / "search-phone.png")
                    beside(page, served.address, home, out, "-phone")
                else:
                    (light if name == "light" else dark)(page, served.address, out)
                    beside(page, served.address, home, out, "" if name == "light" else "-dark")
                context.close()
        finally:
            browser.close()
            served.close()
    for file in sorted(out.glob("*.png")):
        print(f"{file.name:<24}{file.stat().st_size / 1000:7.0f} kB")


if __name__ == "__main__":
    main()
