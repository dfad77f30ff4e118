"""First stage: one vector per group of tokens; a text is the normalised sum of its tokens' vectors.

Contrastive pairs (InfoNCE both ways, in blocks of one source so that negatives are hard) and teachers' similarities (a
row-wise softmax over neighbouring texts) at nested dimensions. Minutes on one core; the decoder then starts as this
table. It runs where the table lies, and knows no transformer.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

Ids = np.ndarray  # (k,) int32: the groups of a text's tokens
NESTED = ((512, 1.0), (256, 0.5), (128, 0.3), (64, 0.2))  # Matryoshka dimensions and their weight in the loss


@dataclass(frozen=True, slots=True)
class Taught:
    """Texts with the vectors of one teacher; `temperature` is the teacher's own (e5's cosines crowd together).

    `level` weighs the squared difference of cosines beside the order of neighbours: for teachers whose cosines spread.
    """

    ids: list[Ids]
    vectors: np.ndarray
    temperature: float
    level: float = 0.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run of this stage does; rates are per Adam step on vectors of length about 1."""

    steps: int = 1500
    pairs: int = 1024
    block: int = 128
    taught: int = 768
    temperature: float = 0.05
    student: float = 0.05
    near: float = 0.0  # a lesson is the cosines of this share of its pairs, the nearest (0: the order of neighbours)
    rate: float = 0.02
    distil: float = 1.0
    width: int = 512
    seed: int = 0


SLACK = 8  # dimensions that no vector shows: what a token puts there, it takes from its own weight


def composed(table: torch.Tensor, parts: torch.Tensor | None) -> torch.Tensor:
    """Each row plus the rows of its parts: a word of two characters moves with them, a plural with its singular.

    :param parts: (2, n) pairs of group and part, or None.
    """
    if parts is None or not parts.numel():
        return table
    whole, part = parts.to(table.device)
    return table.index_add(0, whole, table[part])


def shown(table: torch.Tensor) -> torch.Tensor:
    """(groups, width) -> (groups, width - SLACK): what a decoder's final norm lets through of a token.

    Every row has the same length, so a rare word weighs as much as a frequent one until training says otherwise; free
    lengths let whatever is seen often outgrow the rare words that a search is usually about.
    """
    return functional.normalize(table, dim=1)[:, :-SLACK]


def bag(table: torch.Tensor, texts: Sequence[Ids]) -> torch.Tensor:
    """Unnormalised sums of the rows of `shown`, (n, width)."""
    flat = torch.from_numpy(np.concatenate(texts).astype(np.int64)).to(table.device)
    starts = torch.from_numpy(np.cumsum([0, *map(len, texts[:-1])])).to(table.device)
    return functional.embedding_bag(flat, table, starts, mode="sum")


def contrast(queries: torch.Tensor, passages: torch.Tensor, temperature: float, same: torch.Tensor) -> torch.Tensor:
    """InfoNCE in both directions; `same[i, j]` masks passages equal to the positive of query i."""
    scores = (functional.normalize(queries, dim=1) @ functional.normalize(passages, dim=1).T) / temperature
    scores = scores.masked_fill(same.to(scores.device), -1e4)
    target = torch.arange(len(scores), device=scores.device)
    return (functional.cross_entropy(scores, target) + functional.cross_entropy(scores.T, target)) / 2


def imitate(
    states: torch.Tensor, vectors: torch.Tensor, teacher: float, student: float, level: float = 0.0
) -> torch.Tensor:
    """KL between the rows of two similarity matrices, diagonal left out, and `level` times their squared difference.

    The rows alone say who is nearer to a text; the level makes cosines of different texts comparable.
    """
    ours = functional.normalize(states, dim=1)
    mask = torch.eye(len(ours), dtype=torch.bool, device=ours.device)
    theirs, got = vectors @ vectors.T, ours @ ours.T
    wanted = (theirs / teacher).masked_fill(mask, -1e4).softmax(1)
    order = functional.kl_div((got / student).masked_fill(mask, -1e4).log_softmax(1), wanted, reduction="batchmean")
    return order + level * functional.mse_loss(got, theirs) if level else order


def agree(states: torch.Tensor, vectors: torch.Tensor, share: float) -> torch.Tensor:
    """One less the correlation of our cosines with the teacher's, over the `share` of pairs that it finds nearest.

    How far apart two unlike texts are says nothing; which of two like texts are liker is what similarity is about.
    """
    ours = functional.normalize(states, dim=1)
    theirs = vectors @ vectors.T
    some = theirs[:256].flatten()  # a quantile of all would cost more than the loss
    near = (theirs > torch.quantile(some, 1 - share)) & ~torch.eye(len(ours), dtype=torch.bool, device=ours.device)
    got, wanted = (ours @ ours.T)[near], theirs[near]
    got, wanted = got - got.mean(), wanted - wanted.mean()
    return 1 - functional.cosine_similarity(got, wanted, dim=0)


def told(states: torch.Tensor, lesson: Taught, vectors: torch.Tensor, student: float, near: float) -> torch.Tensor:
    """The loss of a lesson at every Matryoshka dimension: `agree` where `near` is set, else `imitate`."""
    if near:
        return nested(lambda s: agree(s, vectors, near), states)
    return nested(lambda s: imitate(s, vectors, lesson.temperature, student, lesson.level), states)


def nested(loss: Callable[..., torch.Tensor], *states: torch.Tensor) -> torch.Tensor:
    """A loss at every Matryoshka dimension, weighted."""
    total = torch.zeros((), device=states[0].device)
    for width, weight in NESTED:
        total = total + weight * loss(*(s[:, :width] for s in states))
    return total


def blocks(
    sources: dict[str, int], weights: dict[str, float], block: int, seed: int
) -> Iterator[tuple[str, list[int]]]:
    """Endless (source, rows): sources drawn by weight, rows without repetition until a source is used up."""
    draw = random.Random(seed)
    left: dict[str, list[int]] = {s: [] for s in sources}
    names = list(sources)
    while True:
        source = draw.choices(names, [weights[s] for s in names])[0]
        if len(left[source]) < min(block, sources[source]):
            left[source] = draw.sample(range(sources[source]), sources[source])
        yield source, [left[source].pop() for _ in range(min(block, len(left[source])))]


def neighbourhoods(vectors: np.ndarray, size: int, seed: int) -> Iterator[np.ndarray]:
    """Endless batches of rows: a few random seeds, each with its nearest neighbours among a random third of all."""
    draw = np.random.default_rng(seed)
    while True:
        pool = draw.choice(len(vectors), min(len(vectors), 24_000), replace=False)
        near = vectors[pool].astype(np.float32)
        for _ in range(40):
            seeds = draw.choice(len(pool), max(1, size // 16), replace=False)
            found = np.argpartition(-(near[seeds] @ near.T), 15, axis=1)[:, :16]
            yield pool[np.unique(found)[:size]]


def train(
    table: torch.Tensor,
    pairs: dict[str, tuple[list[Ids], list[Ids]]],
    weights: dict[str, float],
    taught: dict[str, Taught],
    recipe: Recipe,
    parts: torch.Tensor | None = None,
) -> Iterator[tuple[int, float, float]]:
    """Train `table` (groups, width) in place; yields (step, contrastive loss, imitation loss)."""
    table.requires_grad_(True)
    optimiser = torch.optim.Adam([table], lr=recipe.rate, betas=(0.9, 0.98), eps=1e-8)
    draw = blocks({s: len(q) for s, (q, _) in pairs.items()}, weights, recipe.block, recipe.seed)
    lessons = {k: neighbourhoods(t.vectors, recipe.taught, recipe.seed) for k, t in taught.items()}
    order = sorted(taught)
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * min(1, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))
        queries, passages, same = batch(pairs, draw, recipe.pairs)
        seen = shown(composed(table, parts))
        asked, answered = bag(seen, queries), bag(seen, passages)
        loss = nested(lambda q, p, s=same: contrast(q, p, recipe.temperature, s), asked, answered)
        taught_loss = torch.zeros(())
        if order:
            lesson = taught[order[step % len(order)]]
            rows = next(lessons[order[step % len(order)]])
            vectors = torch.from_numpy(lesson.vectors[rows].astype(np.float32)).to(table.device)
            states = bag(seen, [lesson.ids[i] for i in rows])
            taught_loss = told(states, lesson, vectors, recipe.student, recipe.near)
        optimiser.zero_grad()
        torch.autograd.backward(loss + recipe.distil * taught_loss)
        optimiser.step()
        yield step, float(loss.detach()), float(taught_loss.detach())
    table.requires_grad_(False)


def batch(
    pairs: dict[str, tuple[list[Ids], list[Ids]]], draw: Iterator[tuple[str, list[int]]], size: int
) -> tuple[list[Ids], list[Ids], torch.Tensor]:
    """Queries, their passages, and where a query or passage stands twice (which makes no negative)."""
    chosen: list[tuple[str, int]] = []
    while len(chosen) < size:
        source, rows = next(draw)
        chosen.extend((source, r) for r in rows)
    chosen = chosen[:size]
    queries = [pairs[s][0][r] for s, r in chosen]
    passages = [pairs[s][1][r] for s, r in chosen]
    keys = np.array([hash(p.tobytes()) for p in passages])
    asks = np.array([hash(q.tobytes()) for q in queries])
    same = (keys[:, None] == keys[None]) | (asks[:, None] == asks[None])
    np.fill_diagonal(same, False)
    return queries, passages, torch.from_numpy(same)


def start(rarity: np.ndarray, width: int, seed: int) -> torch.Tensor:
    """Random unit rows, (groups, width), whose shown part is the longer the rarer the token.

    :param rarity: (groups,) inverse document frequency, mean 1.
    """
    rows = torch.randn(len(rarity), width, generator=torch.Generator().manual_seed(seed))
    share = torch.from_numpy(np.clip(rarity, 0.2, 2.0) / 2).float()
    visible = functional.normalize(rows[:, :-SLACK], dim=1) * share[:, None]
    hidden = functional.normalize(rows[:, -SLACK:], dim=1) * (1 - share**2).clamp(min=1e-4).sqrt()[:, None]
    return torch.cat([visible, hidden], dim=1)
