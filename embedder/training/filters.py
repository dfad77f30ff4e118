"""Better pairs from raw ones: E5's consistency filter, and hard negatives with a guard against false ones.

Both rank with an embedder that there is already. sentence-transformers' miner drops the pairs it finds nothing for and
needs its own tables of data; here such a pair stays a pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from embedder.embedder import Embedder
from embedder.training.data import Pair

BLOCK = 256  # queries ranked at a time
FALSE_NEGATIVE = 0.95  # of the positive's score: a text nearer than that probably answers as well (NV-Retriever)


def consistent(pairs: Sequence[Pair], embedder: Embedder, *, keep: int = 2, among: int = 100_000) -> list[Pair]:
    """Pairs whose positive is one of the `keep` nearest to its query among `among` passages of all pairs (E5)."""
    passages = list(dict.fromkeys(pair.positive for pair in pairs))
    chance = np.random.default_rng(0)
    some = sorted(chance.choice(len(passages), min(among, len(passages)), replace=False).tolist())
    others = embedder.documents([passages[n] for n in some])
    kept = []
    for block, scores in _scored(pairs, embedder, others):
        own = np.einsum("nd,nd->n", _queries(block, embedder), embedder.documents([pair.positive for pair in block]))
        nearer = (scores > own[:, None] + 1e-6).sum(1)  # its own copy among the others is as near, not nearer
        kept += [pair for pair, count in zip(block, nearer, strict=True) if count < keep]
    return kept


def mined(
    pairs: Sequence[Pair], embedder: Embedder, *, negatives: int = 1, guard: float = FALSE_NEGATIVE, skip: int = 0
) -> list[Pair]:
    """Pairs with the nearest passages of other pairs as negatives, none above `guard` times the positive's score.

    `skip`: how many of the nearest are passed over. Whatever is a positive of the same query is never a negative.
    """
    passages = list(dict.fromkeys(pair.positive for pair in pairs))
    place = {text: n for n, text in enumerate(passages)}
    right: dict[str, set[int]] = {}
    for pair in pairs:
        right.setdefault(pair.query, set()).add(place[pair.positive])
    vectors = embedder.documents(passages)
    found: list[Pair] = []
    for block, scores in _scored(pairs, embedder, vectors):
        own = scores[np.arange(len(block)), [place[pair.positive] for pair in block]]
        limit = own - (1 - guard) * np.abs(own)  # below zero a share of the score would lie above it
        for pair, row, most in zip(block, scores, limit, strict=True):
            row[sorted(right[pair.query])] = -np.inf
            row[row > most] = -np.inf
            best = np.argsort(-row, kind="stable")[skip : skip + negatives]
            hard = tuple(passages[n] for n in best if np.isfinite(row[n]) and passages[n] != pair.query)
            found.append(replace(pair, negatives=hard or pair.negatives))
    return found


def _scored(pairs: Sequence[Pair], embedder: Embedder, vectors: np.ndarray) -> Iterator[tuple[list[Pair], np.ndarray]]:
    """Pairs of one instruction, block by block, with their queries' scores against all vectors, (n, m)."""
    for instruction in sorted({pair.instruction for pair in pairs}):
        group = [pair for pair in pairs if pair.instruction == instruction]
        for begin in range(0, len(group), BLOCK):
            block = group[begin : begin + BLOCK]
            yield block, _queries(block, embedder) @ vectors.T


def _queries(block: Sequence[Pair], embedder: Embedder) -> np.ndarray:
    return embedder.queries([pair.query for pair in block], instruction=block[0].instruction)
