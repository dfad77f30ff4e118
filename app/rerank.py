"""Orders hits by how likely the same weights find the question after reading each one: log p(query | chunk).

The place a hit had before stays on it as the leg "retrieved", and the likelihood becomes the leg "likelihood", so that
a reader sees both. It knows no collection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from embedder.engine import Writer
    from indexer import Hit

READ = 20
SHARE = 0.5  # weight of the likelihood beside the score the hit came with, both in units of their own spread


def rerank(question: str, hits: Sequence[Hit], writer: Writer, *, share: float = SHARE) -> list[Hit]:
    """The hits in their new order; those beyond the first READ follow as they were."""
    from indexer import Leg

    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share is the likelihood's weight, from 0 to 1; got {share}")
    read = list(hits[:READ])
    if len(read) < 2:
        return list(hits)
    likelihood = np.array([writer.score(hit.text, question) for hit in read])
    blended = share * _spread(likelihood) + (1 - share) * _spread(np.array([hit.score for hit in read]))
    place = {int(at): rank for rank, at in enumerate(np.argsort(-likelihood, kind="stable"), 1)}
    moved = []
    for rank, at in enumerate(np.argsort(-blended, kind="stable"), 1):
        hit = read[at]
        legs = {
            **hit.legs,
            "retrieved": Leg(rank=hit.rank, score=hit.score),
            "likelihood": Leg(rank=place[int(at)], score=float(likelihood[at])),
        }
        moved.append(replace(hit, rank=rank, score=float(blended[at]), legs=legs))
    return [*moved, *hits[READ:]]


def _spread(scores: np.ndarray) -> np.ndarray:
    return (scores - scores.mean()) / (scores.std() + 1e-9)
