"""A small library of real files, indexed once with the public test double; nothing is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

import app.house
from app.house import House
from app.parts_shared import house as shared
from embedder import Embedder, HashEngine, open_embedder
from indexer import Collection
from tests.app.browser import chromium, playwright
from tests.app.given import BREAD, LIGHTHOUSE, TEA
from tests.app.paper import pdf

HOSTILE_NAME = "a <b>bold ![x](y) name.md"


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """Shared words give a higher cosine."""
    return open_embedder(method="mean", engine=HashEngine())


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """English, Chinese, a PDF, a name and a text full of markup, and a file that cannot be read."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "lighthouse.md").write_text(f"# Skerry\n\n{LIGHTHOUSE}\n", encoding="utf-8")
    (folder / "bread.txt").write_text(BREAD, encoding="utf-8")
    (folder / "茶.txt").write_text(TEA, encoding="gb18030")
    (folder / "ferry.pdf").write_bytes(pdf([["Timetable of the ferry."], ["The last ferry leaves at 18:40."]]))
    (folder / HOSTILE_NAME).write_text("<script>alert(1)</script> Zanzibar ![x](http://evil.example/a.png)", "utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing of use")
    return folder


@pytest.fixture(scope="session")
def library(files: Path, embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder whose collection holds the files."""
    home = tmp_path_factory.mktemp("library")
    collection = Collection.open(home)
    for _ in collection.ingest(files, [embedder]):
        pass
    collection.close()
    return home


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium, where there is one."""
    with playwright().sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def house(library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The library opened as the pages open it, with the small engine in the model's place."""
    monkeypatch.setenv("TWOFOLD_HOME", str(library))
    monkeypatch.setenv("TWOFOLD_METHOD", "mean")
    monkeypatch.setattr(app.house, "opener", lambda model, settings: HashEngine())
    st.cache_resource.clear()
    yield shared()
    st.cache_resource.clear()  # which closes it
