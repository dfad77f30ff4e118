"""Several rankings in, one out; and how alike two rankings are. Formulas with their sources.

Knows no document and no model. A leg is a mapping from item to score, higher is better. Every fusion takes the same
arguments, so that each is a row of FUSIONS.
"""

import math
import random
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

Item = TypeVar("Item", bound=Hashable)
Leg = Mapping[Item, float]
Floors = Sequence[float | None]  # the score of what a leg did not find; None: the lowest it gave
Fuse = Callable[[Sequence[Leg[int]], Sequence[float], Floors], dict[int, float]]


def ranks(leg: Leg[Item]) -> dict[Item, int]:
    """The rank of each item, from 1; equal scores keep the order of the mapping."""
    return {item: n for n, item in enumerate(sorted(leg, key=lambda item: -leg[item]), start=1)}


def rrf(legs: Sequence[Leg[Item]], weights: Sequence[float], floors: Floors = (), *, k: int = 60) -> dict[Item, float]:
    """Reciprocal rank fusion: sum over legs of w / (k + rank). An item that a leg did not find gets nothing from it.

    Cormack, Clarke and Büttcher, SIGIR 2009 (there with w = 1 and k = 60).
    """
    fused: dict[Item, float] = {}
    for leg, weight in zip(legs, weights, strict=True):
        for item, rank in ranks(leg).items():
            fused[item] = fused.get(item, 0.0) + weight / (k + rank)
    return fused


def zscore(legs: Sequence[Leg[Item]], weights: Sequence[float], floors: Floors = ()) -> dict[Item, float]:
    """Mixing of standardised scores: sum over legs of w (s - mean) / deviation, over the candidates of all legs.

    Montague and Aslam, "Relevance score normalization for metasearch", CIKM 2001 (their "ZMUV").
    """
    return _mix(legs, weights, floors, _standard)


def minmax(legs: Sequence[Leg[Item]], weights: Sequence[float], floors: Floors = ()) -> dict[Item, float]:
    """Convex combination of scores scaled to 0..1: sum over legs of w (s - min) / (max - min).

    Bruch, Gai and Ingber, "An analysis of fusion functions for hybrid retrieval", TOIS 2023 (their "CC" with min-max).
    """
    return _mix(legs, weights, floors, _scaled)


def _mix(
    legs: Sequence[Leg[Item]],
    weights: Sequence[float],
    floors: Floors,
    normal: Callable[[Sequence[float]], list[float]],
) -> dict[Item, float]:
    items = list(dict.fromkeys(item for leg in legs for item in leg))
    fused = dict.fromkeys(items, 0.0)
    for leg, weight, floor in zip(legs, weights, floors or [None] * len(legs), strict=True):
        least = min(leg.values(), default=0.0)
        missing = least if floor is None else min(floor, least)
        for item, score in zip(items, normal([leg.get(item, missing) for item in items]), strict=True):
            fused[item] += weight * score
    return fused


def _standard(scores: Sequence[float]) -> list[float]:
    mean = sum(scores) / len(scores) if scores else 0.0
    deviation = math.sqrt(sum((score - mean) ** 2 for score in scores) / len(scores)) if scores else 0.0
    return [(score - mean) / deviation if deviation > 1e-12 else 0.0 for score in scores]


def _scaled(scores: Sequence[float]) -> list[float]:
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    return [(score - low) / (high - low) if high - low > 1e-12 else 0.0 for score in scores]


@dataclass(frozen=True, slots=True)
class Fusion:
    """A way to make one ranking of the words leg and the dense leg; `weights` and `floors` are theirs, in this order.

    A passage without any of the words has a BM25 of 0, while every passage has some cosine: one that the dense leg did
    not find lies somewhere below the lowest it gave.
    """

    name: str
    fuse: Fuse
    weights: tuple[float, float]
    source: str
    floors: tuple[float | None, float | None] = (0.0, None)

    def __call__(self, words: Leg[int], dense: Leg[int]) -> dict[int, float]:
        """The fused score of every candidate."""
        return self.fuse((words, dense), self.weights, self.floors)


TABLE = (
    Fusion("zscore", zscore, (1.0, 0.75), "Montague and Aslam, CIKM 2001"),
    Fusion("minmax", minmax, (1.0, 1.0), "Bruch, Gai and Ingber, TOIS 2023"),
    Fusion("rrf", rrf, (1.0, 1.0), "Cormack, Clarke and Büttcher, SIGIR 2009"),
)
FUSIONS = {fusion.name: fusion for fusion in TABLE}
DEFAULT = FUSIONS["zscore"]


def best(fused: Leg[Item], top: int) -> list[tuple[Item, float]]:
    """The highest items with their scores."""
    return sorted(fused.items(), key=lambda pair: -pair[1])[:top]


def jaccard(left: Sequence[Item], right: Sequence[Item], k: int = 10) -> float:
    """Shared part of the two top-k sets: |A ∩ B| / |A ∪ B|, 1 where both are empty. Jaccard 1901."""
    a, b = set(left[:k]), set(right[:k])
    return len(a & b) / len(a | b) if a | b else 1.0


def rbo(left: Sequence[Item], right: Sequence[Item], p: float = 0.9) -> float:
    """Rank-biased overlap, extrapolated: agreement of two rankings with the top weighing most, 0 to 1.

    RBO_ext of Webber, Moffat and Zobel, "A similarity measure for indefinite rankings", TOIS 2010, equation 32;
    `p` is the chance that a reader goes on to the next rank. Items within one ranking must differ.
    """
    if not 0 < p < 1:
        raise ValueError(f"p lies between 0 and 1, not {p}")
    short, long = sorted((list(left), list(right)), key=len)
    if not long:
        return 1.0
    if not short:
        return 0.0
    return _extrapolated(_overlaps(short, long), len(short), len(long), p)


def _overlaps(short: list[Item], long: list[Item]) -> list[int]:
    """Size of the intersection of the two top-d sets, for every depth d of the longer ranking, from 1."""
    seen_short: set[Item] = set()
    seen_long: set[Item] = set()
    sizes, shared = [], 0
    for depth, item in enumerate(long):
        other = short[depth] if depth < len(short) else None
        if other is not None:
            seen_short.add(other)
            shared += other in seen_long
        seen_long.add(item)
        shared += item in seen_short
        sizes.append(shared)
    return sizes


def _extrapolated(overlaps: list[int], s: int, n: int, p: float) -> float:
    at_short, at_long = overlaps[s - 1], overlaps[n - 1]
    agreed = sum(overlaps[d - 1] / d * p**d for d in range(1, n + 1))
    beyond = sum(at_short * (d - s) / (s * d) * p**d for d in range(s + 1, n + 1))
    tail = ((at_long - at_short) / n + at_short / s) * p**n
    return (1 - p) / p * (agreed + beyond) + tail


@dataclass(frozen=True, slots=True)
class Interleaved:
    """A ranking drafted from two: `teams[i]` says whose pick `items[i]` was."""

    items: tuple[int, ...]
    teams: tuple[Literal["left", "right"], ...]

    def winner(self, chosen: set[int]) -> Literal["left", "right", "tie"]:
        """Whose picks were chosen more often."""
        left = sum(item in chosen for item, team in zip(self.items, self.teams, strict=True) if team == "left")
        right = sum(item in chosen for item, team in zip(self.items, self.teams, strict=True) if team == "right")
        return "left" if left > right else "right" if right > left else "tie"


def interleave(left: Sequence[int], right: Sequence[int], top: int, seed: int) -> Interleaved:
    """Team-draft interleaving: in each round a coin says who picks first, and each picks its best item not yet taken.

    Radlinski, Kurup and Joachims, "How does clickthrough data reflect retrieval quality?", CIKM 2008.
    """
    chance, items, teams = random.Random(seed), list[int](), list[Literal["left", "right"]]()
    sides: dict[Literal["left", "right"], Sequence[int]] = {"left": left, "right": right}
    order: list[Literal["left", "right"]] = []
    while len(items) < top:
        if not order:
            order = chance.sample(["left", "right"], 2)
        team = order.pop(0)
        pick = next((item for item in sides[team] if item not in items), None)
        if pick is not None:
            items.append(pick)
            teams.append(team)
        elif all(item in items for item in (*left, *right)):
            break
    return Interleaved(tuple(items), tuple(teams))
