import os
import threading

import pytest

from embedder import HashEngine, open_embedder
from indexer import Collection, Filters
from tests.indexer.conftest import drain, write


@pytest.fixture
def filled(collection, embedder, folder):
    drain(collection.ingest(folder, [embedder]))
    return collection


@pytest.mark.parametrize("mode", ["hybrid", "dense", "words"])
@pytest.mark.parametrize(
    ("query", "name"), [("where did the cat sit", "cats"), ("故乡 明月", "moon"), ("the tax law", "taxes")]
)
def test_every_mode_finds_english_and_chinese(filled, embedder, mode, query, name):
    hit = filled.search(query, embedder, mode=mode).hits[0]
    assert hit.path.endswith(f"{name}.md") and hit.rank == 1


def test_a_hit_shows_both_legs(filled, embedder):
    hits = filled.search("cat mat tax", embedder).hits
    assert hits[0].legs["words"].rank == 1 and hits[0].legs["dense"].rank in (1, 2)
    for hit in hits:
        cosine = hit.legs["dense"].score
        assert cosine == pytest.approx(
            float(embedder.documents([hit.text])[0] @ embedder.queries(["cat mat tax"])[0]), abs=2e-3
        )
    moon = next(hit for hit in hits if hit.path.endswith("moon.md"))
    assert (moon.legs["words"].rank, moon.legs["words"].score) == (None, None)


def test_words_need_no_model_and_a_missing_one_is_said(filled):
    assert filled.search("purred", mode="words").notes == ()
    found = filled.search("purred")
    assert found.hits[0].path.endswith("cats.md")
    assert found.notes == ("the dense leg did not run: no model is loaded",)


def test_a_leg_that_could_not_run_says_why(filled, embedder, other):
    assert "the query has no word" in filled.search("?!", embedder).notes[0]
    notes = filled.search("cat", other).notes
    assert notes == ("the dense leg did not run: this collection has no vectors of last on hash yet",)


def test_what_cannot_be_searched_is_refused(filled, embedder):
    for bad in ({"query": "  "}, {"query": "cat", "mode": "both"}, {"query": "cat", "top": 0}):
        with pytest.raises(ValueError):
            filled.search(bad.pop("query"), embedder, **bad)


@pytest.mark.parametrize("mode", ["hybrid", "dense", "words"])
def test_filters_choose_before_the_ranking(filled, embedder, folder, mode):
    write(folder / "sub_%", **{f"cat{n}": f"The cat number {n} sat on the mat." for n in range(30)})
    (folder / "sub_%" / "cats.txt").write_text("The cat sat in a text file.")
    drain(filled.ingest(folder, [embedder]))
    inside = filled.search("cat mat", embedder, mode=mode, filters=Filters(path=str(folder / "sub_%")), top=50).hits
    assert len(inside) == 31 and all("sub_%" in hit.path for hit in inside)
    texts = filled.search("cat mat", embedder, mode=mode, filters=Filters(kind="txt"), top=1).hits
    assert [hit.path for hit in texts] == [str(folder / "sub_%" / "cats.txt")]
    nothing = filled.search("cat mat", embedder, mode=mode, filters=Filters(kind="exe"))
    assert not nothing.hits and "no document is of kind 'exe'; there are md, txt" in nothing.notes


def test_days_include_their_ends(filled, embedder, folder):
    for name, day in (("cats", 1_704_110_400), ("taxes", 1_706_788_800)):  # noon UTC of 2024-01-01 and 2024-02-01
        os.utime(folder / f"{name}.md", (day, day))
    drain(filled.ingest(folder, [embedder]))
    for filters, names in (
        (Filters(since="2024-01-15", until="2024-02-15"), {"taxes"}),
        (Filters(until="2024-01-15"), {"cats"}),
        (Filters(since="2024-02-15"), {"moon"}),
    ):
        hits = filled.search("cat tax moon", embedder, filters=filters).hits
        assert {os.path.basename(hit.path).removesuffix(".md") for hit in hits} == names


def test_filters_are_read_from_pairs_and_refuse_what_they_do_not_know():
    assert Filters.parse("kind=pdf", "path=/a=b") == Filters(kind="pdf", path="/a=b")


def test_a_path_is_whole_or_read_from_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert Filters.parse("path=notes/").path == f"{tmp_path}/notes/"
    assert Filters.parse("path=../notes").path == f"{tmp_path.parent}/notes"
    assert Filters.parse("path=~/no").path == "/home/me/no" and Filters.parse("path=/").path == "/"
    with pytest.raises(ValueError, match=r"whole path.*got 'notes'"):
        Filters(path="notes")
    for wrong in ("size=3", "kind", "kind=", "since=yesterday"):
        with pytest.raises(ValueError):
            Filters.parse(wrong)


def test_the_vector_of_a_query_can_be_given(filled, embedder):
    vector = embedder.queries(["tax law"])[0]
    assert filled.search("anything", embedder, mode="dense", query_vector=vector).hits[0].path.endswith("taxes.md")


def test_an_empty_collection_finds_nothing(collection, embedder):
    assert collection.search("cat", embedder).hits == []


def test_results_are_the_same_after_a_restart(filled, embedder, tmp_path):
    before = filled.search("the cat and the law", embedder).hits
    again = Collection.open(tmp_path / "home")
    assert again.search("the cat and the law", embedder).hits == before
    again.close()


def test_many_threads_search_while_one_writes(filled, embedder, folder):
    problems: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                assert filled.search("the cat sat", embedder).hits[0].path.endswith("cats.md")
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for round_ in range(3):
        write(folder / "more", **{f"r{round_}n{n}": f"Numbers {n} of round {round_}." for n in range(40)})
        drain(filled.ingest(folder, [embedder]))
    done.set()
    for thread in threads:
        thread.join()
    assert problems == []


def test_names_of_collections_are_plain(tmp_path):
    for name in ("../up", "", "a/b", ".hidden", "x" * 65):
        with pytest.raises(ValueError, match="collection's name"):
            Collection.open(tmp_path, name)
    with pytest.raises(LookupError, match="none yet"):
        Collection.open(tmp_path, create=False)


def test_questions_about_nothing_here_have_a_high_p_value(collection, tmp_path):
    engine = open_embedder("hash", "mean", engine=HashEngine(dim=256))
    topics = "glaciers volcanoes rivers deserts forests oceans islands canyons".split()
    write(
        tmp_path / "earth",
        **{t: f"The {t} of the earth are described in this essay about {t} and maps." for t in topics},
    )
    drain(collection.ingest(tmp_path / "earth", [engine]))
    assert collection.default_space().calibrated

    def doubt(query: str) -> float:
        return collection.p_value(engine, collection.search(query, engine, mode="dense").hits[0].legs["dense"].score)

    assert doubt("essay about volcanoes and maps of the earth") < 0.2 < doubt("quarterly bicycle invoices")
    assert collection.p_value(open_embedder("hash", "last", engine=HashEngine(dim=256)), 0.5) is None
