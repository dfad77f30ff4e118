"""Scores taken between two steps on data that is not trained on. The weights scored are those that are trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from embedder.embedder import Embedder
from embedder.training.data import Pair


@dataclass(frozen=True, slots=True)
class Dev:
    """A measure with a name; `sign` is -1 where less is better."""

    name: str
    score: Callable[[Embedder], float]
    sign: int = 1

    def better(self, value: float, than: float | None) -> bool:
        """Whether a score beats another, or is the first."""
        return than is None or self.sign * value > self.sign * than


def held_out(pairs: Sequence[Pair]) -> Dev:
    """MRR@10 of the held-out pairs: where each query's own positive stands among all of theirs."""

    def score(embedder: Embedder) -> float:
        rows = {text: n for n, text in enumerate(dict.fromkeys(pair.positive for pair in pairs))}
        documents = embedder.documents(list(rows))
        found = []
        for instruction in sorted({pair.instruction for pair in pairs}):
            group = [pair for pair in pairs if pair.instruction == instruction]
            queries = embedder.queries([pair.query for pair in group], instruction=instruction)
            own = np.array([rows[pair.positive] for pair in group])
            scores = queries @ documents.T
            ranks = (scores > scores[np.arange(len(group)), own][:, None]).sum(1) + 1
            found.append(np.where(ranks <= 10, 1 / ranks, 0.0))
        return float(np.concatenate(found).mean())

    return Dev(f"MRR@10 of {len(pairs)} held-out pairs", score)


def quietly(work: Callable[[], float]) -> float:
    """A score without a trace in the random numbers of the training that it interrupts."""
    with torch.random.fork_rng(), torch.no_grad():
        return work()
