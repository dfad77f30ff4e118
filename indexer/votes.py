"""Votes between two hidden methods. A vote is a row.

Judgements can be taken out as TREC qrels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import delete, insert, select
from sqlalchemy.engine import Row

from indexer import catalogue as c
from indexer.catalogue import Catalogue

Choice = Literal["left", "right", "both", "neither"]
CHOICES: tuple[Choice, ...] = get_args(Choice)


@dataclass(frozen=True, slots=True)
class Vote:
    """Which of two lists of chunk ids served a query better; `left` and `right` name the methods."""

    query: str
    left: str
    right: str
    choice: Choice
    left_hits: tuple[int, ...] = ()
    right_hits: tuple[int, ...] = ()
    instruction: str = ""
    id: int = 0
    created: str = ""

    def __post_init__(self) -> None:
        if self.choice not in CHOICES:
            raise ValueError(f"a vote is one of {', '.join(CHOICES)}; got {self.choice!r}")


class Votes:
    """The votes of one collection."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Rows live in the collection's catalogue."""
        self.catalogue = catalogue

    def add(self, vote: Vote) -> int:
        """Store a vote; its id, for `undo`."""
        with self.catalogue.write() as connection:
            made = connection.execute(insert(c.vote).values(
                query=vote.query, instruction=vote.instruction, left=vote.left, right=vote.right, choice=vote.choice,
                left_hits=list(vote.left_hits), right_hits=list(vote.right_hits), created=c.now(),
            ))  # fmt: skip
            return c.new_id(made)

    def undo(self, vote: int) -> None:
        """Take a vote back."""
        with self.catalogue.write() as connection:
            connection.execute(delete(c.vote).where(c.vote.c.id == vote))

    def all(self) -> list[Vote]:
        """Every vote, oldest first."""
        with self.catalogue.read() as connection:
            return [_vote(row) for row in connection.execute(select(c.vote).order_by(c.vote.c.id))]


def _vote(row: Row[Any]) -> Vote:
    values = dict(row._mapping)
    return Vote(**values | {"left_hits": tuple(row.left_hits or ()), "right_hits": tuple(row.right_hits or ())})


def judgements(votes: Sequence[Vote], depth: int = 3) -> dict[str, dict[int, int]]:
    """Votes as judgements: the first hits of what was chosen count as relevant, of what was refused as not.

    A chunk that was chosen once stays relevant, whatever a later vote on the same query refused.
    """
    found: dict[str, dict[int, int]] = {}
    for vote in votes:
        good = {
            "left": vote.left_hits,
            "right": vote.right_hits,
            "both": vote.left_hits + vote.right_hits,
            "neither": (),
        }
        judged = found.setdefault(vote.query, {})
        for chunk in (*vote.left_hits[:depth], *vote.right_hits[:depth]):
            judged.setdefault(chunk, 0)
        sides = {"both": (vote.left_hits[:depth], vote.right_hits[:depth])}.get(
            vote.choice, (good[vote.choice][:depth],)
        )
        judged.update({chunk: 1 for side in sides for chunk in side})
    return found


def trec(judged: dict[str, dict[int, int]]) -> Iterator[str]:
    """Judgements as lines of a TREC qrels file: query number, 0, chunk, relevance."""
    for number, chunks in enumerate(judged.values(), start=1):
        for chunk, relevance in chunks.items():
            yield f"{number} 0 {chunk} {relevance}"
