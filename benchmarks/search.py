"""How much does a search cost over the bare vector index? Medians over the same queries, and their ratio.

    python -m benchmarks.search [--chunks 100000] [--dim 384] [--queries 200]

The collection is made here: random unit vectors, texts of words drawn as in language (Zipf). The peer is FAISS alone
over the same vectors: the float16 index that a view uses, and the float32 one. Query encoding is no part of it.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faiss
import numpy as np

from indexer import Collection, Filters, Loaded
from indexer import store as rows
from indexer.chunk import Chunk
from indexer.store import Key, Met

PER_DOCUMENT = 50
WORDS = 60  # in a chunk


def texts(count: int, chance: np.random.Generator) -> list[str]:
    """Chunks of words w1, w2, ... where word n is drawn in proportion to 1 / n."""
    weights = 1 / np.arange(1, 30_001)
    drawn = chance.choice(30_000, (count, WORDS), p=weights / weights.sum())
    return [" ".join(f"w{number}" for number in line) for line in drawn]


def fill(collection: Collection, vectors: np.ndarray, bodies: list[str]) -> Any:
    """Documents of PER_DOCUMENT chunks each; the embedder whose space they are in."""
    engine: Any = SimpleNamespace(name="random", revision="1")
    embedder: Any = SimpleNamespace(
        fingerprint="random",
        method=SimpleNamespace(name="random"),
        engine=engine,
        dim=vectors.shape[1],
        untrained=False,
    )
    (space,) = collection._spaces([embedder])
    for first in range(0, len(bodies), PER_DOCUMENT):
        part = bodies[first : first + PER_DOCUMENT]
        ends = np.cumsum([len(body) + 1 for body in part])
        chunks = [
            Chunk(int(end) - len(body) - 1, int(end) - 1, WORDS, "") for body, end in zip(part, ends, strict=True)
        ]
        key = Key(hashlib.sha256(str(first).encode()).hexdigest(), ".txt")
        with collection.catalogue.write() as connection:
            loaded = Loaded("\n".join(part) + "\n", (), "txt")
            document = rows.add_document(connection, key, loaded, chunks, {space: vectors[first : first + len(part)]})
            rows.point(connection, Met(f"/folder{first % 7}/{first}.txt", 1, 1), document)
    return embedder


def median(work: Callable[[int], object], count: int) -> float:
    """Median milliseconds of a call, after a few to warm up."""
    for number in range(5):
        work(number)
    taken = []
    for number in range(count):
        started = time.perf_counter()
        work(number)
        taken.append(time.perf_counter() - started)
    return float(np.median(taken) * 1000)


def flat(vectors: np.ndarray) -> Any:
    """FAISS's plain float32 index."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--queries", type=int, default=200)
    options = parser.parse_args()
    chance = np.random.default_rng(0)
    vectors = chance.standard_normal((options.chunks, options.dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = chance.standard_normal((options.queries + 5, options.dim)).astype(np.float32)
    bodies = texts(options.chunks, chance)
    questions = [" ".join(body.split()[:6]) for body in texts(options.queries + 5, chance)]
    with tempfile.TemporaryDirectory() as folder:
        collection = Collection.open(Path(folder))
        started = time.perf_counter()
        embedder = fill(collection, vectors, bodies)
        print(f"{options.chunks:,} chunks of {options.dim} numbers stored in {time.perf_counter() - started:.1f} s")
        started = time.perf_counter()
        collection.search("w1", embedder, mode="dense", query_vector=asked[0])
        print(f"view made from SQL in {time.perf_counter() - started:.2f} s")
        table(collection, embedder, vectors, asked, questions, options.queries)


def table(
    collection: Collection, embedder: Any, vectors: np.ndarray, asked: np.ndarray, questions: list[str], n: int
) -> None:
    """Medians and ratios."""
    space = collection.default_space()
    assert space is not None
    index, plain = collection.searcher.view(space.id, space.dim).index, flat(vectors)

    def ours(mode: str, filters: Filters | None = None) -> Callable[[int], object]:
        return lambda k: collection.search(questions[k], embedder, mode=mode, query_vector=asked[k], filters=filters)

    raw = median(lambda k: index.search(asked[k : k + 1], 10), n)
    lines = {
        "FAISS float16, alone": raw,
        "FAISS float32, alone": median(lambda k: plain.search(asked[k : k + 1], 10), n),
        "search, dense": median(ours("dense"), n),
        "search, dense, one folder of seven": median(ours("dense", Filters(path="/folder3/")), n),
        "search, words": median(ours("words"), n),
        "search, hybrid": median(ours("hybrid"), n),
    }
    for name, value in lines.items():
        print(f"{name:36} p50 {value:8.2f} ms   {value / raw:5.2f} x")


if __name__ == "__main__":
    main()
