import json
import threading

import numpy as np
import pytest

from embedder import HashEngine, open_embedder
from indexer import Dataset, Evaluator, read_beir, read_pairs, similarity
from indexer.evaluate import Stopped, pieces_of

CORPUS = {
    "d1": "cats purr on mats",
    "d2": "taxes are reformed every year",
    "d3": "明月光照故乡",
    "d4": "dogs bark " * 400,
}
QUERIES = {"q1": "purring cats", "q2": "year of taxes", "q3": "故乡的明月", "q4": "bark", "unjudged": "nothing"}


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "tiny"
    (made / "qrels").mkdir(parents=True)
    rows = [{"_id": key, "title": "", "text": text} for key, text in CORPUS.items()]
    (made / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (made / "queries.jsonl").write_text("\n".join(json.dumps({"_id": k, "text": v}) for k, v in QUERIES.items()))
    pairs = "".join(f"q{n}\td{n}\t1\n" for n in range(1, 5))
    (made / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{pairs}")
    return made


@pytest.mark.parametrize("mode", ["words", "dense", "hybrid"])
def test_easy_questions_are_answered_in_every_mode(folder, embedder, mode):
    evaluator = Evaluator(read_beir(folder))
    result = evaluator.run(embedder, mode)
    evaluator.close()
    assert result.metrics["ndcg@10"].value > 0.8 and result.metrics["recall@100"].value == 1.0
    assert [row.query for row in result.rows] == ["q1", "q2", "q3", "q4"]
    assert list(result.json()) == ["ndcg@10", "recall@10", "mrr@10", "queries", "seconds"]


def test_vectors_are_cached_by_set_and_fingerprint(folder, embedder, other, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    first = Evaluator(read_beir(folder), cache).run(embedder, "dense")
    with monkeypatch.context() as patch:
        patch.setattr(type(embedder), "documents", lambda *_: pytest.fail("encoded again"))
        patch.setattr(type(embedder), "queries", lambda *_, **__: pytest.fail("encoded again"))
        again = Evaluator(read_beir(folder), cache).run(embedder, "dense")
    assert again.values("ndcg@10") == first.values("ndcg@10")
    assert Evaluator(read_beir(folder), cache).run(other, "dense").fingerprint != first.fingerprint


def test_a_damaged_block_of_the_cache_is_encoded_again(folder, embedder, tmp_path):
    cache = tmp_path / "cache"
    first = Evaluator(read_beir(folder), cache).run(embedder, "dense")
    for file in cache.rglob("*.npy"):
        file.write_bytes(file.read_bytes()[:50])
    assert Evaluator(read_beir(folder), cache).run(embedder, "dense").rows == first.rows


def test_an_evaluation_can_be_stopped(folder, embedder):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped, match="tiny"):
        Evaluator(read_beir(folder), stop=stop).run(embedder, "dense")


def test_a_long_document_counts_by_its_best_piece():
    engine = open_embedder("hash", "mean", engine=HashEngine(dim=64, context=64))
    text = "filler " * 300 + "unique needle here " + "filler " * 300
    pieces = pieces_of(text, engine, engine.room("document"))
    assert "".join(pieces) == text and all(len(engine.engine.encode(p)) <= engine.room("document") for p in pieces)


def test_an_empty_document_is_near_to_nothing(folder, embedder):
    with (folder / "corpus.jsonl").open("a") as corpus:
        corpus.write('\n{"_id": "empty", "title": "", "text": ""}')
    rows = Evaluator(read_beir(folder)).run(embedder, "dense").rows
    assert all(score == 0 for row in rows for key, score in row.hits if key == "empty")


def test_what_is_no_test_set_is_refused_with_what_is_there(tmp_path, folder):
    with pytest.raises(FileNotFoundError, match=r"no qrels/dev.tsv; splits there: test"):
        read_beir(folder, split="dev")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        read_beir(tmp_path / "empty")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"it has no corpus.jsonl, no queries.jsonl, no qrels"):
        read_beir(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="files there: none"):
        read_pairs(tmp_path / "empty")


def test_similar_sentences_correlate_with_what_people_say(tmp_path, embedder):
    rows = [
        "score\ts1\ts2",
        '5\tthe "cat sat\tthe "cat sat',
        "4\ta red house\ta red big house",
        "2\ta dog ran\tthe dog ate",
    ]
    (tmp_path / "test.tsv").write_text("\n".join([*rows, "0\ttax law\tgreen apples", "0\tone two\tthree four"]))
    pairs = read_pairs(tmp_path)
    assert len(pairs.scores) == 5
    result = similarity(pairs, embedder)
    assert result.value > 0.7 and result.low <= result.value <= result.high


def test_the_ranking_is_that_of_plain_arithmetic(folder, embedder):
    dataset = read_beir(folder)
    hits = Evaluator(dataset).run(embedder, "dense").rows[0].hits
    short = [key for key in dataset.documents if key != "d4"]
    query = embedder.queries([QUERIES["q1"]])[0]
    scores = dict(zip(short, embedder.documents([CORPUS[key] for key in short]) @ query, strict=True))
    assert [key for key, _ in hits if key != "d4"] == sorted(scores, key=lambda key: -scores[key])
    np.testing.assert_allclose([s for k, s in hits if k != "d4"], sorted(scores.values(), reverse=True), atol=2e-3)


def test_a_query_is_not_its_own_answer_but_a_name_alone_makes_no_twin(embedder):
    documents = {"1": "cats purr on mats", "2": "taxes are reformed every year", "3": "purring cats on a mat"}
    dataset = Dataset(
        "twins", documents, {"1": "cats purr on mats", "2": "cats on a mat"}, {"1": {"3": 1}, "2": {"2": 1}}
    )
    first, second = Evaluator(dataset).run(embedder, "dense").rows
    assert "1" not in [name for name, _ in first.hits] and "2" in [name for name, _ in second.hits]
