"""From blind votes to a rating: Bradley-Terry with bootstrap intervals, how many more votes a decision needs, and what
to ask next. Knows no model and no page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from indexer.fuse import rbo
from indexer.votes import Vote

ROUNDS, LONGEST_STEP = 100, 2.0
EXACT = 300  # votes up to which the sign test is counted out
ALIKE = 0.02  # of the share of wins from a half: nobody would vote long enough to tell these apart
SCALE, CENTRE = 400 / math.log(10), 1000.0  # the units people know from chess: 400 points are odds of ten to one
PRIOR = 0.5  # a tie with everybody, so that a method that never lost has a finite rating


@dataclass(frozen=True, slots=True)
class Rating:
    """A method's rating with its 95% bootstrap interval; `votes` it took part in."""

    method: str
    value: float
    low: float
    high: float
    votes: int


def ratings(votes: Sequence[Vote], *, resamples: int = 200, seed: int = 0) -> list[Rating]:
    """Ratings of all methods that were voted on, best first."""
    names = sorted({name for vote in votes for name in (vote.left, vote.right)})
    if not names:
        return []
    games = _games(votes, names)
    chance = np.random.default_rng(seed)
    drawn = [games[chance.integers(0, len(games), len(games))] for _ in range(resamples)]
    spread = np.array([strengths(wins(sample, len(names))) for sample in drawn])
    values = strengths(wins(games, len(names)))
    low, high = np.quantile(spread, (0.025, 0.975), axis=0)
    found = [
        Rating(name, float(values[n]), float(low[n]), float(high[n]), sum(name in (v.left, v.right) for v in votes))
        for n, name in enumerate(names)
    ]
    return sorted(found, key=lambda rating: -rating.value)


def _games(votes: Sequence[Vote], names: Sequence[str]) -> np.ndarray:
    """One row a vote: left, right, what the left got: 1, 0, or a half for "both" and "neither"."""
    place = {name: n for n, name in enumerate(names)}
    won = {"left": 1.0, "right": 0.0, "both": 0.5, "neither": 0.5}
    return np.array([(place[vote.left], place[vote.right], won[vote.choice]) for vote in votes])


def wins(games: np.ndarray, count: int) -> np.ndarray:
    """How often each method beat each other one, ties as halves: (count, count)."""
    table = np.zeros((count, count))
    left, right = games[:, 0].astype(int), games[:, 1].astype(int)
    np.add.at(table, (left, right), games[:, 2])
    np.add.at(table, (right, left), 1 - games[:, 2])
    return table


def strengths(table: np.ndarray) -> np.ndarray:
    """Bradley-Terry ratings of a table of wins: the odds that i beats j are exp(difference / SCALE).

    Bradley and Terry, Biometrika 1952. The likelihood is concave, so Newton's steps, kept short, find its one maximum.
    """
    count = len(table)
    table = table + PRIOR * (1 - np.eye(count)) / max(count - 1, 1)
    games = table + table.T
    skill = np.zeros(count)  # in log odds
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(skill[None, :] - skill[:, None]))  # that i beats j
        slope = table.sum(1) - (games * chance).sum(1)
        weight = games * chance * (1 - chance)
        bend = np.diag(weight.sum(1)) - weight + 1 / count  # the last term holds the mean at zero
        step = np.linalg.solve(bend, slope)
        skill += step * min(1.0, LONGEST_STEP / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(CENTRE + SCALE * (skill - skill.mean()))


def votes_needed(votes: Sequence[Vote], one: str, other: str) -> int | None:
    """How many more votes would show which of two is better, if they go on as so far; None where they look alike.

    Sign test at the 5% level, both sides, ties as halves: exact up to EXACT votes, by its normal approximation beyond
    (n votes tell a share s of wins from a half when |s - 1/2| > 0.98 / sqrt(n)).
    """
    scores = [
        score if vote.left == one else 1 - score
        for vote in votes
        if {vote.left, vote.right} == {one, other}
        for score in ({"left": 1.0, "right": 0.0}.get(vote.choice, 0.5),)
    ]
    edge = abs(sum(scores) / len(scores) - 0.5) if scores else 0.0
    if edge < ALIKE:
        return None
    for count in range(len(scores), EXACT):
        if sign_test(math.floor((0.5 + edge) * count + 1e-9), count) <= 0.05:
            return count - len(scores)
    return max(0, math.ceil((0.98 / edge) ** 2) - len(scores))


def sign_test(won: int, count: int) -> float:
    """How likely one of two equals wins at least so many of `count` votes, whichever it is: 0 to 1."""
    tail = sum(math.comb(count, k) for k in range(max(won, count - won), count + 1))
    return min(1.0, 2 * tail / float(2**count))


@dataclass(frozen=True, slots=True)
class Apart:
    """A question that two methods answer differently; `overlap` is the rank-biased overlap of their hits, 0 to 1."""

    query: str
    one: str
    other: str
    overlap: float


def disagreements(rankings: Mapping[str, Sequence[Sequence[int]]], queries: Sequence[str]) -> list[Apart]:
    """Where methods disagree most: each query once, for one pair, every pair in turn with what tells it apart best.

    `rankings` holds, by method, the chunks found for each query.
    """
    waiting = {
        (one, other): sorted(
            (rbo(left, right), n)
            for n, (left, right) in enumerate(zip(rankings[one], rankings[other], strict=True))
            if left != right
        )
        for one, other in combinations(rankings, 2)
    }
    found: list[Apart] = []
    asked = set[int]()
    while any(waiting.values()):
        for (one, other), rows in waiting.items():
            rows[:] = [(overlap, n) for overlap, n in rows if n not in asked]
            if rows:
                overlap, n = rows.pop(0)
                asked.add(n)
                found.append(Apart(queries[n], one, other, overlap))
    return found
