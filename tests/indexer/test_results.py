"""What an evaluation leaves behind, and what a method costs."""

import time
from dataclasses import replace

import pytest

from indexer import Cost, Evaluator, Results, measure, result_of
from indexer.cost import spread
from indexer.dataset import Dataset

SMALL = Dataset(
    "small",
    {"d1": "cats purr on mats", "d2": "taxes are reformed every year", "d3": "明月光照故乡"},
    {"q1": "purring cats", "q2": "year of taxes"},
    {"q1": {"d1": 1}, "q2": {"d2": 1}},
)


def run(embedder, mode):
    evaluator = Evaluator(SMALL)
    try:
        return evaluator.run(embedder, mode)
    finally:
        evaluator.close()


@pytest.fixture
def evaluated(embedder):
    return run(embedder, "hybrid")


def test_results_are_kept_over_time_and_come_back_as_they_were(collection, evaluated):
    results = Results(collection.catalogue)
    cost = Cost(12.0, 900.0, 64, 0.01, 0.02)
    first = result_of(evaluated, SMALL.digest, model="hash", instruction="find", cost=cost)
    results.keep(first)
    (back,) = results.all(SMALL.digest)
    assert replace(back, id=0, created="") == first and back.created
    assert back.label == "mean+words" and back.values("ndcg@10") == evaluated.values("ndcg@10")
    assert results.all("another") == [] and results.sets() == [("small", SMALL.digest)]


def test_the_latest_result_of_each_contender_counts(collection, evaluated, embedder):
    results = Results(collection.catalogue)
    poor = replace(evaluated, metrics={**evaluated.metrics, "ndcg@10": evaluated.metrics["mrr@10"].__class__(0, 0, 0)})
    for one in (poor, evaluated, run(embedder, "dense"), run(None, "words")):
        results.keep(result_of(one, SMALL.digest))
    latest = results.latest(SMALL.digest)
    assert {one.label for one in latest} == {"mean", "mean+words", "words"} and len(results.all(SMALL.digest)) == 4
    assert next(one for one in latest if one.label == "mean+words").metrics["ndcg@10"].value > 0
    results.forget(SMALL.digest)
    assert results.all() == []


def test_the_text_of_questions_from_documents_stays_with_their_set(evaluated):
    kept = result_of(replace(evaluated, dataset="made:mine"), SMALL.digest)
    assert {row.text for row in kept.rows} == {""} and kept.rows[0].query == "q1"


def test_a_cost_is_measured_on_a_sample(embedder):
    def slow(text: str) -> None:
        time.sleep(0.003)

    cost = measure(embedder, list(SMALL.documents.values()) * 40, ["a question"] * 5, slow)
    assert cost.bytes == 64 and cost.tokens >= 5 and cost.tokens_per_s > 0 and cost.p95 >= cost.p50 >= 0.003
    words = measure(None, ["text"], ["a question"], slow)
    assert (words.tokens, words.bytes) == (0, 0) and words.p50 > 0


def test_a_sample_is_spread_over_all_texts():
    assert spread([str(n) for n in range(100)], 4) == ["0", "25", "50", "75"] and spread(["a"], 9) == ["a"]


def test_one_query_alone_gives_what_the_whole_run_gave(embedder):
    evaluator = Evaluator(SMALL)
    whole = evaluator.run(embedder, "hybrid")
    assert evaluator.once("purring cats", embedder, "hybrid")[0] == whole.rows[0].hits[0][0] == "d1"
    evaluator.close()
