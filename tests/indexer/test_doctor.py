import numpy as np
import pytest

from tests.indexer.conftest import drain


@pytest.fixture
def filled(collection, embedder, folder):
    drain(collection.ingest(folder, [embedder]))
    return collection


def run(collection, statement):
    with collection.catalogue.write() as connection:
        connection.exec_driver_sql(statement)


def test_a_sound_collection_has_nothing_to_repair(filled):
    report = filled.doctor()
    assert report.healthy and report.found == [] and "database" in report.checked


def test_words_that_were_lost_are_indexed_again(filled):
    run(filled, "INSERT INTO words(words) VALUES ('delete-all')")
    assert filled.search("purred", mode="words").hits == []
    assert filled.doctor().repaired == ["indexed all words again"]
    assert filled.search("purred", mode="words").hits[0].path.endswith("cats.md")


def test_words_of_an_older_segmenter_are_made_again_by_any_writer(filled, embedder, folder):
    run(filled, "UPDATE collection SET segmenter = 0")
    run(filled, "INSERT INTO words(words) VALUES ('delete-all')")
    drain(filled.ingest(folder, [embedder]))
    assert filled.search("purred", mode="words").hits
    assert filled.doctor(repair=False).found == []


def test_a_damaged_vector_is_removed_and_made_again(filled, embedder, other):
    drain(filled.add_space(other))
    filled.search("cat", embedder)
    run(filled, "UPDATE vector SET data = zeroblob(64) WHERE id = 1")
    report = filled.doctor()
    assert report.repaired == ["removed them"] and "1 chunks have no vector yet" in report.left[0]
    drain(filled.add_space(embedder))
    assert filled.doctor().found == [] and filled.space_of(embedder).ready
    assert filled.search("cat purred", embedder, mode="dense").hits[0].path.endswith("cats.md")


def test_a_view_that_differs_is_made_again(filled, embedder):
    filled.search("cat", embedder)
    space = filled.default_space()
    view = filled.searcher.view(space.id, space.dim)
    view.index.remove_ids(np.array([1]))
    assert filled.doctor().repaired == ["made it again"]
    assert len(view) == 3


def test_a_look_changes_nothing(filled):
    run(filled, "INSERT INTO words(words) VALUES ('delete-all')")
    assert not filled.doctor(repair=False).healthy
    assert filled.search("purred", mode="words").hits == []


def test_jobs_of_a_process_that_is_gone_are_closed(filled):
    run(filled, "INSERT INTO job(kind, target, state, pid, done, total, cancel, error, created, updated)"
                " VALUES ('ingest', 'x', 'running', 999999999, 0, 0, 0, '', '', '')")  # fmt: skip
    assert filled.jobs(running=True) == [] and filled.jobs()[0].state == "lost"
    assert filled.doctor().repaired == ["closed them"]
    assert filled.doctor().found == []


def test_unfinished_files_and_unheld_documents_are_swept(filled):
    views = filled.folder / "views"
    views.mkdir(exist_ok=True)
    (views / ".space-1.faiss.half").write_bytes(b"half")
    run(filled, "DELETE FROM path WHERE path LIKE '%cats.md'")
    assert len(filled.doctor().repaired) == 2
    assert filled.doctor().found == [] and filled.status()["documents"] == 2
