"""How fast do the pages feel? From click to hits, to the first words of an answer, while indexing, with ten sessions.

    python -m benchmarks.ui [--model pocket] [--chunks 100000] [--seconds 120] [--parts click,answer,indexing,sessions]

Real pages, a real Chromium (see tests/app/browser.py for how to get one). The large collection's words are drawn as in
language (Zipf), and each word that is asked for stands in one chunk of forty; its vectors are random, since the time to
find a vector does not depend on what it means (so a hit may well hold none of the words). Queries are embedded by the
real model. Times are taken in the test, from the key press to the new hits on the screen. About seven minutes, one of
them to build the collection, which --home keeps; the last table says what was to be reached.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import random
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from embedder import Embedder, open_embedder
from indexer import Collection
from tests.app.browser import Served, chromium, idle, playwright

WORDS = (
    "river stone lantern harbour engine garden letter winter copper bridge needle silver orchard market thunder paper "
    "valley window candle forest signal marble anchor pepper violin meadow basket mirror cotton feather hammer island"
).split()
SYLLABLES = "ka lo mi ren tu sol ba vin dor el ga pri sa no ter us han qui fe ot".split()
TARGETS = {  # name of a figure: seconds that its percentile may take
    "click to hits": ("p95", 0.3),
    "first words of a quoted answer": ("p95", 1.5),
    "first words of a written answer": ("p95", 1.5),
    "click to hits while indexing": ("p95", 1.0),
}
BROKEN = "[data-testid=stException]"
PATIENCE_MS = 180_000  # a busy machine is slow, not wrong


class Shuffled:
    """An embedder whose documents get random vectors: a large collection in minutes instead of hours."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._chance = np.random.default_rng(7)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def documents(self, texts: Sequence[str]) -> np.ndarray:
        """Random unit rows."""
        rows = self._chance.standard_normal((len(texts), self._embedder.dim)).astype(np.float32)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def write(folder: Path, files: int, paragraphs: int, seed: int = 7) -> None:
    """Text files of made-up paragraphs, each of about one chunk."""
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    language, often = vocabulary()
    for number in range(files):
        texts = []
        for at in range(paragraphs):
            said = chance.choices(language, cum_weights=often, k=38) + chance.sample(WORDS, k=1)
            chance.shuffle(said)
            texts.append(" ".join(said) + f" item{number}x{at}.")
        (folder / f"file-{number:05d}.txt").write_text("\n\n".join(texts), encoding="utf-8")


def vocabulary(size: int = 8000) -> tuple[list[str], list[float]]:
    """Made-up words, and how often each comes, summed up: word n in proportion to 1 / n."""
    words = ("".join(parts) for parts in itertools.product(SYLLABLES, repeat=3))
    often = itertools.accumulate(1 / (n + 10) for n in range(size))
    return list(itertools.islice(words, size)), list(often)


def large(home: Path, embedder: Embedder, chunks: int) -> int:
    """A collection of about so many chunks, unless it is there already; how many it has."""
    write(home / "files", files=max(1, chunks // 100), paragraphs=100)
    collection = Collection.open(home)
    stand_in: Any = Shuffled(embedder)
    for _ in collection.ingest(home / "files", [stand_in], chunk_tokens=192, overlap=0):
        pass
    count = int(collection.status()["chunks"])
    collection.close()
    return count


def told(name: str, times: Sequence[float]) -> None:
    """One line: median, 95th percentile, worst, and whether that is good enough where it is known."""
    row = sorted(times)
    found = {"p50": row[len(row) // 2], "p95": row[min(len(row) - 1, int(0.95 * len(row)))], "max": row[-1]}
    figures = "   ".join(f"{part} {value:7.3f} s" for part, value in found.items())
    part, most = TARGETS.get(name, ("p95", 0.0))
    verdict = f"   {'reached' if found[part] < most else 'NOT reached'}: {part} under {most} s" if most else ""
    print(f"{name:<36}{len(row):>5}   {figures}{verdict}", flush=True)


def search(page: Any, query: str) -> float:
    """Seconds from the Enter key to the first hit of this query: its link carries the words to be marked."""
    box = page.get_by_placeholder("What are you looking for?")
    box.fill(query)
    started = time.perf_counter()
    box.press("Enter")
    page.locator(f'.st-key-card-1 a[href*="for={query.split()[0]}"]').first.wait_for()
    return time.perf_counter() - started


def clicks(page: Any, address: str, count: int) -> list[float]:
    """Searches one after the other; the first, which opens the view, is not counted."""
    page.goto(address)
    idle(page)
    chance = random.Random(1)
    queries = [" ".join(chance.sample(WORDS, 3)) for _ in range(count + 1)]
    times = []
    for query in queries:
        times.append(search(page, query))
        idle(page)
        page.get_by_placeholder("What are you looking for?").fill("")
        page.get_by_placeholder("What are you looking for?").press("Enter")
        page.locator(".st-key-card-1").first.wait_for(state="detached")
        idle(page)
    return times[1:]


def answers(page: Any, address: str, count: int, style: str) -> list[float]:
    """Seconds from the Enter key to the first words of an answer, which is then stopped if it goes on for long."""
    times = []
    for word in WORDS[:count]:
        page.goto(f"{address}/ask")
        idle(page)
        page.get_by_role("radio", name=style).or_(page.get_by_role("button", name=style, exact=True)).first.click()
        idle(page)
        box = page.get_by_placeholder("Ask a question")
        box.fill(f"Which texts name the {word} and the item?")
        started = time.perf_counter()
        box.press("Enter")
        page.locator(".tf-quote, .tf-answer").first.wait_for()
        times.append(time.perf_counter() - started)
        ended = page.get_by_text("passages read")
        with contextlib.suppress(Exception):  # it may end by itself before it is stopped
            page.get_by_role("button", name="Stop").or_(ended).first.wait_for()
            page.get_by_role("button", name="Stop").click(timeout=2000)
        ended.wait_for(timeout=PATIENCE_MS)
    return times


def while_indexing(page: Any, served: Served, seconds: float) -> list[float]:
    """Searches while a folder that was added in the Library is being read."""
    seed = time.time_ns()
    folder = served.home / f"more-{seed}"  # a home that is kept has read the folders of earlier runs
    write(folder, files=200, paragraphs=60, seed=seed)
    page.goto(f"{served.address}/library")
    idle(page)
    page.get_by_role("textbox", name="Folder").fill(str(folder))
    page.get_by_role("button", name="Add folder").click()
    page.get_by_text("tokens/s").first.wait_for(timeout=PATIENCE_MS)
    times: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        times += clicks(page, served.address, 5)
    page.goto(f"{served.address}/library")
    idle(page)
    stop = page.get_by_role("button", name="Stop")
    with contextlib.suppress(Exception):  # the page is drawn before its list of jobs
        stop.first.wait_for(timeout=10_000)
    print("still indexing at the end:", stop.count() > 0)
    if stop.count():
        stop.first.click()
        page.get_by_text("tokens/s").first.wait_for(state="detached")
    return times


def session(address: str, seconds: float, number: int, told_to: list[tuple[str, float]]) -> None:
    """One visitor in a browser of their own: searches and asks in turn, notes every time and every error."""
    with playwright().sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        end = time.monotonic() + seconds
        chance = random.Random(number)
        while time.monotonic() < end:
            try:
                told_to.append(("search", max(clicks(page, address, 1))))
                told_to.append(("answer", max(answers(page, address, 1, "Quote"))))
                if page.locator(BROKEN).count():
                    told_to.append(("error", 0.0))
            except Exception as error:  # every kind of failure counts
                print(f"session {number}: {str(error).splitlines()[0]}", flush=True)
                told_to.append(("error", 0.0))
            time.sleep(chance.uniform(0.2, 1.0))
        browser.close()


def sessions(served: Served, count: int, seconds: float) -> None:
    """So many visitors at once."""
    events: list[tuple[str, float]] = []
    given = [(served.address, seconds, number, events) for number in range(count)]
    visitors = [threading.Thread(target=session, args=one) for one in given]
    before = memory(served.process.pid)
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    for kind in ("search", "answer"):
        told(f"{count} sessions, {kind}", [taken for name, taken in events if name == kind] or [0.0])
    errors = sum(name == "error" for name, _ in events)
    print(f"errors: {errors}; memory of the one process: {before:.0f} -> {memory(served.process.pid):.0f} MB")


def memory(pid: int) -> float:
    """Resident memory of a process in MB, 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS")), 0.0)


def measure(parts: Sequence[str], served: Served, seconds: float) -> None:
    """The parts asked for, in order."""
    with playwright().sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        steps: dict[str, Callable[[], None]] = {
            "click": lambda: told("click to hits", clicks(page, served.address, 30)),
            "answer": lambda: told("first words of a quoted answer", answers(page, served.address, 8, "Quote")),
            "write": lambda: told("first words of a written answer", answers(page, served.address, 5, "Write")),
            "indexing": lambda: told("click to hits while indexing", while_indexing(page, served, min(45, seconds))),
        }
        for part in parts:
            if part in steps:
                steps[part]()
        browser.close()
    if "sessions" in parts:
        sessions(served, 10, seconds)


def main() -> None:
    """Build the collection, start the pages, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--method", default="")
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--home", type=Path, help="keep the large collection here, to measure again at once")
    parser.add_argument("--parts", default="click,answer,write,indexing,sessions")
    options = parser.parse_args()
    os.environ |= {"TWOFOLD_MODEL": options.model, "TWOFOLD_METHOD": options.method}
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder) / "home"
        count = large(home, open_embedder(options.model, options.method), options.chunks)
        print(f"{count:,} chunks, model {options.model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        served = Served(home, Path(folder) / "log", small=False)
        try:
            measure(options.parts.split(","), served, options.seconds)
        finally:
            served.close()


if __name__ == "__main__":
    main()
