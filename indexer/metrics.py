"""Measures of a ranking, and how sure one can be of them: formulas with their sources. Knows no model and no file."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
Judged = Mapping[str, int]


def ndcg(ranking: Sequence[str], judged: Judged, k: int = 10) -> float:
    """Normalised discounted cumulative gain: sum of rel / log2(rank + 1), over that of the best order. 0 to 1.

    Järvelin and Kekäläinen, TOIS 2002, with the linear gain that trec_eval and BEIR use.
    """
    gained = sum(judged.get(item, 0) / math.log2(rank + 1) for rank, item in enumerate(ranking[:k], start=1))
    ideal = sorted((relevance for relevance in judged.values() if relevance > 0), reverse=True)[:k]
    best = sum(relevance / math.log2(rank + 1) for rank, relevance in enumerate(ideal, start=1))
    return gained / best if best else 0.0


def recall(ranking: Sequence[str], judged: Judged, k: int = 10) -> float:
    """The part of the relevant items that is among the first k."""
    relevant = {item for item, relevance in judged.items() if relevance > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def mrr(ranking: Sequence[str], judged: Judged, k: int = 10) -> float:
    """One over the rank of the first relevant item, 0 where none is among the first k."""
    return next((1 / rank for rank, item in enumerate(ranking[:k], start=1) if judged.get(item, 0) > 0), 0.0)


MEASURES: dict[str, Callable[[Sequence[str], Judged], float]] = {
    "ndcg@10": lambda ranking, judged: ndcg(ranking, judged, 10),
    "recall@10": lambda ranking, judged: recall(ranking, judged, 10),
    "recall@100": lambda ranking, judged: recall(ranking, judged, 100),
    "mrr@10": lambda ranking, judged: mrr(ranking, judged, 10),
}


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95% bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap(values: Sequence[float], *, seed: int = 0) -> Interval:
    """The mean over queries, and where it would lie with other queries of the same sort: percentile bootstrap.

    Efron 1979; for retrieval see Sakai, SIGIR 2006.
    """
    if not len(values):
        return Interval(0.0, 0.0, 0.0)
    sample = np.asarray(values, np.float64)
    means = _resampled(sample, np.random.default_rng(seed))
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(sample.mean()), float(low), float(high))


def _resampled(sample: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Means of resamples: drawing n of n with replacement is drawing how often each one comes up."""
    counts = chance.multinomial(len(sample), np.full(len(sample), 1 / len(sample)), RESAMPLES)  # (resamples, n)
    return np.asarray(counts @ sample / len(sample))


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better the left is than the right over the same queries; `p`: as large a difference by chance alone."""

    value: float
    low: float
    high: float
    p: float
    better: int
    worse: int


def paired(left: Sequence[float], right: Sequence[float], *, seed: int = 0) -> Difference:
    """Compare two methods query by query: bootstrap interval of the difference, and a randomisation test.

    Under the null hypothesis the two values of a query could be swapped, so signs of differences are flipped at random:
    Fisher 1935; recommended for retrieval by Smucker, Allan and Carterette, CIKM 2007.
    """
    if len(left) != len(right):
        raise ValueError(f"both sides need the same queries; got {len(left)} and {len(right)}")
    gaps = np.asarray(left, np.float64) - np.asarray(right, np.float64)
    if not gaps.size or not gaps.any():
        return Difference(0.0, 0.0, 0.0, 1.0, 0, 0)
    chance = np.random.default_rng(seed)
    low, high = np.quantile(_resampled(gaps, chance), (0.025, 0.975))
    signs = chance.choice((-1.0, 1.0), (RESAMPLES, len(gaps)))
    extreme = int((np.abs(signs @ gaps / len(gaps)) >= abs(gaps.mean()) - 1e-12).sum())
    p = (1 + extreme) / (1 + RESAMPLES)
    return Difference(float(gaps.mean()), float(low), float(high), p, int((gaps > 0).sum()), int((gaps < 0).sum()))


def spearman(left: Sequence[float], right: Sequence[float]) -> float:
    """Rank correlation, -1 to 1: Pearson's of the ranks, equal values sharing the mean of theirs. Spearman 1904."""
    if len(left) != len(right) or len(left) < 2:
        raise ValueError(f"two lists of the same length, at least 2; got {len(left)} and {len(right)}")
    a, b = _ranks(np.asarray(left, np.float64)), _ranks(np.asarray(right, np.float64))
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / scale if scale else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], np.float64)
