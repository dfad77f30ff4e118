"""A collection whose model changed: what is told, and how new vectors take the place of the old ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st

import app.house
from app.known_models import BUNDLED
from app.parts_shared import house as shared
from app.renewal import renew
from embedder import Embedder, HashEngine, open_embedder
from indexer import Collection
from tests.app.test_pages import opened


def version(revision: str, name: str = BUNDLED) -> HashEngine:
    """The test double as a version of a model."""
    engine = HashEngine()
    engine.name, engine.revision = name, revision
    return engine


def made(engine: HashEngine) -> Embedder:
    return open_embedder(method="mean", engine=engine)


def drain(steps: object) -> None:
    for _ in steps:  # type: ignore[attr-defined]
        pass


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A home whose one document has vectors of version 1."""
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "tea.txt").write_text("Green tea wants water of 75 degrees.")
    collection = Collection.open(tmp_path)
    drain(collection.ingest(tmp_path / "old", [made(version("1"))]))
    collection.close()
    return tmp_path


def test_new_vectors_take_the_place_of_those_of_an_earlier_bundled_model(before: Path) -> None:
    collection, now = Collection.open(before), made(version("2"))
    drain(renew(collection, [now]))
    (space,) = collection.spaces()
    assert space.ready and space.default and space.fingerprint == now.fingerprint
    drain(renew(collection, [now]))  # nothing is left to do
    assert [one.id for one in collection.spaces()] == [space.id]


def test_vectors_of_another_model_are_kept_beside_the_new_ones(before: Path) -> None:
    collection = Collection.open(before)
    drain(renew(collection, [made(version("2", "another"))]))
    assert [(space.model, space.ready) for space in collection.spaces()] == [(BUNDLED, True), ("another", True)]


def test_the_library_tells_of_a_changed_model_and_reading_a_folder_renews_its_vectors(
    before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWOFOLD_HOME", str(before))
    monkeypatch.setenv("TWOFOLD_METHOD", "mean")
    monkeypatch.setattr(app.house, "opener", lambda model, settings: version("2"))
    st.cache_resource.clear()
    home = shared()
    home.runtime.engine()
    assert any("has changed since its vectors of mean" in one.value for one in opened("library").markdown)
    (before / "new").mkdir()
    (before / "new" / "coffee.txt").write_text("Coffee wants water of 92 degrees.")
    assert home.add_folder(before / "new") and home.works.wait() and not home.works.problems
    (space,) = home.collection.spaces()
    assert (space.revision, space.vectors, space.missing, space.default) == ("2", 2, 0, True)
    found = home.collection.search("green tea", home.embedder(), mode="dense")
    assert len(found.hits) == 2 and not found.notes
    assert not any("has changed" in one.value for one in opened("library").markdown)
    st.cache_resource.clear()


def test_a_button_makes_the_vectors_that_passages_lack(before: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = Collection.open(before)
    drain(collection.add_space(open_embedder(method="last", engine=version("1"))))
    (before / "old" / "coffee.txt").write_text("Coffee wants water of 92 degrees.")
    drain(collection.ingest(before / "old", [made(version("1"))]))
    collection.close()
    monkeypatch.setenv("TWOFOLD_HOME", str(before))
    monkeypatch.setenv("TWOFOLD_METHOD", "mean")
    monkeypatch.setattr(app.house, "opener", lambda model, settings: version("1"))
    st.cache_resource.clear()
    home = shared()
    home.runtime.engine()
    at = opened("library")
    assert any("1 passage has no vector of last" in one.value.replace("\\", "") for one in at.markdown)
    next(one for one in at.button if one.label == "Make the vectors").click().run()
    assert home.works.wait() and not home.works.problems and all(space.ready for space in home.collection.spaces())
    st.cache_resource.clear()
