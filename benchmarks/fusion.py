"""Which fusion of words and vectors ranks best? nDCG@10 of each row of FUSIONS, and of z-scores by weight.

    python -m benchmarks.fusion [--model pocket] [--method METHOD] [--sets scifact,cosqa,...] [--cache FOLDER]

The test sets lie in TWOFOLD_SHARED/data/eval. Both legs are made once for each set; fusions rank the same candidates.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from embedder import HashEngine, open_embedder
from indexer import FUSIONS, Evaluator, Fusion, read_beir
from indexer.fuse import DEFAULT
from tests.shared import SHARED

SETS = "scifact,cosqa,cranfield,cmrc2018-dev,clapnq,xquad-en,xquad-zh,xquad-zh2en"
WEIGHTS = (0.25, 0.5, 0.75, 1.0, 1.5)


def rows() -> list[Fusion]:
    """The rows of the table, and the default with other weights of the dense leg."""
    others = [replace(DEFAULT, name=f"zscore {weight:g}", weights=(1.0, weight)) for weight in WEIGHTS]
    return [*(fusion for fusion in FUSIONS.values() if fusion.name != DEFAULT.name), *others]


def main() -> None:
    """Rank, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--method", default="")
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    engine = HashEngine(256) if options.model == "hash" else None
    embedder = open_embedder(options.model, options.method or ("mean" if engine else ""), engine=engine)
    table: dict[str, list[float]] = {}
    for name in options.sets.split(","):
        evaluator = Evaluator(read_beir(SHARED / "data" / "eval" / name), options.cache)
        results = {mode: evaluator.run(embedder, mode) for mode in ("words", "dense")}
        results |= {fusion.name: evaluator.run(embedder, "hybrid", fusion=fusion) for fusion in rows()}
        evaluator.close()
        for row, result in results.items():
            table.setdefault(row, []).append(result.metrics["ndcg@10"].value)
    show(options.sets.split(","), table)


def show(sets: Sequence[str], table: dict[str, list[float]]) -> None:
    """One line a fusion, one column a set."""
    print(f"{'nDCG@10':16}" + "".join(f"{name[:12]:>13}" for name in sets) + f"{'mean':>9}")
    for name, values in table.items():
        print(f"{name:16}" + "".join(f"{value:13.4f}" for value in values) + f"{np.mean(values):9.4f}")


if __name__ == "__main__":
    main()
