"""Blind duels: two hidden contenders answer one question, a person says which served it better. Draws nothing.

Which of them stands left is a coin's choice. Questions come one by one, from a list, or are taken from the documents
where contenders disagree most.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from app.contenders import Contender
from indexer import Vote
from indexer.arena import disagreements
from indexer.taking import passages, take

if TYPE_CHECKING:
    import numpy as np

    from embedder import Embedder
    from indexer import Collection, Hit
    from indexer.votes import Choice

SHOWN = 5  # hits on either side
DEPTH = 10  # hits in which disagreement is looked for
LISTED = 200  # questions of a file that are read
LONGEST = 2000  # characters of a question


@dataclass(frozen=True, slots=True)
class Duel:
    """A question with what two contenders found; `left` and `right` are their labels, which stay hidden."""

    query: str
    left: str
    right: str
    left_hits: tuple[Hit, ...]
    right_hits: tuple[Hit, ...]

    def vote(self, choice: Choice) -> Vote:
        """What a choice says, as a row to keep."""
        left, right = (tuple(hit.chunk for hit in hits) for hits in (self.left_hits, self.right_hits))
        return Vote(self.query, self.left, self.right, choice, left, right)


@dataclass(frozen=True, slots=True)
class Ring:
    """Where contenders of one collection meet; `embedder` opens one of them."""

    collection: Collection
    embedder: Callable[[Contender], Embedder]

    def found(self, one: Contender, queries: Sequence[str]) -> list[tuple[Hit, ...]]:
        """The first hits of each question; a model that is not in memory comes once for all of them."""
        if one.mode == "words":
            return [self._search(query, one, None, None) for query in queries]
        embedder = self.embedder(one)
        vectors = embedder.queries(list(queries), instruction=one.instruction)
        return [self._search(query, one, embedder, row) for query, row in zip(queries, vectors, strict=True)]

    def _search(
        self, query: str, one: Contender, embedder: Embedder | None, vector: np.ndarray | None
    ) -> tuple[Hit, ...]:
        result = self.collection.search(query, embedder, top=DEPTH, mode=one.mode, query_vector=vector)
        return tuple(result.hits)

    def duel(self, query: str, pairs: Iterable[tuple[Contender, Contender]], chance: random.Random) -> Duel | None:
        """The first pair that finds something different; None where all found the same, so that nothing is to choose.

        A contender is asked once, also where several pairs have it.
        """
        found: dict[str, tuple[Hit, ...]] = {}
        for pair in pairs:
            for one in pair:
                if one.label not in found:
                    found[one.label] = self.found(one, [query])[0]
            if duel := _duel(query, [(one.label, found[one.label]) for one in pair], chance):
                return duel
        return None

    def duels(self, queries: Sequence[str], contenders: Sequence[Contender], chance: random.Random) -> list[Duel]:
        """Each question that divides some pair, for the pair that it divides; what divides most comes first."""
        found = {one.label: self.found(one, queries) for one in contenders}
        rankings = {label: [[hit.chunk for hit in hits] for hits in rows] for label, rows in found.items()}
        place = {query: n for n, query in enumerate(queries)}
        made = []
        for row in disagreements(rankings, queries):
            sides = [(label, found[label][place[row.query]]) for label in (row.one, row.other)]
            duel = _duel(row.query, sides, chance)
            made += [duel] if duel is not None else []
        return made

    def taken(self, count: int, seed: int) -> list[str]:
        """Titles, headings and sentences of the documents, to be asked."""
        with self.collection.catalogue.read() as connection:
            return [question.text for question in take(passages(connection, 3 * count, seed=seed), seed=seed, left=0)][
                :count
            ]


def _duel(query: str, sides: list[tuple[str, tuple[Hit, ...]]], chance: random.Random) -> Duel | None:
    chance.shuffle(sides)
    (left, left_hits), (right, right_hits) = sides
    shown = left_hits[:SHOWN], right_hits[:SHOWN]
    if [hit.chunk for hit in shown[0]] == [hit.chunk for hit in shown[1]]:
        return None
    return Duel(query, left, right, *shown)


def pairs_in_turn(
    votes: Iterable[Vote], contenders: Sequence[Contender], chance: random.Random
) -> list[tuple[Contender, Contender]]:
    """All pairs, those with the fewest votes so far first; a coin decides among equals."""
    if len(contenders) < 2:
        raise ValueError("a duel takes two contenders")
    counts = Counter(frozenset((vote.left, vote.right)) for vote in votes)
    pairs = list(combinations(contenders, 2))
    chance.shuffle(pairs)
    return sorted(pairs, key=lambda pair: counts[frozenset((pair[0].label, pair[1].label))])


def questions_of(data: bytes) -> list[str]:
    """The questions of a file: JSON lines with a "text" (as BEIR's queries.jsonl), or one question a line."""
    found: list[str] = []
    for line in data.decode("utf-8-sig", errors="replace").splitlines():
        text = line.strip()
        if text.startswith("{"):
            row = _object(text)
            text = str(row.get("text") or row.get("query") or "").strip()
        if text and text not in found:
            found.append(text[:LONGEST])
        if len(found) == LISTED:
            break
    return found


def _object(text: str) -> Mapping[str, object]:
    try:
        row = json.loads(text)
    except ValueError:
        return {"text": text}
    return row if isinstance(row, dict) else {}


def topics(queries: Iterable[str]) -> str:
    """The questions of a qrels file by their numbers, tab-separated."""
    return "".join(f"{n}\t{' '.join(query.split())}\n" for n, query in enumerate(queries, start=1))
