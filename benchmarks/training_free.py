"""Every method that needs no training, on one model, beside words (BM25) and MiniLM: a table, and its reading.

    python -m benchmarks.training_free [--model pocket] [--out docs/training-free.md] [--documents 1500] [--queries 150]

Sets and pairs lie in TWOFOLD_SHARED/data. A large set is cut to so many documents, the relevant ones of its queries
among them: figures are comparable within the table, and higher than on the whole set. About 20 minutes on two cores;
`--cache FOLDER` lets a run that was stopped go on. Every sentence of the reading is worked out from the figures.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.panel import located
from embedder import METHODS, Embedder, open_embedder
from indexer import Dataset, Evaluator, read_beir, read_pairs, similarity
from tests.shared import SHARED

SETS = ("scifact", "cosqa", "cranfield", "xquad-zh2en")
PAIRS = ("stsb-en", "stsb-zh")
WORDS, MINILM = "words (BM25)", "all-MiniLM-L6-v2"
Table = dict[str, dict[str, float]]  # row, then column


def subset(dataset: Dataset, documents: int, queries: int) -> Dataset:
    """Some queries, all documents that are relevant to them, and others up to the number wanted; the same each time."""
    chance = random.Random(7)
    chosen = sorted(chance.sample(sorted(dataset.judged), min(queries, len(dataset.judged))))
    judged = {query: dataset.judged[query] for query in chosen}
    wanted = {key for found in judged.values() for key in found if key in dataset.documents}
    others = sorted(set(dataset.documents) - wanted)
    kept = wanted | set(chance.sample(others, max(0, min(documents - len(wanted), len(others)))))
    left = {key: text for key, text in dataset.documents.items() if key in kept}
    return Dataset(dataset.name, left, {query: dataset.queries[query] for query in judged}, judged)


def rows(model: str, minilm: bool) -> dict[str, Embedder]:
    """The model's own method, the training-free ones, and MiniLM, by their names in the table."""
    own = open_embedder(located(model))
    made = {f"`{own.method.name}`" + (" (trained for it)" if own.method.trained else ""): own}
    for name, method in METHODS.items():
        if not method.trained and name != own.method.name:
            made[f"`{name}`"] = open_embedder(model, name, engine=own.engine)
    return made | ({MINILM: open_embedder(located("minilm"))} if minilm else {})


def measured(
    embedders: dict[str, Embedder], sets: Sequence[Dataset], pairs: Sequence[str], cache: Path | None
) -> tuple[Table, float]:
    """nDCG@10 and Spearman, x 100, and the mean half width of the former's intervals."""
    table: Table = {WORDS: {}, **{name: {} for name in embedders}}
    widths = [0.0]
    for dataset in sets:
        evaluator = Evaluator(dataset, cache)
        table[WORDS][dataset.name] = 100 * evaluator.run(None, "words").metrics["ndcg@10"].value
        for name, embedder in embedders.items():
            started = time.perf_counter()
            found = evaluator.run(embedder, "dense").metrics["ndcg@10"]
            table[name][dataset.name] = 100 * found.value
            widths.append(50 * (found.high - found.low))
            print(f"{dataset.name} {name} {table[name][dataset.name]:.1f} in {time.perf_counter() - started:.0f} s",
                  flush=True)  # fmt: skip
        evaluator.close()
    for pair in pairs:
        known = read_pairs(SHARED / "data" / "sts" / pair)
        for name, embedder in embedders.items():
            table[name][pair] = 100 * similarity(known, embedder).value
    return table, sum(widths) / max(1, len(widths) - 1)


def markdown(table: Table, columns: Sequence[str]) -> str:
    """The table; the best training-free figure of each column is bold."""
    free = free_rows(table)
    best = {column: max((table[row][column] for row in free), default=0.0) for column in columns}
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for row, values in table.items():
        cells = []
        for column in columns:
            text = f"{values[column]:.1f}" if column in values else "–"
            cells.append(f"**{text}**" if row in free and values.get(column) == best[column] else text)
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def free_rows(table: Table) -> list[str]:
    """The rows of training-free methods."""
    return [row for row in table if row not in (WORDS, MINILM) and "(trained" not in row]


def reading(table: Table, sets: Sequence[str], pairs: Sequence[str]) -> list[str]:
    """What the figures say, and no more."""
    free = free_rows(table)
    mean = {row: float(np.mean([values[name] for name in (*sets, *pairs) if name in values]))
            for row, values in table.items()}  # fmt: skip
    order = sorted(free, key=lambda row: -mean[row])
    said = [f"Of the {len(free)} methods that need no training, {order[0]} has the highest mean ({mean[order[0]]:.1f}) "
            f"and {order[-1]} the lowest ({mean[order[-1]]:.1f})."]  # fmt: skip
    for rival in (WORDS, MINILM):
        if rival in table:
            ahead = [name for name in (*sets, *pairs) if name in table[rival]
                     and max(table[row][name] for row in free) > table[rival][name]]  # fmt: skip
            of = sum(name in table[rival] for name in (*sets, *pairs))
            named = f": {', '.join(ahead)}" if ahead else ""
            said.append(f"The best of them is ahead of {rival} in {len(ahead)} of {of} columns{named}.")
    for row in (row for row in table if "(trained" in row):
        like = [other for other in free if all(abs(table[other][at] - value) < 1 for at, value in table[row].items())]
        if like:
            said.append(f"{', '.join(like)} stay within one point of {row.replace(' (trained for it)', '')} in every "
                        "column: on these weights, what is pooled matters more than how attention looks.")  # fmt: skip
        gap = mean[row] - mean[order[0]]
        said.append(f"{row.replace(' (trained for it)', '')}, which the weights were trained for, lies {abs(gap):.1f} "
                    f"points {'above' if gap > 0 else 'below'} {order[0]} in the mean.")  # fmt: skip
    return said


HEAD = """# Methods that need no training, on the bundled model

nDCG@10 of vectors alone (`words` is BM25) and Spearman's correlation on STS-B, all x 100, made by
`python -m benchmarks.training_free`{options}. Large sets are cut to {documents:,} documents and {queries} queries, all
relevant documents among them, so the figures are higher than on the whole sets; within the table they are comparable.

"""
TAIL = """
## How to read it

{said}
- These methods were published for decoders of billions of parameters. The bundled model is small, and its weights were
  trained to embed with attention both ways: rows with causal attention use them in a way they were not trained for. The
  table ranks the methods on this model; it does not rank them on yours. `twofold eval FOLDER --methods A,B --model M`
  makes the same comparison with another model or on your own questions.
- So few queries leave a retrieval figure uncertain by about {noise:.0f} points either way (95% bootstrap intervals, the
  mean of all); two rows on the same queries are compared more surely than that, but not to the point.
"""


def main() -> None:
    """Measure, print, and write the page where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--documents", type=int, default=1500)
    parser.add_argument("--queries", type=int, default=150)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--pairs", default=",".join(PAIRS))
    parser.add_argument("--no-minilm", action="store_true")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    names, pairs = ([name for name in given.split(",") if name] for given in (options.sets, options.pairs))
    sets = [subset(read_beir(SHARED / "data" / "eval" / name), options.documents, options.queries) for name in names]
    table, noise = measured(rows(options.model, not options.no_minilm), sets, pairs, options.cache)
    head = HEAD.format(options=f" --model {options.model}" if options.model != "pocket" else "",
                       documents=options.documents, queries=options.queries)  # fmt: skip
    said = "\n".join(f"- {sentence}" for sentence in reading(table, names, pairs))
    page = head + markdown(table, [*names, *pairs]) + "\n" + TAIL.format(said=said, noise=noise)
    print(page)
    if options.out:
        options.out.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
