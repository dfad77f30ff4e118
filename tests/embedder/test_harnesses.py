"""Other people's harnesses measure the exported embedder as our own evaluation does."""

import random

import pytest

from embedder import METHODS, combine
from embedder.transformers_engine import TransformersEngine
from indexer import Dataset, Evaluator
from tests import tiny

pytest.importorskip("sentence_transformers")
WORDS = "river stone lantern harbour engine garden letter winter copper bridge needle silver 茶 光".split()


@pytest.fixture(scope="module")
def dataset():
    chance = random.Random(3)
    documents = {f"d{n}": " ".join(chance.choices(WORDS, k=12)) for n in range(40)}
    queries = {f"q{n}": " ".join(documents[f"d{n}"].split()[:4]) for n in range(12)}
    judged = {f"q{n}": {f"d{n}": 2, f"d{n + 20}": 1} for n in range(12)}
    return Dataset("made-up", documents, queries, judged)


@pytest.fixture(scope="module", params=["e5-instruct", "sgpt-specb"])
def embedder(request):
    engine = TransformersEngine(tiny.make_model("qwen3"), tiny.make_tokenizer(), name="tiny", revision="0", context=512)
    return combine(METHODS[request.param], engine)


@pytest.fixture(scope="module")
def exported(embedder):
    from embedder.interop import to_sentence_transformer

    return to_sentence_transformer(embedder)


@pytest.fixture(scope="module")
def ours(embedder, dataset):
    evaluator = Evaluator(dataset)
    metrics = evaluator.run(embedder, "dense").metrics
    evaluator.close()
    assert 0.05 < metrics["ndcg@10"].value < 1.0  # neither a floor nor a ceiling, where any two figures agree
    return metrics


def test_the_evaluator_of_sentence_transformers_finds_what_ours_finds(exported, dataset, ours):
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    relevant = {query: {key for key, grade in found.items() if grade} for query, found in dataset.judged.items()}
    theirs = InformationRetrievalEvaluator(
        dataset.queries, dataset.documents, relevant, name="made-up",
        accuracy_at_k=[1], precision_recall_at_k=[10], ndcg_at_k=[10], mrr_at_k=[10], map_at_k=[10],
        write_csv=False, show_progress_bar=False,
    )  # fmt: skip
    found = theirs(exported)
    assert found["made-up_cosine_recall@10"] == pytest.approx(ours["recall@10"].value, abs=1e-4)
    assert found["made-up_cosine_mrr@10"] == pytest.approx(ours["mrr@10"].value, abs=1e-4)


@pytest.mark.filterwarnings("default")
def test_mteb_runs_a_local_task_through_the_export(exported, dataset, ours):
    pytest.importorskip("mteb", reason="MTEB is large: the extra `mteb`")
    from benchmarks.mteb_local import by_mteb

    assert by_mteb(exported, dataset) == pytest.approx(ours["ndcg@10"].value, abs=1e-3)
