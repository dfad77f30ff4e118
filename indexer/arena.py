"""From blind votes to a rating: Bradley-Terry with bootstrap intervals, and how many more votes a decision needs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexer.votes import Vote

ROUNDS = 200
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
    """Bradley-Terry ratings of a table of wins: the odds that i beats j are exp(difference).

    Bradley and Terry, Biometrika 1952; fitted by the iteration of Hunter, Annals of Statistics 2004 (his equation 3).
    """
    count = len(table)
    table = table + PRIOR * (1 - np.eye(count)) / max(count - 1, 1)
    games = table + table.T
    skill = np.ones(count)
    for _ in range(ROUNDS):
        skill = table.sum(1) / (games / (skill[:, None] + skill[None, :])).sum(1)
        skill /= np.exp(np.log(skill).mean())
    return np.asarray(CENTRE + SCALE * np.log(skill))


def votes_needed(votes: Sequence[Vote], one: str, other: str) -> int | None:
    """About how many more votes would show which of two is better (5% level); None where they look alike.

    Normal approximation of the sign test: n votes tell a share s of wins from a half when |s - 1/2| > 0.98 / sqrt(n).
    """
    scores = [
        score if vote.left == one else 1 - score
        for vote in votes
        if {vote.left, vote.right} == {one, other}
        for score in ({"left": 1.0, "right": 0.0}.get(vote.choice, 0.5),)
    ]
    edge = abs(sum(scores) / len(scores) - 0.5) if scores else 0.0
    if edge < 0.02:
        return None
    return max(0, math.ceil((0.98 / edge) ** 2) - len(scores))
