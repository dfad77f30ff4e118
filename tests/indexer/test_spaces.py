import threading

import numpy as np
import pytest
from sqlalchemy import text

from embedder import HashEngine, combine, find_method
from embedder.card import Card
from tests.indexer.conftest import drain, write


@pytest.fixture
def filled(collection, embedder, folder):
    drain(collection.ingest(folder, [embedder]))
    return collection


def test_a_second_space_reads_no_file_again(filled, other, folder, monkeypatch):
    for file in folder.iterdir():
        file.unlink()
    monkeypatch.setattr("indexer.reading.Reader.load", lambda *_: pytest.fail("a file was read"))
    assert drain(filled.add_space(other)).chunks == 3
    assert [(space.method, space.ready, space.default) for space in filled.spaces()] == [
        ("mean", True, True), ("last", True, False),
    ]  # fmt: skip
    assert filled.search("tax law", other, mode="dense").hits[0].path.endswith("taxes.md")


def test_vectors_of_two_spaces_never_meet(filled, embedder, other):
    drain(filled.add_space(other))
    for one in (embedder, other):
        space = filled.space_of(one)
        view = filled.searcher.view(space.id, space.dim)
        filled.search("cat", one)
        rows = [np.frombuffer(row, np.float16) for row in data(filled, space.id)]
        texts = [chunk for number in (1, 2, 3) for chunk in texts_of(filled, number)]
        np.testing.assert_allclose(np.stack(rows), one.documents(texts), atol=1e-3)
        assert len(view) == 3


def data(collection, space):
    with collection.catalogue.read() as connection:
        query = "SELECT data FROM vector WHERE space_id = ? ORDER BY chunk_id"
        return [row[0] for row in connection.exec_driver_sql(query, (space,))]


def texts_of(collection, number):
    document = collection.document(number)
    return [document.text[chunk.start : chunk.end] for chunk in document.chunks]


def test_a_stopped_space_goes_on_where_it_was(collection, embedder, other, tmp_path, monkeypatch):
    monkeypatch.setattr("indexer.building.MOST", 200)
    monkeypatch.setattr("indexer.building.LEAST", 100)
    write(tmp_path / "many", **{f"f{n}": f"Document {n} says {n * n}. " * 10 for n in range(60)})
    drain(collection.ingest(tmp_path / "many", [embedder]))
    stop = threading.Event()
    steps = collection.add_space(other, stop=stop)
    next(steps)
    stop.set()
    assert drain(steps).stopped
    half = collection.space_of(other)
    assert 0 < half.vectors < 60 and half.missing == 60 - half.vectors and not half.ready
    assert not all(row.ready for row in collection.documents())
    with pytest.raises(ValueError, match="have no vector in space"):
        collection.promote(half.id)
    assert "no vector in this space yet" in collection.search("document", other, top=100).notes[0]
    assert drain(collection.add_space(other)).chunks == half.missing
    assert collection.space_of(other).ready and all(row.ready for row in collection.documents())


def test_promotion_is_atomic_and_can_be_undone(filled, embedder, other):
    drain(filled.add_space(other))
    second = filled.space_of(other).id
    filled.promote(second)
    assert filled.default_space().method == "last"
    assert filled.rollback() == filled.space_of(embedder).id
    assert filled.default_space().method == "mean"


def test_rollback_without_a_past_is_refused(filled):
    with pytest.raises(ValueError, match="no earlier default"):
        filled.rollback()


def test_a_dropped_space_takes_its_vectors_along(filled, embedder, other):
    drain(filled.add_space(other))
    with pytest.raises(ValueError, match="default space"):
        filled.drop_space(filled.space_of(embedder).id)
    space = filled.space_of(other).id
    filled.drop_space(space)
    assert data(filled, space) == [] and filled.space_of(other) is None
    assert filled.search("tax law", embedder).hits


def test_new_documents_enter_every_space_they_are_given(filled, embedder, other, folder):
    drain(filled.add_space(other))
    write(folder, birds="Birds sing.")
    drain(filled.ingest(folder, [embedder, other]))
    assert all(space.ready for space in filled.spaces())
    write(folder, bees="Bees hum.")
    drain(filled.ingest(folder, [embedder]))
    assert filled.space_of(other).missing == 1


def test_the_cost_of_a_space_is_told_before(filled, other):
    cost = filled.project(other)
    assert cost["chunks"] == 3 and cost["bytes"] == 3 * 32 * 2 and cost["seconds"] > 0


def passages_of(collection):
    with collection.catalogue.read() as connection:
        wanted = text("SELECT chunk_id, data FROM vector ORDER BY chunk_id")
        return np.stack([np.frombuffer(row.data, np.float16).astype(np.float32) for row in connection.execute(wanted)])


def test_a_passage_stands_among_its_neighbours_however_its_space_was_built(collection, tmp_path, monkeypatch):
    surrounded = combine(find_method("mean"), HashEngine(dim=32), Card(method="mean", surround=0.5))
    folder = tmp_path / "papers"
    write(folder, long=" ".join(f"Sentence {n} speaks of {n * 7 % 13} birds." for n in range(120)), short="One bird.")
    drain(collection.ingest(folder, [surrounded], chunk_tokens=32, overlap=0))
    at_once = passages_of(collection)
    with collection.catalogue.write() as connection:
        connection.execute(text("DELETE FROM vector WHERE id % 3 = 1"))  # so what is built is not in one stretch
    monkeypatch.setattr("indexer.building.LEAST", 40)  # batches end inside a document
    drain(collection.add_space(surrounded))
    assert np.allclose(passages_of(collection), at_once, atol=1e-3)
    assert len(at_once) > 12
    assert not [found for found in collection.doctor(repair=False).found if "damaged" in found]
