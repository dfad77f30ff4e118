import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import Collection, ann, cache
from indexer.view import View, selector
from tests.indexer.conftest import drain, write

DIM = 24


@pytest.fixture
def filled(collection, embedder, tmp_path):
    write(tmp_path / "many", **{f"f{n}": f"Document {n} speaks of subject {n * n}." for n in range(150)})
    drain(collection.ingest(tmp_path / "many", [embedder], calibrate=False))
    return collection


def view_of(collection: Collection, **options) -> View:
    space = collection.default_space()
    view = View(space.id, space.dim, collection.folder / "views" / f"space-{space.id}.faiss", **options)
    refresh(collection, view)
    return view


def refresh(collection: Collection, view: View) -> None:
    with collection.catalogue.read() as connection:
        view.refresh(connection)


def stored(collection: Collection) -> tuple[np.ndarray, np.ndarray]:
    with collection.catalogue.read() as connection:
        rows = connection.exec_driver_sql("SELECT chunk_id, data FROM vector ORDER BY chunk_id").fetchall()
    return np.array([row[0] for row in rows]), np.stack([np.frombuffer(row[1], np.float16) for row in rows])


def test_the_view_answers_as_plain_arithmetic_does(filled, embedder):
    query = embedder.queries(["subject 49"])[0]
    ids, rows = stored(filled)
    scores = rows.astype(np.float32) @ query
    near = view_of(filled).search(query, 10)
    np.testing.assert_allclose(near.scores, np.sort(scores)[::-1][:10], atol=1e-5)
    assert set(near.ids[:3].tolist()) <= set(ids[np.argsort(-scores)[:4]].tolist())


def test_it_catches_up_with_what_was_added_and_removed(filled, embedder, tmp_path):
    view = view_of(filled)
    (tmp_path / "many" / "f7.md").unlink()
    write(tmp_path / "many", late="A late document.")
    drain(filled.ingest(tmp_path / "many", [embedder]))
    refresh(filled, view)
    np.testing.assert_array_equal(view.ids(), stored(filled)[0])


def test_a_saved_view_is_read_back_and_only_the_rest_is_added(filled, embedder, tmp_path):
    view_of(filled).save()
    write(tmp_path / "many", late="A late document.")
    drain(filled.ingest(tmp_path / "many", [embedder]))
    again = view_of(filled)
    np.testing.assert_array_equal(again.ids(), stored(filled)[0])
    assert again._changes == 1


@pytest.mark.parametrize("place", [0, 30, 400, -1])
def test_a_damaged_file_is_noticed_and_made_again(filled, place):
    view = view_of(filled)
    view.save()
    data = bytearray(view.file.read_bytes())
    data[place] ^= 1
    view.file.write_bytes(data)
    assert cache.load(view.file, view.dim) is None
    np.testing.assert_array_equal(view_of(filled).ids(), stored(filled)[0])


@given(st.binary(max_size=300))
def test_no_bytes_at_all_are_taken_for_a_view(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("view") / "space-1.faiss"
    file.write_bytes(data)
    assert cache.load(file, DIM) is None


def test_a_truncated_file_and_a_missing_one_are_the_same(filled):
    view = view_of(filled)
    view.save()
    view.file.write_bytes(view.file.read_bytes()[:-100])
    np.testing.assert_array_equal(view_of(filled).ids(), stored(filled)[0])


def test_a_failed_save_leaves_the_old_file(filled, monkeypatch):
    view = view_of(filled)
    view.save()
    before = view.file.read_bytes()
    monkeypatch.setattr("os.replace", lambda *names: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        view.save()
    assert view.file.read_bytes() == before
    assert [file.name for file in view.file.parent.iterdir()] == [view.file.name]


def test_searches_go_on_while_a_view_is_saved(filled, embedder, monkeypatch):
    begun, go = threading.Event(), threading.Event()
    write_down = cache.save

    def slow(*given):
        begun.set()
        assert go.wait(10)
        write_down(*given)

    monkeypatch.setattr(cache, "save", slow)
    assert filled.search("subject", embedder, mode="dense").hits and begun.wait(10)
    assert filled.search("another subject", embedder, mode="dense").hits
    go.set()
    filled.searcher.close()
    assert view_of(filled).file.is_file()


def test_a_view_that_cannot_be_saved_costs_no_search(filled, embedder, monkeypatch, caplog):
    monkeypatch.setattr("os.replace", lambda *names: (_ for _ in ()).throw(OSError("disk full")))
    assert filled.search("subject", embedder, mode="dense").hits
    filled.searcher.close()
    assert "disk full" in caplog.text


@pytest.mark.parametrize("exact", [10_000, 100])
def test_only_allowed_chunks_are_found_in_either_kind_of_index(filled, embedder, exact):
    ids, _ = stored(filled)
    near = view_of(filled, exact=exact).search(embedder.queries(["subject"])[0], 150, selector(ids[::3]))
    assert set(near.ids.tolist()) == set(ids[::3].tolist())


def test_lists_find_what_the_exact_index_finds():
    chance = np.random.default_rng(0)
    centres = chance.standard_normal((40, DIM))
    rows = (centres[chance.integers(0, 40, 5000)] + 0.5 * chance.standard_normal((5000, DIM))).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    exact = ann.make(DIM)
    exact.add_with_ids(rows, np.arange(5000) * 3)
    listed, recall = ann.fit(exact, DIM, 1000, None)
    assert recall >= ann.RECALL and ann.lists(listed).nprobe < ann.lists(listed).nlist
    queries = rows[::50] + 0.1 * chance.standard_normal((100, DIM)).astype(np.float32)
    same = [
        len(set(a) & set(b)) for a, b in zip(exact.search(queries, 10)[1], listed.search(queries, 10)[1], strict=True)
    ]
    assert np.mean(same) / 10 >= 0.96


def test_lists_can_be_saved_shrunk_and_turned_exact_again(filled, embedder, tmp_path):
    view = view_of(filled, exact=100)
    assert ann.lists(view.index) is not None
    view.save()
    for number in range(80):
        (tmp_path / "many" / f"f{number}.md").unlink()
    drain(filled.ingest(tmp_path / "many", [embedder]))
    refresh(filled, view)
    assert ann.lists(view.index) is None
    np.testing.assert_array_equal(view.ids(), stored(filled)[0])


def test_an_empty_view_finds_nothing_and_a_wrong_dimension_is_refused(collection, embedder, filled):
    empty = View(99, DIM, collection.folder / "views" / "none.faiss")
    refresh(collection, empty)
    assert len(empty.search(np.ones(DIM, np.float32), 5).ids) == 0
    with pytest.raises(ValueError, match="32 dimensions"):
        view_of(filled).search(np.ones(5, np.float32), 5)
