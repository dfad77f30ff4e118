"""Test sets on this machine as MTEB tasks, run by MTEB through the exported SentenceTransformer, beside our figures.

    python -m benchmarks.mteb_local [--model pocket] [--method METHOD] [--sets xquad-zh2en,...]   (pip install mteb)

MTEB cuts a long document to what the model takes, our evaluation reads all its pieces and lets the best one count: the
two agree where documents fit.
"""

from __future__ import annotations

import argparse
from typing import Any

from embedder import open_embedder
from embedder.interop import to_sentence_transformer
from indexer import Dataset, Evaluator, read_beir
from tests.shared import SHARED


def task_of(dataset: Dataset) -> Any:
    """The test set as an instance of an MTEB retrieval task; nothing is fetched."""
    from mteb.abstasks.retrieval import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata

    class Local(AbsTaskRetrieval):
        metadata = TaskMetadata(
            name=f"Local-{dataset.name}", description=f"{dataset.name}, read from a folder", type="Retrieval",
            dataset={"path": dataset.name, "revision": dataset.digest}, eval_splits=["test"], eval_langs=["eng-Latn"],
            main_score="ndcg_at_10",
        )  # fmt: skip

        def load_data(self, *_: Any, **__: Any) -> None:
            self.corpus = {"test": {key: {"title": "", "text": text} for key, text in dataset.documents.items()}}
            self.queries = {"test": dict(dataset.queries)}
            self.relevant_docs = {"test": {query: dict(found) for query, found in dataset.judged.items()}}
            self.convert_v1_dataset_format_to_v2(num_proc=None)
            self.data_loaded = True

    return Local()


def by_mteb(model: Any, dataset: Dataset) -> float:
    """nDCG@10 as MTEB measures it."""
    import mteb

    found = mteb.evaluate(model, [task_of(dataset)], cache=None, show_progress_bar=False, co2_tracker=False)
    return float(found.task_results[0].scores["test"][0]["ndcg_at_10"])


def main() -> None:
    """One row for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--method", default="")
    parser.add_argument("--sets", default="xquad-zh2en")
    options = parser.parse_args()
    embedder = open_embedder(options.model, options.method)
    exported = to_sentence_transformer(embedder)
    print("| set | MTEB | Twofold |\n|---|---|---|")
    for name in options.sets.split(","):
        dataset = read_beir(SHARED / "data" / "eval" / name)
        evaluator = Evaluator(dataset)
        ours = evaluator.run(embedder, "dense").metrics["ndcg@10"].value
        evaluator.close()
        print(f"| {name} | {by_mteb(exported, dataset):.4f} | {ours:.4f} |", flush=True)


if __name__ == "__main__":
    main()
